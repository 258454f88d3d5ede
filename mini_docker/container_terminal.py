"""A container's terminal: made inside, by the process that is to have it.

The pair comes from the container's own devpts, so that it has a name in there. Only a
process in the container's mount namespace can open that; the engine gets the master
through a connection (SCM_RIGHTS, unix(7)), and plays the screen.
"""

from __future__ import annotations

import fcntl
import os
import sys

from mini_docker import streams, syscalls
from mini_docker.errors import TerminalError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
else:
    import _socket as socket

CONSOLE = "/dev/console"


def taker(connection: socket.socket, own: bool) -> Callable[[], None]:
    """Return what gives the caller a terminal, and sends both of its ends to *connection*.

    *own* says that the caller will be in a container's root by then: it has a console there.
    Whoever calls it can import nothing any more.
    """

    def take() -> None:
        slave = make(connection)
        if own:
            _show_console(slave)
        streams.take_terminal(slave)

    return take


def make(connection: socket.socket) -> int:
    """Make a terminal, send both of its ends to *connection*, and return the slave."""
    master, slave = streams.open_terminal()
    rights = b"".join(it.to_bytes(4, sys.byteorder) for it in (master, slave))
    try:
        _set_window(connection, master)
        connection.sendmsg([b"t"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    except OSError as error:
        raise TerminalError(f"cannot pass the terminal on: {reason(error)}") from error
    return slave


def _set_window(connection: socket.socket, master: int) -> None:
    """Give the terminal the window's size that lies ready at *connection*, if there is one.

    A program's first question may be how large its screen is: once it runs, it is too late.
    """
    try:
        size = connection.recv(8, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return  # nobody looks on
    fcntl.ioctl(master, streams.TIOCSWINSZ, size)


def _show_console(slave: int) -> None:
    """Bind the terminal to /dev/console, where programs look for it. config-linux.md."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        os.close(os.open(CONSOLE, flags, 0o620))
        syscalls.mount(f"/proc/self/fd/{slave}", CONSOLE, None, syscalls.MS_BIND)
    except FileExistsError:
        return  # the user has put something there
    except OSError as error:
        raise TerminalError(f"cannot bind the terminal to {CONSOLE}: {reason(error)}") from error
