"""What one does to a container that exists: kill, pause, wait, remove."""

from __future__ import annotations

import os
import signal
import time

from mini_docker import cgroups_tree, containers
from mini_docker.errors import CgroupError, Conflict, NotFound, ProcessError, StateError, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container
    from mini_docker.store import Store

GRACE = 10.0  # seconds that a killed container gets to be gone


def kill(it: Container, number: int) -> None:
    """Send signal *number* to process 1 of *it*; StateError, in Docker's words, if it has none.

    After SIGKILL return once the container has ended, as Docker does: its end is written
    down, and it can be removed. StateError if that takes longer than GRACE.
    """
    if not it.running():
        raise StateError(f"cannot kill container: {it.name()}: container is not running")
    _send(it, number)
    if number != signal.SIGKILL:
        return
    give_up = time.monotonic() + GRACE
    try:
        while it.running():
            it = _again(it, give_up)
    except NotFound:
        return  # it had --rm


def _send(it: Container, number: int) -> None:
    """Send signal *number* to process 1 of *it*, if that still lives.

    A pidfd stands for the process itself, not for a number that another may have by now.
    pidfd_open(2), pidfd_send_signal(2).
    """
    try:
        descriptor = containers.hold(it)
        signal.pidfd_send_signal(descriptor, number)
        os.close(descriptor)
    except (StateError, ProcessLookupError):
        return  # it has just ended: there is nothing to kill
    except OSError as error:
        raise ProcessError(f"cannot kill container {it.name()}: {reason(error)}") from error
    if number == signal.SIGKILL:
        _let_die(it)


def pause(it: Container) -> None:
    """Freeze every process of *it*.

    The state says so before the kernel does: who is killed in between leaves a container
    that "unpause" lets run on, not one that is frozen and said to run.
    """
    with it.change():
        it.reload()
        if it.status() == "paused":
            raise StateError(f"Container {it.id[:12]} is already paused")
        if not it.running():
            raise StateError(f"Container {it.id[:12]} is not running")
        group = _group(it)
        it.update(Status="paused")
        try:
            group.freeze()
        except BaseException:
            it.update(Status="running")
            raise


def unpause(it: Container) -> None:
    """Let the processes of *it* run on; the kernel comes first, as the state did in pause()."""
    with it.change():
        it.reload()
        if it.status() != "paused":
            raise StateError(f"Container {it.id[:12]} is not paused")
        _thaw(it)
        it.update(Status="running")


def wait(it: Container) -> int:
    """Wait until *it* has ended, and return its exit code. One that never ran is not waited for."""
    waiters = Lock(f"{it.store.directory(it.id)}/waiters")
    try:
        waiters.acquire(shared=True)  # one that is removed at its end stays until we have read
        while it.running():
            time.sleep(0.01)
            it = containers.load(it.store, it.id)
    except NotFound:
        raise NotFound(f"No such container: {it.id[:12]}") from None
    finally:
        waiters.release()
    return int(it.state["ExitCode"])


def remove(it: Container, force: bool) -> None:
    """Remove *it*; a running one only with *force*, and then it is killed first.

    One that is being started is waited for: without its directory it would run on, and
    nobody would know of it.
    """
    try:
        give_up = time.monotonic() + GRACE
        while it.status() == "created" and it.lock().held():
            it = _again(it, give_up)
        if it.running() and not force:
            raise Conflict(
                f'cannot remove container "{it.name()}": container is {it.status()}: '
                "stop the container before removing or force remove"
            )
        give_up = time.monotonic() + GRACE
        while it.running():
            _send(it, signal.SIGKILL)  # each time: a pause may have come between
            it = _again(it, give_up)
    except NotFound:
        return  # it had --rm, or somebody else removed it
    containers.remove(it)


def _again(it: Container, give_up: float) -> Container:
    """Look at *it* once more, in a moment; StateError when the time *give_up* has come."""
    if time.monotonic() > give_up:
        verb = "end" if it.running() else "finish its start"
        raise StateError(f"container {it.name()} does not {verb} within {GRACE:g} s")
    time.sleep(0.005)
    return containers.load(it.store, it.id)


def remove_broken(store: Store, reference: str) -> None:
    """Remove a container whose records cannot be read, and kill what is in its control group."""
    id = store.find(reference)
    if Lock(f"{store.directory(id)}/lock").held():
        raise StateError(f"cannot remove container {id[:12]}: its monitor is alive, kill it first")
    base = cgroups_tree.present().base
    if base is not None:
        group = cgroups_tree.Group(f"{base}/mini-docker/{id}")
        group.kill()
        group.remove()
    containers.take_away(store, id, store.name_of(id))


def _group(it: Container) -> cgroups_tree.Group:
    from mini_docker import swap

    swap.require("cgroups", what="pause")
    return cgroups_tree.of(it.config(), "pause")


def _let_die(it: Container) -> None:
    """Thaw *it* if it is frozen: under version 1 a frozen process dies only then."""
    try:
        with it.change():  # a pause that is under way comes to its end first
            it.reload()
            if it.status() == "paused":
                _thaw(it)
    except NotFound:
        return  # it had --rm, and is gone
    except CgroupError:
        if containers.alive(containers.read_note(it.store, it.id)):
            raise


def _thaw(it: Container) -> None:
    _group(it).freeze(False)
