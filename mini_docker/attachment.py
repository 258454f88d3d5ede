"""Attached: the command that a user typed, as a client of a container's monitor.

The container's streams belong to its monitor. Its clients come and go: the command that has
started it, those that attach later. Between the two is a socket that keeps messages whole
(SOCK_SEQPACKET): one byte says what a message is, and at most LARGEST bytes follow.

    from the client     h   the hello, JSON: which streams it wants, the size of its window
                        i   input                       e   no more input
                        w   the window's size, JSON     q   look at state.json again
    from the monitor    1 2 output                      s   the container runs
                        f   it does not: processes.fail()'s text
                        x   the end, JSON: code, error, removed; nothing follows

A client that is stopped or slow holds nobody else up: what is written to it, it reads when it
likes, and what it has for the container waits here. unix(7).
"""

from __future__ import annotations

import _socket
import os
import sys

from mini_docker import processes, records, streams, streams_text
from mini_docker.attachment_client import Client, Ended, window
from mini_docker.errors import NotFound, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.attachment_client import Resized, Signaller
    from mini_docker.containers import Container


class Wish:
    """What a client wants of a container's streams; *keys* are the ones that detach."""

    __slots__ = ("keys", "stderr", "stdin", "stdout", "tty")

    def __init__(self, attached: tuple[bool, bool, bool], tty: bool, keys: str = "") -> None:
        self.stdin, self.stdout, self.stderr = attached
        self.tty = tty
        # The default is of lab 12; who has no terminal needs neither.
        sequence = streams_text.sequence(keys or streams.DETACH_KEYS) if tty or keys else b""
        # Without a terminal nobody types: every byte is the container's.
        self.keys = sequence if tty else b""

    def check(self) -> None:
        """Refuse a terminal's input from something that is none, in Docker's words and with 1."""
        if self.tty and self.stdin and not os.isatty(0):
            error = StateError("the input device is not a TTY")
            error.exit_code = 1
            raise error

    def hello(self) -> dict[str, Any]:
        """Return the hello, which the monitor is to know."""
        size = window() if self.tty else None
        wanted = {"stdin": self.stdin, "stdout": self.stdout, "stderr": self.stderr}
        return {**wanted, "size": list(size) if size else None}


def connect(it: Container, wish: Wish) -> _socket.socket:
    """Connect to the monitor of *it* and say what is wanted; StateError if nobody is there.

    The path of a socket has at most 107 bytes; one through a descriptor is always short. The
    size in the hello has a row too many, as Docker's: the true one follows, and the change lets
    a program draw anew what this terminal has not seen.
    """
    hello = wish.hello()
    if hello["size"]:
        hello["size"][0] += 1
    directory = os.open(it.store.run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        connection.connect(f"/proc/self/fd/{directory}/{it.id[:16]}.sock")
        connection.send(b"h" + records.dump(hello).encode())
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


def serve(
    connection: _socket.socket,
    wish: Wish,
    send: Signaller | None = None,
    it: Container | None = None,
) -> int:
    """Be a client of *it* at *connection* until its end, and return its exit code: see show().

    One that wants no output is done when its input is: it prints the id of *it*, as Docker does.
    """
    client = Client(connection, wish, _resized(it) if it else None)
    code = show(client, send)
    if client.silent and it:
        print(it.id)
        return 0
    if client.keys.detached and it:
        from mini_docker import events

        events.container(it, "detach")
    return code


def _resized(it: Container) -> Resized:
    """Return what tells the world that the terminal of *it* has another size."""

    def tell(rows: int, columns: int) -> None:
        from mini_docker import events

        events.container(it, "resize", height=str(rows), width=str(columns))

    return tell


def show(it: Client, send: Signaller | None = None) -> int:
    """Let *it* be the client until the monitor tells the end; return the exit code.

    Or until the detach keys: that is 0, and a line that says so. With *send* every signal goes
    there (--sig-proxy), but not if there is a terminal: there Ctrl-C is a byte. A signal that
    ends this client alone gives 128 + its number. Raises what kept the program from starting,
    and ProcessError if the monitor is killed. The caller has called processes.block().
    """
    try:
        it.listen(None if it.tty else send)
        return it.follow()
    except Ended as error:
        return 128 + error.number
    finally:
        processes.block()
        if it.screen:
            it.screen.leave()
        it.connection.close()
        if it.keys.detached:
            print("read escape sequence", file=sys.stderr)
