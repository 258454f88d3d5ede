"""Read a log of the driver local: see logs_local.py for the format."""

from __future__ import annotations

from mini_docker import logs_runs
from mini_docker.logs_local import varint
from mini_docker.logs_runs import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LONGEST = 10**6  # bytes of a message, as Docker has it
TRIES = 100  # how many damaged lengths at the end of a file we look behind
SOURCE = b"\x0a\x06std"  # how a message begins: what to look for behind a damaged place
STREAMS = {b"stdout": 1, b"stderr": 2}


class Decoder:
    """See logs_runs.Decoder."""

    __slots__ = ("damaged", "lost", "rest")

    def __init__(self) -> None:
        self.rest = b""
        self.damaged = self.lost = 0

    def feed(self, data: bytes) -> Iterator[Run]:
        """Return the runs of the messages that *data* completes; those of one moment together."""
        data = self.rest + data
        start = 0
        while len(data) - start >= 8:
            size = int.from_bytes(data[start : start + 4], "big")
            stop = start + size + 8
            if stop > len(data) and size <= LONGEST and data[start + 4] == SOURCE[0]:
                break
            found = None
            if size <= LONGEST and data[stop - 4 : stop] == data[start : start + 4]:
                found = _message(data[start + 4 : stop - 4])
            if found is None:
                self.damaged += 1
                start = _resume(data, start + 1)
                continue
            head = data[start + 4 : data.index(b"\x10", start) + 1]
            stream, moment, text = found
            start = stop
            if not stream:
                self.lost += int(text.split()[0])
                continue
            if text.endswith(b"\n"):
                more, start = _alike(data, start, head + varint(moment))
                text += more
            yield Run(stream, logs_runs.at(moment), text, {})
        self.rest = data[start:]

    def end(self) -> list[Run]:
        """The file ends: what waits is no message, or the length of one is damaged."""
        found: list[Run] = []
        for _ in range(TRIES):
            if not self.rest:
                break
            self.damaged += 1
            at = self.rest.find(SOURCE, 5)
            data, self.rest = self.rest[at - 4 :] if at > 0 else b"", b""
            found += self.feed(data)
        self.rest = b""
        return found


def _alike(data: bytes, start: int, head: bytes) -> tuple[bytes, int]:
    """Return the lines of the messages from *start* on that begin with *head*, and their end.

    They were written together with the one before them: source and time need no reading.
    """
    lines, skip, end = [], 4 + len(head), len(data) - len(head) - 16
    while start < end and data.startswith(head, start + 4):
        at = start + skip
        size, begin = data[at + 1], at + 2
        if size > 0x7F:
            size, begin = size + 128 * data[begin] - 128, begin + 1
        stop = begin + size + 4
        # A longer size or one more field, and the length does not stand where it should.
        if data[at] != 0x1A or data[stop - 4 : stop] != data[start : start + 4]:
            break
        lines.append(data[begin : begin + size])
        start = stop
    return b"\n".join([*lines, b""]), start


def _resume(data: bytes, start: int) -> int:
    """Return where from *start* on a message could begin; at the latest where the next byte will.

    A message that is cut off by the end of *data* is looked at once there is more.
    """
    found = data.find(SOURCE, start + 4)
    return found - 4 if found >= 0 else max(start, len(data) - 4 - len(SOURCE))


def _message(data: bytes) -> tuple[int, int, bytes] | None:
    """Return stream, moment and text of a message; stream 0 is a note; None if it is none."""
    try:
        fields = _fields(data)
        source, line = fields[0x0A], fields.get(0x1A, b"")
        moment = fields[0x10]
        logs_runs.at(moment)
        if source == b"lost":
            if int(line.split()[0]) < 0:
                return None
            return 0, moment, line
        last = fields.get(0x2A, b"")[:2] == b"\x08\x01"
        return STREAMS[source], moment, line if 0x20 in fields and not last else line + b"\n"
    except (IndexError, KeyError, ValueError):
        return None


def _fields(data: bytes) -> dict[int, Any]:
    """Return the fields of a message by their keys, a number each for its tag and kind."""
    found: dict[int, Any] = {}
    at = 0
    while at < len(data):
        key = data[at]
        value, at = _number(data, at + 1)
        if key & 7 == 2:  # bytes, behind their length
            found[key], at = data[at : at + value], at + value
        elif key & 7 == 0:
            found[key] = value
        else:
            raise ValueError(f"a field of kind {key & 7}")
    if at != len(data):
        raise ValueError("cut off")
    return found


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return the varint at *at*, and what is behind it; IndexError if it is cut off."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise IndexError(at)
