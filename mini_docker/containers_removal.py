"""A container vanishes: in one step, a rename; the rest can be repeated.

    containers/ID  ->  containers/.gone-ID  ->  nothing

Nobody who lists containers sees the second. Whoever is at removing it holds a lock on the
directory itself, so leftovers.sweep() knows one that was left by somebody who was killed.
"""

from __future__ import annotations

import fcntl
import os

from mini_docker import trees
from mini_docker.containers_notes import forget, shut
from mini_docker.errors import ConfigError, NotFound, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container
    from mini_docker.store import Store


def removes_itself(it: Container) -> bool:
    """Say whether *it* is removed at its end: --rm, unless a `restart` needs it once more.

    One that was killed needs it no more: see restarters().
    """
    if not it.record["HostConfig"].get("AutoRemove"):
        return False
    return not (it.state.get("Restarted") and restarters(it).held(fcntl.LOCK_EX))


def restarters(it: Container) -> Lock:
    """Return the lock that each `restart` of *it* holds, shared, from its stop to its start."""
    return Lock(f"{it.store.directory(it.id)}/restarters")


def take_away(store: Store, id: str, name: str) -> bool:
    """Remove what is on disk of container *id*, which is called *name*; False: it was gone."""
    lock = Lock(store.directory(id), directory=True)
    try:
        trees.remove(_vanish(store, id, name, lock))
    except NotFound:
        return False  # somebody else removed it
    finally:
        lock.release()
    return True


def vanish(store: Store, id: str, name: str) -> str:
    """Let container *id* vanish from every listing, in one step; return what trees.remove() is for.

    While this process lives the directory stays locked: nobody else removes it. NotFound if
    the container is gone.
    """
    lock = Lock(store.directory(id), directory=True)
    gone = _vanish(store, id, name, lock)
    lock.descriptor = -1  # stays open
    return gone


def _vanish(store: Store, id: str, name: str, lock: Lock) -> str:
    """Take *lock*, on the directory, and rename that."""
    gone = f"{store.root}/containers/.gone-{id}"
    shut(store, id)
    lock.acquire()
    with store.lock():
        try:
            os.rename(store.directory(id), gone)
        except FileNotFoundError:
            raise NotFound(f"No such container: {id[:12]}") from None
        except OSError as error:
            raise ConfigError(f"cannot remove {store.directory(id)}: {reason(error)}") from error
        store.release(name, id)
    forget(store, id)  # not before: a note says that the container of a build is not wanted
    return gone
