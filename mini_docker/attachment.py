"""Attached: the command that a user typed, as a client of a container's monitor.

The container's streams belong to its monitor. Its clients come and go: the command that has
started it, those that attach later. Between the two is a socket that keeps messages whole
(SOCK_SEQPACKET): one byte says what a message is, and at most LARGEST bytes follow.

    from the client     h   the hello, JSON: which streams it wants, the size of its window
                        i   input                       e   no more input
                        w   the window's size, JSON     k   a signal's number (exec only)
    from the monitor    1 2 output                      s   the container runs
                        f   it does not: processes.fail()'s text
                        x   the end, JSON: code, error; nothing follows

A client that is stopped or slow holds nobody else up: what is written to it, it reads when it
likes, and what it has for the container waits here. unix(7).
"""

from __future__ import annotations

import _socket
import os
import sys

from mini_docker import attachment_client, processes, records, streams, streams_text
from mini_docker.errors import NotFound, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.attachment_client import Signaller
    from mini_docker.containers import Container


class Wish:
    """What a client wants of a container's streams; *keys* are the ones that detach."""

    __slots__ = ("keys", "stderr", "stdin", "stdout", "tty")

    def __init__(self, attached: tuple[bool, bool, bool], tty: bool, keys: str = "") -> None:
        self.stdin, self.stdout, self.stderr = attached
        self.tty = tty
        # Without a terminal nobody types: every byte is the container's.
        self.keys = streams_text.sequence(keys or streams.DETACH_KEYS) if tty else b""

    def check(self) -> None:
        """Refuse a terminal's input from something that is none, in Docker's words and with 1."""
        if self.tty and self.stdin and not os.isatty(0):
            error = StateError("the input device is not a TTY")
            error.exit_code = 1
            raise error

    def hello(self) -> dict[str, Any]:
        """Return the hello, which the monitor is to know."""
        size = attachment_client.window() if self.tty else None
        wanted = {"stdin": self.stdin, "stdout": self.stdout, "stderr": self.stderr}
        return {**wanted, "size": list(size) if size else None}


def connect(it: Container, wish: Wish) -> _socket.socket:
    """Connect to the monitor of *it* and say what is wanted; StateError if nobody is there.

    The path of a socket has at most 107 bytes; one through a descriptor is always short.
    """
    directory = os.open(it.store.run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{it.id[:16]}.sock")
        connection.send(b"h" + records.dump(wish.hello()).encode())
    except (FileNotFoundError, ConnectionError):
        connection.close()
        raise StateError(
            f"cannot attach to container {it.name()}: its monitor was killed, and with it all "
            "that would have led to its streams"
        ) from None
    finally:
        os.close(directory)
    return connection


def signaller(it: Container) -> Signaller:
    """Return what sends a signal to process 1 of *it*, as `kill` does, while that lives."""

    def send(number: int) -> None:
        from mini_docker import containers, operations

        try:
            operations.kill(containers.load(it.store, it.id), number)
        except (NotFound, StateError):
            return  # it has just ended

    return send


def serve(connection: _socket.socket, wish: Wish, send: Signaller | None = None) -> int:
    """Be the client at *connection* to the end of the container, and return its exit code.

    Or until the detach keys: that is 0, and a line that says so. With *send* every signal goes
    there (--sig-proxy), but not if the container has a terminal: there Ctrl-C is a byte. A
    signal that ends this client alone gives 128 + its number. Raises ProcessError if the
    monitor is killed. The caller has called processes.block().
    """
    it = attachment_client.Client(connection, wish)
    try:
        it.listen(None if wish.tty else send)
        if wish.tty:
            it.show()
        return it.follow()
    except attachment_client.Ended as error:
        return 128 + error.number
    finally:
        processes.block()
        if it.screen:
            it.screen.leave()
        connection.close()
        if it.keys.detached:
            print("read escape sequence", file=sys.stderr)
