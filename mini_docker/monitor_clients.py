"""The clients of a monitor: whoever shows a container's output, or types its input.

Each is one end of a connection (SOCK_SEQPACKET, so a message stays a message): a byte that
says of what kind it is, then at most 64 KiB.

    from a client      h  hello: {"stdin": .., "stdout": .., "stderr": .., "size": [rows, columns]}
                       i  input         e  the input has ended
                       w  [rows, columns], the window's new size
                       q  look at state.json again
    to a client        s  the container runs, what follows is its output     f  "CODE message"
                       1  stdout, or what a terminal shows                  2  stderr
                       x  {"code": .., "error": .., "removed": ..}: its end, and the last message

One that takes what it gets slows the container down as a pipe would. One that takes nothing
for PATIENCE seconds, or that has attached later, holds nobody up: see monitor_spool.py.
"""

from __future__ import annotations

import time

from mini_docker.monitor_spool import Spool

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    import socket
    from typing import Any
else:
    import _socket as socket
    import select

PATIENCE = 1.0  # seconds
LARGEST = 2**16  # bytes of data in a message
STARTERS, VISITORS = 2**30, 2**26  # bytes that a client may miss: who was there first, and others
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
        self.since = 0.0  # when it last took something, if it is owed something
        self.last = False  # it gets nothing after what it is owed
        self.gone = False

    def send(self, kind: bytes, data: bytes) -> None:
        """Let it have a message, now or later."""
        if self.gone or self.last:
            return
        self.last = kind == b"x"
        if self.spool:
            self._keep(kind, data)
        elif self.owed or not self._give(kind, data):
            self.since = self.since or time.monotonic()
            self.owed.append((kind, data))
            if not self.starter:
                self.spill()

    def holds(self) -> bool:
        """Say whether the container has to wait until this client has taken something."""
        return bool(self.owed) and not self.spool

    def events(self, listening: bool) -> int:
        """Return what poll(2) is to look for; *listening*: there is room for its input."""
        asking = select.POLLIN if listening else 0
        return asking | (select.POLLOUT if self.owed or self.spool else 0)

    def deadline(self) -> float | None:
        """Return when it will have held the container up for too long."""
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
            else:
                return
        if not self.owed:
            self.since = 0.0
            self.gone = self.gone or self.last

    def spill(self) -> None:
        """From now on keep what it misses in a file, so that nobody has to wait for it."""
        try:
            self.spool = Spool(self.directory, STARTERS if self.starter else VISITORS)
        except OSError:
            self.gone = True  # neither room in the file system nor a reader
            return
        owed, self.owed = self.owed, []
        for kind, data in owed:
            self._keep(kind, data)

    def receive(self) -> bytes | None:
        """Return its next message; b"" if it has left, None if there is none now."""
        try:
            return self.connection.recv(LARGEST + 1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def close(self) -> None:
        """Let the connection go."""
        self.connection.close()
        if self.spool:
            self.spool.close()
            self.spool = None

    def _keep(self, kind: bytes, data: bytes) -> None:
        if self.spool and not self.spool.put(kind, data):
            self.last = True
            self.owed_after(TOO_SLOW)

    def owed_after(self, text: bytes) -> None:
        """Let *text* be its end, after what is in the spool, whose limit does not count here."""
        if self.spool:
            self.spool.limit += 2 * LARGEST
            self.gone = not self.spool.put(b"x", text)

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
            "spool": spool and [spool.descriptor, spool.begin, spool.end, spool.limit],
        }


def restore(state: dict[str, Any], directory: str) -> Client:
    """Return the client of which state() was taken before this process became what it is."""
    connection = socket.socket(fileno=state["descriptor"])
    it = Client(connection, state["wants"], state["starter"], directory)
    it.owed, it.last = state["owed"], state["last"]
    it.since = time.monotonic() if it.owed else 0.0
    if state["spool"]:
        it.spool = Spool.__new__(Spool)
        it.spool.descriptor, it.spool.begin, it.spool.end, it.spool.limit = state["spool"]
    return it
