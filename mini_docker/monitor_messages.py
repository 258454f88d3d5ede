"""What a client says to a monitor, and what is done about it: see monitor_clients.py."""

from __future__ import annotations

import fcntl
import os

from mini_docker.monitor_clients import wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.monitor_clients import Client
    from mini_docker.monitor_loop import Loop

TIOCSWINSZ = 0x5414  # <asm-generic/ioctls.h>; its argument: four short numbers. ioctl_tty(2)
LARGEST = 2**16 - 1  # rows or columns


def take(loop: Loop, client: Client, kind: bytes, data: bytes) -> None:
    """Do what *client* says with a message; one that makes no sense ends the connection."""
    if client.wants is None:
        _first(loop, client, kind, data)
    elif kind == b"i" and "0" in client.wants and loop.input:
        loop.input.feed(data)
    elif kind == b"e" and "0" in client.wants and loop.input:
        loop.input.end()
    elif kind == b"w":
        _resize(loop, client, data)
    elif kind not in (b"i", b"e", b"q"):
        client.gone = True


def _first(loop: Loop, client: Client, kind: bytes, data: bytes) -> None:
    from mini_docker import records

    if kind == b"n":
        client.wants = ""
        if loop.near:
            loop.near()
        return
    if kind != b"h":  # "q": the state is looked at when it is needed
        client.gone = True
        return
    try:
        hello = records.parse(data.decode())
    except (ValueError, RecursionError):
        hello = None
    if not isinstance(hello, dict) or not (size := _size(hello.get("size"))):
        client.gone = True
        return
    client.wants = wanted(hello)
    if hello.get("size"):
        resize(loop, *size)
    client.send(b"s", b"")


def _size(found: object) -> tuple[int, int] | None:
    """Return the rows and columns that a hello names, (0, 0) for none; None if it is no size."""
    if not found:
        return 0, 0
    match found:
        case [int(rows), int(columns)]:
            return rows, columns
    return None


def _resize(loop: Loop, client: Client, data: bytes) -> None:
    try:
        rows, columns = data.strip(b"[]").split(b",")
        resize(loop, int(rows), int(columns))
    except ValueError:
        client.gone = True


def window(rows: int, columns: int) -> bytes:
    """Return a window's size as TIOCSWINSZ wants it, a struct winsize. ioctl_tty(2)."""
    numbers = [min(max(int(number), 0), LARGEST) for number in (rows, columns)]
    return b"".join(number.to_bytes(2, "little") for number in numbers) + bytes(4)


def resize(loop: Loop, rows: int, columns: int) -> None:
    """Give the container's terminal, if it has one, a window of *rows* and *columns*."""
    if not (loop.input and loop.input.tty and loop.input.descriptor >= 0):
        return
    try:
        fcntl.ioctl(loop.input.descriptor, TIOCSWINSZ, window(rows, columns))
    except OSError as error:
        if error.errno != 5:  # EIO: the container has hung up its terminal
            os.write(2, f"cannot resize the terminal: {error}\n".encode())
