"""The clients of a monitor: whoever shows a container's output, or types its input.

Each is one end of a connection (SOCK_SEQPACKET, so a message stays a message): a byte that
says of what kind it is, then at most 64 KiB.

    from a client      h  hello: {"stdin": .., "stdout": .., "stderr": .., "size": [rows, columns]}
                       i  input         e  the input has ended
                       w  [rows, columns], the window's new size
                       q  look at state.json again
                       n  instead of a hello: the end is near, tell of that alone
    to a client        s  the container runs, what follows is its output     f  "CODE message"
                       1  stdout, or what a terminal shows                  2  stderr
                       x  {"code": .., "error": .., "removed": ..}: its end, and the last message

Nothing of that is lost by one that goes on taking what it gets: it slows the container down as
a pipe would. What is missed by one that takes nothing for PATIENCE seconds, or that has
attached later, is kept for it in a file (monitor_spool.py). Only once that is full it holds
the container up, and only as long as it takes something; one that does not is cut off.
"""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    import socket
    from typing import Any

    from mini_docker.monitor_spool import Spool
else:
    import _socket as socket
    import select

PATIENCE = 1.0  # seconds
STOPPED, BUSY = 10.0, 3600.0  # seconds: see patience()
CREDENTIALS = 12  # bytes of a struct ucred, whose pid is the first number. unix(7)
LARGEST = 2**16  # bytes of data in a message
# Bytes that a client may be behind: who was there first, and others. At the end there is more to
# come: what is in the pipes, which nobody can hold up.
STARTERS, VISITORS = 2**30, 2**26
QUIETLY = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
TOO_SLOW = b'{"code":1,"error":"cut off: too much output has not been read","removed":false}'


class Client:
    """One client: what it wants, and what it is still owed."""

    __slots__ = (
        "connection", "directory", "gone", "last", "owed", "since", "spool", "starter", "wants",
    )  # fmt: skip

    def __init__(
        self, connection: socket.socket, wants: str | None, starter: bool, directory: str
    ) -> None:
        """*wants* names its streams, such as "12"; None for one that has not said hello."""
        self.connection = connection
        self.wants = wants
        self.starter = starter
        self.directory = directory  # for a spool
        self.spool: Spool | None = None
        self.owed: list[tuple[bytes, bytes]] = []
        self.since = 0.0  # when it last took something, while something waits for it
        self.last = False  # it gets nothing after what it is owed
        self.gone = False

    def send(self, kind: bytes, data: bytes) -> None:
        """Let it have a message, now or later."""
        if self.gone or self.last:
            return
        self.last = kind == b"x"
        if self.spool:
            if not self.spool.put(kind, data):
                self.cut_off()
        elif self.owed or not self._give(kind, data):
            self.since = self.since or time.monotonic()
            self.owed.append((kind, data))
            if not self.starter:
                self.spill()

    def holds(self) -> bool:
        """Say whether the container has to wait until this client has taken something."""
        if self.spool:
            return self.spool.full() and not self.last
        return bool(self.owed)

    def events(self, listening: bool) -> int:
        """Return what poll(2) is to look for; *listening*: there is room for its input."""
        asking = select.POLLIN if listening else 0
        return asking | (select.POLLOUT if self.owed or self.spool else 0)

    def deadline(self) -> float | None:
        """Return when it will have held the container up for too long: see lose_patience()."""
        return self.since + PATIENCE if self.holds() and not self.last else None

    def go_on(self) -> None:
        """Give it what it is owed, as far as it takes that."""
        while self.owed and self._give(*self.owed[0]):
            del self.owed[0]
            self.since = time.monotonic()
        while not self.owed and self.spool:
            found = self.spool.first()
            if found is None:
                self.spool.close()
                self.spool = None
            elif self._give(*found):
                self.spool.drop(len(found[1]))
                self.since = time.monotonic()
            else:
                return
        if not (self.owed or self.spool):
            self.since = 0.0
            self.gone = self.gone or self.last

    def lose_patience(self) -> None:
        """Let it hold the container up no longer: its deadline() is over.

        Unless there is room after all: poll(2) speaks of it only once there is a lot.
        """
        self.go_on()
        late = self.deadline()
        if late is None or time.monotonic() < late:
            return
        if self.spool:
            self.cut_off()
        else:
            self.spill()

    def spill(self) -> None:
        """From now on keep what it misses in a file, so that nobody has to wait for it."""
        from mini_docker.monitor_spool import Spool

        try:
            self.spool = Spool(self.directory, STARTERS if self.starter else VISITORS)
        except OSError:
            self.gone = True  # neither room in the file system nor a reader
            return
        owed, self.owed = self.owed, []
        if not all([self.spool.put(kind, data) for kind, data in owed]):
            self.cut_off()

    def cut_off(self) -> None:
        """Let it have what is in its spool, and then the reason why there is no more."""
        self.last = True
        self.gone = not (self.spool and self.spool.put(b"x", TOO_SLOW))

    def patience(self) -> float:
        """Return for how many seconds it may take nothing, once the container has ended.

        One that waits for its own reader, such as a pager, may take long; one that has been
        stopped may never go on, and its monitor is not to stay for ever. proc_pid_stat(5).
        """
        try:
            peer = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS)
            pid = int.from_bytes(peer[:4], sys.byteorder)
            with open(f"/proc/{pid}/stat", "rb") as stat:
                state = stat.read().rpartition(b") ")[2][:1]
        except OSError:
            return STOPPED
        return STOPPED if state in b"Tt" else BUSY

    def receive(self) -> bytes | None:
        """Return its next message; b"" if it has left, None if there is none now."""
        for _ in range(2):
            try:
                return self.connection.recv(LARGEST + 1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            except ConnectionResetError:
                continue  # it left without reading everything: what it has sent comes after that
            except OSError:
                break
        return b""

    def close(self) -> None:
        """Let the connection go."""
        self.connection.close()
        if self.spool:
            self.spool.close()
            self.spool = None

    def _give(self, kind: bytes, data: bytes) -> bool:
        """Send a message; say whether it needs no other attempt."""
        try:
            self.connection.sendmsg((kind, data), (), QUIETLY)
        except BlockingIOError:
            return False
        except OSError:
            self.gone = True
        return True

    def state(self) -> dict[str, Any]:
        """Return it as what restore() takes."""
        spool = self.spool
        return {
            "descriptor": self.connection.detach(),
            "wants": self.wants,
            "starter": self.starter,
            "owed": self.owed,
            "last": self.last,
            "spool": spool and [spool.descriptor, *spool.state()],
        }


def restore(state: dict[str, Any], directory: str) -> Client:
    """Return the client of which state() was taken before this process became what it is."""
    connection = socket.socket(fileno=state["descriptor"])
    it = Client(connection, state["wants"], state["starter"], directory)
    it.owed, it.last = state["owed"], state["last"]
    it.since = time.monotonic() if it.owed or state["spool"] else 0.0
    if state["spool"]:
        from mini_docker.monitor_spool import Spool

        it.spool = Spool.__new__(Spool)
        it.spool.restore(*state["spool"])
    return it


def wanted(hello: dict[str, object]) -> str:
    """Return the streams that a *hello* asks for, such as "012"."""
    names = ("stdin", "stdout", "stderr")
    return "".join(str(number) for number, name in enumerate(names) if hello.get(name))
