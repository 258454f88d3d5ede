"""Wait for what another process does to a container, and tell its monitor to look."""

from __future__ import annotations

import os
import time

from mini_docker import containers, lifecycle
from mini_docker.errors import NotFound, StateError
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container

GRACE = 10.0  # seconds that a killed container gets to be gone, and a starting one to run
SOON = 0.002  # seconds between two looks at what another process is about to do


def wait(it: Container) -> int:
    """Wait until *it* has ended once, and return its exit code; one that has is not waited for.

    A container that its policy will start again has ended all the same, as in Docker.
    """
    waiters = Lock(f"{it.store.directory(it.id)}/waiters")
    before = it.state["FinishedAt"]
    try:
        waiters.acquire(shared=True)  # one that is removed at its end stays until we have read
        while it.alive() and it.state["FinishedAt"] == before:
            _wait_for_process(it)
            time.sleep(SOON)
            look(it)
    except NotFound:
        raise NotFound(f"No such container: {it.id[:12]}") from None
    finally:
        waiters.release()
    return int(it.state["ExitCode"])


def _wait_for_process(it: Container) -> None:
    try:
        process = containers.hold(it)
    except StateError:
        return
    lifecycle.ended(process, -1)
    os.close(process)


def until_ended(it: Container, failed: str) -> None:
    """Wait until the end of *it*, whose process is gone or going, is written down."""
    give_up, before = time.monotonic() + GRACE, it.pid()
    look(it)
    while it.alive() and it.pid() == before:
        look_again(it, give_up, failed)


def look(it: Container) -> None:
    """Bring *it* up to date; NotFound if it is gone."""
    it.reload()
    containers.settle(it)


def look_again(it: Container, give_up: float, failed: str) -> None:
    """Bring *it* up to date in a moment; StateError that begins with *failed* after *give_up*."""
    if time.monotonic() > give_up:
        state = f"it is {it.status()}, and still in the hands of another process"
        raise StateError(f"{failed} container {it.name()}: {state} after {GRACE:g} s")
    time.sleep(SOON)
    look(it)


def tell(it: Container) -> None:
    """Let the monitor of *it* look at state.json again; one that does not listen has ended."""
    import _socket as socket

    place = os.open(it.store.run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kind = socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    line = socket.socket(socket.AF_UNIX, kind)
    try:
        line.connect(f"/proc/self/fd/{place}/{it.id[:16]}.sock")
        line.send(b"q")
    except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError, BlockingIOError):
        return
    finally:
        line.close()
        os.close(place)
