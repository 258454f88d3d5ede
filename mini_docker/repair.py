"""Find and take away what a killed engine process left behind.

Every command puts right the containers that it meets. This walks through all there
is: half-made and half-removed containers, names without a container, notes without a
process, control groups without a container.
"""

from __future__ import annotations

import os
import time
from functools import partial

from mini_docker import (
    builder_places,
    cgroups_present,
    cgroups_tree,
    containers,
    image_garbage,
    swap,
    trees,
)
from mini_docker.errors import MiniDockerError, NotFound
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mini_docker.store import Store

PATIENCE = 1.0  # seconds in which another command finishes what it is removing
Finding = tuple[str, "Callable[[], object] | None"]


def check(store: Store, mend: bool) -> tuple[list[str], list[str]]:
    """Return a line for each thing that is wrong and was put right, and for each that stays.

    With *mend* false nothing is changed, and everything found stays. A file that cannot
    be read is never removed: it is named, for a person to look at.
    """
    mended, left = [], []
    for line, remedy in [*_containers(store, mend), *_leftovers(store)]:
        if mend and remedy:
            try:
                remedy()
                mended.append(line)
                continue
            except MiniDockerError as error:
                line = f"{line}: {error}"
        left.append(line)
    return mended, left


def _containers(store: Store, mend: bool) -> Iterator[Finding]:
    """Yield containers whose state is not true, or cannot be read."""
    for id in sorted(store.ids()):
        directory = store.directory(id)
        if not os.path.exists(f"{directory}/container.json"):
            if not Lock(f"{directory}/lock").held():
                yield f"container {id[:12]} was never finished", partial(_drop, store, id)
            continue
        try:
            it = containers.Container(store, id)
            it.config()
            note = containers.read_note(store, id)
            looked_after = it.alive() or it.status() == "removing" or note is not None
            runs_on = it.running() and containers.alive(note)
            if looked_after and not runs_on and not it.lock().held():
                yield f"container {id[:12]} ended unseen", partial(_settle, it)
        except NotFound as error:
            yield str(error), None
        except (MiniDockerError, KeyError, TypeError) as error:
            yield f"container {id[:12]} has a broken record: {error}", None


def _vanishes(path: str) -> bool:
    """Say whether *path* goes away by itself: whoever removes a container may be at it."""
    end = time.monotonic() + PATIENCE
    while os.path.lexists(path):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _leftovers(store: Store) -> Iterator[Finding]:
    """Yield what belongs to no container."""
    for name in _list(f"{store.root}/containers"):
        path = f"{store.root}/containers/{name}"
        if name.startswith(".gone-") and not _vanishes(path):
            yield f"container {name[6:18]} was half removed", partial(trees.remove, path)
    for name in _list(f"{store.root}/names"):
        owner = store.owner(name)
        if not store.alive(owner) or store.called(owner) not in ("", name):
            yield f"the name {name} has no container", partial(_free, store, name, owner)
    for line, _ in list(image_garbage.leftovers(store.root)):
        yield line, partial(image_garbage.clear, store.root)
    yield from builder_places.leftovers(store.root)
    yield from _temporary_files(store)
    yield from _groups(store)
    for name in _list(store.run):
        id = name.removesuffix(".json")
        # A directory is made before its note and its group: looked for after them, it is there.
        if len(id) == 64 and not os.path.isdir(store.directory(id)):
            yield f"a note about {id[:12]}, which is gone", partial(_forget, store, id)


def _temporary_files(store: Store) -> Iterator[Finding]:
    """Yield the half-written records of processes that are gone: NAME.PID.tmp."""
    places = [store.run, *(store.directory(id) for id in store.ids())]
    for place in places:
        for name in _list(place):
            pid = name.removesuffix(".tmp").rpartition(".")[2]
            if name.endswith(".tmp") and pid.isdecimal() and not os.path.exists(f"/proc/{pid}"):
                path = f"{place}/{name}"
                yield f"{path} is half written", partial(_unlink, path)


def _groups(store: Store) -> Iterator[Finding]:
    """Yield control groups of containers that this store had and has no more.

    Other stores on this machine use the same parent, and may be making a container right
    now: a group is ours only if our run directory or a .gone- directory speaks of it.
    """
    spoken = {name.removesuffix(".json") for name in _list(store.run)}
    spoken |= {name[6:] for name in _list(f"{store.root}/containers") if name.startswith(".gone-")}
    base = None if swap.locked("cgroups") else cgroups_present.present().base
    if base is None:
        return
    for id in sorted(spoken):
        if len(id) != 64 or os.path.isdir(store.directory(id)):
            continue
        if (group := cgroups_tree.Group(f"{base}/mini-docker/{id}")).exists():
            yield f"control group {id[:12]} is left over", partial(_end, group)


def _settle(it: containers.Container) -> None:
    try:
        containers.settle(it)
    except NotFound:
        return  # it had --rm, and is removed now


def _drop(store: Store, id: str) -> None:
    with store.lock():  # a directory and its lock are made under this one
        if store.alive(id):
            return
        store.release(store.name_of(id), id)
        trees.remove(store.directory(id))
    containers.forget(store, id)


def _free(store: Store, name: str, owner: str) -> None:
    with store.lock():
        if not store.alive(owner) or store.called(owner) not in ("", name):
            store.release(name, owner)


def _forget(store: Store, id: str) -> None:
    """Remove the note, after ending the process that it speaks of, if that lives."""
    note = containers.read_note(store, id)
    if note and containers.alive(note):
        os.kill(int(note["Pid"]), 9)
    containers.forget(store, id)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _end(group: cgroups_tree.Group) -> None:
    group.kill()
    group.remove()


def _list(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
