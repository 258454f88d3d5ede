"""The door of a monitor: a listening socket in the run directory, for whoever attaches later.

RUN/<the id's first 16 digits>.sock, for the owner alone. The path of a socket has at most
107 bytes (unix(7)), so it is named by way of a descriptor of its directory.
"""

from __future__ import annotations

import os

from mini_docker.monitor_clients import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
else:
    import _socket as socket

WAITING = 64  # clients that may wait to be let in
MOST = 256  # clients of one container


def name(id: str) -> str:
    """Return the name of the socket in the run directory."""
    return f"{id[:16]}.sock"


def connect(run: str, id: str) -> socket.socket:
    """Return a connection to the monitor of container *id*; OSError if there is none."""
    directory = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{name(id)}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(directory)
    return connection


class Door:
    """The listening socket of one monitor, of which the others are made."""

    __slots__ = ("directory", "id", "path", "socket")

    def __init__(self, run: str, id: str, directory: str, given: int = -1) -> None:
        """Open the door of container *id*, or go on with the socket *given*."""
        self.id = id[:12]
        self.path = f"{run}/{name(id)}"
        self.directory = directory  # the container's, for the clients' spools
        if given >= 0:
            self.socket = socket.socket(fileno=given)
            return
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        place = os.open(run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        before = os.umask(0o177)
        try:
            remove(self.path)  # of a monitor that was killed
            self.socket.bind(f"/proc/self/fd/{place}/{name(id)}")
        finally:
            os.umask(before)
            os.close(place)
        self.socket.listen(WAITING)
        self.socket.setblocking(False)

    @property
    def descriptor(self) -> int:
        """Return the descriptor that is readable when somebody waits."""
        return self.socket.fileno()

    def admit(self, others: int = 0) -> list[Client]:
        """Let in who waits first, unless there are too many *others*."""
        try:
            descriptor, _ = self.socket._accept()  # type: ignore[attr-defined]
        except OSError:
            return []
        connection = socket.socket(fileno=descriptor)
        if others >= MOST:
            connection.close()
            return []
        return [Client(connection, None, False, self.directory)]

    def close(self) -> None:
        """Shut the door."""
        self.socket.close()
        remove(self.path)


def remove(path: str) -> None:
    """Remove the name of a socket."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
