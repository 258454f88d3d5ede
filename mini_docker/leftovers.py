"""What a killed command leaves of containers that are not there: taken away by the next one.

    containers/.gone-ID     half removed: whoever removes it holds a lock on the directory itself
    containers/ID           without container.json: half made, unless its lock is held
    names/NAME              of such a container, or of one that is called something else: a
                            rename was killed between its two halves
    RUN/ID.json.PID.tmp     half a note, whose writer is gone

Every container has one name, and its directory is made before the name is given to it. So
more names than containers tell, at the price of two listings, that there is something to find.
"""

from __future__ import annotations

import os

from mini_docker import containers_notes, trees
from mini_docker.errors import NotFound
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.store import Store

GONE = ".gone-"


def sweep(store: Store) -> None:
    """Take away what belongs to no container, and to no command that is at it.

    Each command that makes or removes containers calls this; `system check` tells what there
    is without it. ConfigError names what cannot be removed.
    """
    try:
        entries = os.listdir(f"{store.root}/containers")
    except FileNotFoundError:
        return  # a store that nobody has used yet
    for name in entries:
        path = f"{store.root}/containers/{name}"
        if name.startswith(GONE):
            _remove(store, path)
        elif len(name) == 64 and not os.path.exists(f"{path}/container.json"):
            _drop(store, name)
    if len(os.listdir(f"{store.root}/names")) > sum(len(name) == 64 for name in entries):
        _free(store)
    for name in _list(store.run):
        if name.endswith(".tmp") and not os.path.exists(f"/proc/{name.split('.')[-2]}"):
            _unlink(f"{store.run}/{name}")


def _remove(store: Store, path: str) -> None:
    """Remove the directory *path* of a container that is gone, if nobody else does."""
    lock = Lock(path, directory=True)
    try:
        if lock.take():
            with store.lock():
                id = path.rpartition(GONE)[2]
                if not os.path.exists(store.directory(id)):
                    store.release(store.name_of(id), id)
            containers_notes.forget(store, id)
            trees.remove(path)
    except NotFound:
        return  # somebody has finished it
    finally:
        lock.release()


def _drop(store: Store, id: str) -> None:
    """Remove container *id*, which was never finished, if nobody is making it."""
    gone = f"{store.root}/containers/{GONE}{id}"
    with store.lock():  # a directory and its lock are made under this one
        if store.alive(id) or not os.path.isdir(store.directory(id)):
            return
        os.rename(store.directory(id), gone)
    _remove(store, gone)


def _free(store: Store) -> None:
    """Take away the names that lead to no container, or to one with another name."""
    with store.lock():
        for name in os.listdir(f"{store.root}/names"):
            owner = store.owner(name)
            if not store.alive(owner) or store.called(owner) not in ("", name):
                os.unlink(f"{store.root}/names/{name}")


def _list(path: str) -> list[str]:
    """Return what is in directory *path*: nothing in /run, when the machine has started."""
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return  # another command has swept it
