"""Remove containers: one that does not run, one that does, one that is broken, all that may go."""

from __future__ import annotations

import os

from mini_docker import containers, leftovers, lifecycle, operations_wait
from mini_docker.errors import ConfigError, MiniDockerError, NotFound, StateError
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from mini_docker.containers import Container
    from mini_docker.store import Store
else:
    import _signal as signal


PATIENCE = 1.0  # seconds that a `wait` has to read how the container ended


def remove(it: Container, force: bool, told: bool = False) -> bool:
    """Remove *it*; a running one only with *force*, and then it is killed first.

    Return False if somebody else removed it. *told*: the event of its kill has been written.

    One that is being started is waited for: without its directory it would run on, and
    nobody would know of it. StateError, in Docker's words, if it runs or is being removed.
    """
    patience, life = operations_wait.Patience(it, "cannot remove"), it.lock()
    try:
        while True:
            if it.alive():
                _end(it, force, told)
            if life.take() and not _alive(it):
                break
            life.release()
            if it.status() == "removing":
                lifecycle.move("removing", "remove", it.name())
            patience.look()
        return _take_away(it)
    except NotFound:
        return False  # it had --rm, or somebody else removed it
    finally:
        life.release()


def _end(it: Container, force: bool, told: bool) -> None:
    """Kill *it*; StateError if that is not wanted. *told*: see remove()."""
    if not force:
        lifecycle.move(it.status(), "remove", it.name())
    from mini_docker import operations, operations_kill  # most have ended before

    line = operations_wait.announce(it)
    patience = operations_wait.Patience(it, "cannot remove", line=line)
    marked = None
    while it.alive():
        if it.state["StartedAt"] != marked:
            operations.mark(it)  # the next life as well: a start forgets it
            marked = it.state["StartedAt"]
        # Each time, and of several signals one is told: a pause may have come between.
        told = operations_kill.send(it, signal.SIGKILL, thaw=True, told=told)
        patience.look()


def _alive(it: Container) -> bool:
    it.reload()
    return it.alive()


def _take_away(it: Container) -> bool:
    """Remove what is on disk of *it*, which does not run, and whose lock we hold.

    False: somebody else did.
    """
    with it.change():
        it.reload()
        after = lifecycle.move(it.status(), "remove", it.name())
        try:
            it.update(Status=after)
        except ConfigError:
            it.state["Status"] = after  # no space, not even in its place: this makes some
    waiters = f"{it.store.directory(it.id)}/waiters"
    if os.path.exists(waiters):
        Lock(waiters).wait(PATIENCE)
    try:
        return containers.remove(it)
    except MiniDockerError as error:
        if os.path.isdir(it.store.directory(it.id)):
            with it.change():
                it.update(Status="dead", Error=str(error))
        raise


def remove_broken(store: Store, reference: str) -> None:
    """Remove a container whose records cannot be read, and kill what can be found of it."""
    from mini_docker import cgroups_tree, processes

    id = store.find(reference)
    if Lock(f"{store.directory(id)}/lock").held():
        raise StateError(f"cannot remove container {id[:12]}: its monitor is alive, kill it first")
    if path := _group(store, id):
        group = cgroups_tree.Group(path)
        group.kill()
        group.remove()
    try:
        noted = containers.read_note(store, id)
        if noted and containers.alive(noted):  # it is not in that group, or there is none
            processes.send(int(noted["Pid"]), signal.SIGKILL)
    except (ConfigError, ValueError, TypeError):
        pass  # a note that says nothing
    containers.take_away(store, id, store.name_of(id))


def _group(store: Store, id: str) -> str:
    """Return the control group of a container of which not every record can be read; or ""."""
    from mini_docker import cgroups_present

    try:
        path = store.config(id)["linux"]["cgroupsPath"]
        if isinstance(path, str) and path.endswith(f"/{id}"):  # nobody else's
            return path
    except (MiniDockerError, LookupError, TypeError):
        pass  # that record it is: then it is where most are
    base = cgroups_present.present().base
    return "" if base is None else f"{base}/mini-docker/{id}"


def prune(
    store: Store, wanted: Callable[[Container], bool]
) -> tuple[list[str], int, list[MiniDockerError]]:
    """Remove each container that does not run and is *wanted*, the newest first.

    Return their ids, how many bytes their own layers took, and an error for each that could
    not be removed or read.
    """
    found, failed = containers.listing(store)
    gone, freed = [], 0
    for it in found:
        if it.alive() or _starting(it) or not wanted(it):
            continue
        try:
            size = written(it)
            if remove(it, force=False):
                gone.append(it.id)
                freed += size
        except MiniDockerError as error:
            busy = it.status() in (*lifecycle.ALIVE, "removing")  # it is by now
            if not (busy and isinstance(error, StateError)):
                failed.append(error)
    leftovers.sweep(store)
    return gone, freed, failed


def _starting(it: Container) -> bool:
    """Say whether somebody is at starting *it*, which says so by a note."""
    return os.path.exists(f"{it.store.run}/{it.id}.json") and it.lock().held()


def written(it: Container) -> int:
    """Return the bytes that *it* has written to its own layer; 0 if that is gone."""
    from mini_docker import image_layers

    try:
        return image_layers.size(f"{it.store.directory(it.id)}/upper")
    except FileNotFoundError:
        return 0
