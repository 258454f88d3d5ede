"""What one does to a container that exists: kill, pause, wait, remove."""

from __future__ import annotations

import os
import signal
import time

from mini_docker import cgroups_tree, containers
from mini_docker.errors import Conflict, NotFound, ProcessError, StateError, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container
    from mini_docker.store import Store

GRACE = 10.0  # seconds that a killed container gets to be gone


def kill(it: Container, number: int) -> None:
    """Send signal *number* to process 1 of *it*; StateError, in Docker's words, if it has none.

    A pidfd stands for the process itself, not for a number that another may have by now.
    pidfd_open(2), pidfd_send_signal(2).
    """
    if not it.running():
        raise StateError(f"cannot kill container: {it.name()}: container is not running")
    try:
        descriptor = os.pidfd_open(it.pid())
        if not containers.alive(containers.read_note(it.store, it.id)):
            os.close(descriptor)
            return  # it has just ended: there is nothing to kill
        signal.pidfd_send_signal(descriptor, number)
        os.close(descriptor)
    except ProcessLookupError:
        return
    except OSError as error:
        raise ProcessError(f"cannot kill container {it.name()}: {reason(error)}") from error
    if number == signal.SIGKILL and it.status() == "paused":
        _thaw(it)  # version 1 lets a frozen process die only once it thaws


def pause(it: Container) -> None:
    """Freeze every process of *it*."""
    if it.status() == "paused":
        raise StateError(f"Container {it.id[:12]} is already paused")
    if not it.running():
        raise StateError(f"Container {it.id[:12]} is not running")
    with it.change():
        _group(it).freeze()
        it.update(Status="paused")


def unpause(it: Container) -> None:
    """Let the processes of *it* run on."""
    if it.status() != "paused":
        raise StateError(f"Container {it.id[:12]} is not paused")
    with it.change():
        it.update(Status="running")
        _thaw(it)


def wait(it: Container) -> int:
    """Wait until *it* has ended, and return its exit code. One that never ran is not waited for."""
    waiters = Lock(f"{it.store.directory(it.id)}/waiters")
    try:
        waiters.acquire(shared=True)  # one that is removed at its end stays until we have read
        while it.running():
            time.sleep(0.01)
            it = containers.load(it.store, it.id)
    except (NotFound, FileNotFoundError):
        raise NotFound(f"No such container: {it.id[:12]}") from None
    finally:
        waiters.release()
    return int(it.state["ExitCode"])


def remove(it: Container, force: bool) -> None:
    """Remove *it*; a running one only with *force*, and then it is killed first."""
    if it.running():
        if not force:
            raise Conflict(
                f'cannot remove container "{it.name()}": container is {it.status()}: '
                "stop the container before removing or force remove"
            )
        kill(it, signal.SIGKILL)
        give_up = time.monotonic() + GRACE
        while it.running():
            if time.monotonic() > give_up:
                raise StateError(f"cannot remove container {it.name()}: it does not end")
            time.sleep(0.005)
            try:
                it = containers.load(it.store, it.id)
            except NotFound:
                return  # it had --rm: its monitor removed it
    containers.remove(it)


def remove_broken(store: Store, reference: str) -> None:
    """Remove a container whose records cannot be read, and kill what is in its control group."""
    id = store.find(reference)
    if Lock(f"{store.directory(id)}/lock").held():
        raise StateError(f"cannot remove container {id[:12]}: its monitor is alive, kill it first")
    group = cgroups_tree.Group(f"/mini-docker/{id}")
    group.kill()
    group.remove()
    containers.take_away(store, id, containers.name_of(store, id))


def _group(it: Container) -> cgroups_tree.Group:
    from mini_docker import swap

    swap.require("cgroups", what="pause")
    return cgroups_tree.Group(it.config()["linux"]["cgroupsPath"])


def _thaw(it: Container) -> None:
    _group(it).freeze(False)
