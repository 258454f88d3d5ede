"""Wait for what another process does to a container, and tell its monitor to look."""

from __future__ import annotations

import os
import time

from mini_docker import containers, lifecycle
from mini_docker.errors import NotFound, StateError
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    import socket

    from mini_docker.containers import Container
else:
    import select

GRACE = 30.0  # seconds that a killed container gets to be gone, and a starting one to run
SOON, SELDOM = 0.001, 0.02  # seconds between two looks at what another process is about to do
FOREVER = float("inf")
ANYHOW = 0.1  # seconds after which it is looked at even if nothing seems to have changed


def wait(it: Container) -> int:
    """Wait until *it* has ended once, and return its exit code; one that has is not waited for.

    A container that its policy will start again has ended all the same, as in Docker.
    """
    waiters = Lock(f"{it.store.directory(it.id)}/waiters")
    before, patience = it.state["FinishedAt"], Patience(it, seconds=FOREVER)
    try:
        waiters.acquire(shared=True)  # one that is removed at its end stays until we have read
        while it.alive() and it.state["FinishedAt"] == before:
            _wait_for_process(it)
            patience.look()
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


def announce(it: Container) -> socket.socket | None:
    """Tell the monitor of *it* that the end is near: see monitor_door.announce()."""
    from mini_docker import monitor_door

    return monitor_door.announce(it.store.run, it.id)


def until_ended(it: Container, failed: str, line: socket.socket | None = None) -> None:
    """Wait until the end of *it*, whose process is gone or going, is written down.

    *line* is what announce() has returned.
    """
    patience, before = Patience(it, failed, line=line), it.pid()
    look(it)
    while it.alive() and it.pid() == before:
        patience.look()


def until_started(it: Container, failed: str) -> None:
    """Wait until *it*, which is marked as stopped, no longer says that it is about to start.

    Then it has ended; or its start was under way, and it has a process to send a signal to.
    """
    patience = Patience(it, failed)
    while it.status() == "restarting" and it.state.get("Stopped"):
        patience.look()


def look(it: Container) -> None:
    """Bring *it* up to date; NotFound if it is gone."""
    it.reload()
    containers.settle(it)


class Patience:
    """Looks at a container that another process is about to change, less and less often.

    Many may wait at the same time, on a busy machine: to ask whether there is anything new to
    see is cheap, and only then it is looked at.
    """

    __slots__ = ("failed", "give_up", "it", "line", "pause", "seen")

    def __init__(
        self,
        it: Container,
        failed: str = "",
        seconds: float = GRACE,
        line: socket.socket | None = None,
    ) -> None:
        """Be patient with *it* for so many *seconds*; *failed* begins what look() says then.

        *line* is of announce(): with it nothing is missed while we sleep.
        """
        self.it = it
        self.failed = failed
        self.give_up = time.monotonic() + seconds
        self.pause = SOON
        self.line = line
        self.seen = (0, 0, False)

    def look(self) -> None:
        """Bring the container up to date once there is something new; StateError after the time.

        And from time to time in any case: an orphan's end changes nothing that can be seen.
        """
        now = time.monotonic()
        if now > self.give_up:
            state = f"it is {self.it.status()}, and still in the hands of another process"
            name = self.it.name()
            raise StateError(f"{self.failed} container {name}: {state} after all this time")
        while True:
            self._sleep()
            stamp = self._stamp()
            if stamp != self.seen or time.monotonic() > now + ANYHOW:
                break
            self.pause = min(self.pause * 1.5, SELDOM)
        self.seen = stamp
        look(self.it)

    def _sleep(self) -> None:
        if self.line is None:
            time.sleep(self.pause)
            return
        poll = select.poll()
        poll.register(self.line.fileno(), select.POLLIN)
        if poll.poll(self.pause * 1000):  # the end; or the monitor's, which says nothing more
            self.line.close()
            self.line = None

    def _stamp(self) -> tuple[int, int, bool]:
        """Return what is another one once the state is, or whoever looks after it has gone."""
        try:
            found = os.stat(f"{self.it.store.directory(self.it.id)}/state.json")
        except FileNotFoundError:
            return 0, 0, False
        return found.st_ino, found.st_mtime_ns, self.it.lock().held()


def tell(it: Container) -> None:
    """Let the monitor of *it* look at state.json again; one that does not listen has ended."""
    from mini_docker import monitor_door

    try:
        line = monitor_door.connect(it.store.run, it.id, os.O_NONBLOCK)  # SOCK_NONBLOCK
        line.send(b"q")
        line.close()
    except (FileNotFoundError, ConnectionError, BlockingIOError):
        return
