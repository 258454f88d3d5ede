"""The door of a monitor: a listening socket in the run directory, for whoever attaches later.

RUN/<the id's first 16 digits>.sock, for the owner alone. The path of a socket has at most
107 bytes (unix(7)), so it is named by way of a descriptor of its directory.
"""

from __future__ import annotations

import os

from mini_docker.monitor_socket import path, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
else:
    import _socket as socket

WAITING = 64  # clients that may wait to be let in


def connect(run: str, id: str, flags: int = 0) -> socket.socket:
    """Return a connection to the monitor of container *id*; OSError if there is none.

    *flags* such as SOCK_NONBLOCK are of socket(2).
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | flags)
    place, short = _shorten(path(run, id))
    try:
        connection.connect(short)
    except OSError:
        connection.close()
        raise
    finally:
        os.close(place)
    return connection


def announce(run: str, id: str) -> socket.socket | None:
    """Tell the monitor of container *id* that the end is near; return what says when it has come.

    Then it gets ready, and nobody has to ask again and again. None if it does not listen: it was
    killed, or has ended, or has no time.
    """
    try:
        line = connect(run, id, os.O_NONBLOCK)  # SOCK_NONBLOCK
        line.send(b"n")
    except OSError:
        return None
    return line


def _shorten(path: str) -> tuple[int, str]:
    """Return a descriptor of the directory of *path*, and a path through it, which is short."""
    directory, _, name = path.rpartition("/")
    place = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return place, f"/proc/self/fd/{place}/{name}"


class Door:
    """The listening socket of one monitor, of which the others are made."""

    __slots__ = ("path", "socket")

    def __init__(self, run: str, id: str, given: int = -1) -> None:
        """Open the door of container *id*, or go on with the socket *given*."""
        self.path = path(run, id)
        if given >= 0:
            self.socket = socket.socket(fileno=given)
            return
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place, short = _shorten(self.path)
        before = os.umask(0o177)
        try:
            remove(self.path)  # of a monitor that was killed
            self.socket.bind(short)
        finally:
            os.umask(before)
            os.close(place)
        self.socket.listen(WAITING)
        self.socket.setblocking(False)

    @property
    def descriptor(self) -> int:
        """Return the descriptor that is readable when somebody waits."""
        return self.socket.fileno()

    def admit(self) -> socket.socket | None:
        """Let in who waits first; None if nobody does any more."""
        try:
            descriptor, _ = self.socket._accept()  # type: ignore[attr-defined]
        except OSError:
            return None
        return socket.socket(fileno=descriptor)

    def close(self) -> None:
        """Shut the door."""
        self.socket.close()
        remove(self.path)
