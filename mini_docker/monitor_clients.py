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

One that has attached later holds nobody up: what it does not take at once is kept for it in a
file (monitor_spool.py), and once that is full it is cut off, with a line that says so. The one
that started the container slows it down as a pipe would, while it goes on taking what it gets,
and loses nothing. If it takes nothing for PATIENCE seconds, it has such a file too. Once that is
full it slows the container down again, until it takes nothing for PATIENCE seconds: cut off.
"""

from __future__ import annotations

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
LARGEST = 2**16  # bytes of data in a message
# Bytes that a client may be behind. At the end there is more to come for who was there first:
# what is in the pipes, which nobody can hold up.
BEHIND = 2**30
QUIETLY = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
TOO_SLOW = b'{"code":1,"error":"cut off: too much output has not been read","removed":false}'


class Client:
    """One client: what it wants, and what it is still owed."""

    __slots__ = (
        "connection", "deaf", "directory", "gone", "last", "owed", "since", "spool", "starter",
        "wants",
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
        self.deaf = False  # nobody listens to it any more
        self.last = False  # it gets nothing after what it is owed
        self.gone = False

    def send(self, kind: bytes, data: bytes) -> None:
        """Let it have a message, now or later."""
        if self.gone or self.last:
            return
        self.last = kind == b"x"
        if self.spool:
            cut = self.spool.full() and not (self.starter or self.last)
            if cut or not self.spool.put(kind, data):
                self.cut_off()
        elif self.owed or not self._give(kind, data):
            self.since = self.since or time.monotonic()
            self.owed.append((kind, data))
            if not self.starter:
                self.spill()

    def holds(self) -> bool:
        """Say whether the container has to wait until this client has taken something."""
        if self.spool:
            return self.starter and self.spool.full() and not self.last
        return bool(self.owed)

    def events(self, listening: bool) -> int:
        """Return what poll(2) is to look for; *listening*: there is room for its input."""
        asking = select.POLLIN if listening and not self.deaf else 0
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
            self.spool = Spool(self.directory, BEHIND)
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

    def deafen(self) -> None:
        """Tell it that nobody listens any more: its next send gives EPIPE. unix(7), shutdown(2).

        What it has sent is forgotten, so that it need not wait before it learns of that.
        """
        self.deaf = True
        self.connection.shutdown(socket.SHUT_RD)
        while self.receive():
            pass

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
            "deaf": self.deaf,
            "owed": self.owed,
            "last": self.last,
            "spool": spool and [spool.descriptor, *spool.state()],
        }


def restore(state: dict[str, Any], directory: str) -> Client:
    """Return the client of which state() was taken before this process became what it is."""
    connection = socket.socket(fileno=state["descriptor"])
    it = Client(connection, state["wants"], state["starter"], directory)
    it.deaf, it.owed, it.last = state["deaf"], state["owed"], state["last"]
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
