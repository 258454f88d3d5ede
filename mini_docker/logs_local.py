"""The log driver local: smaller files, that only an engine reads.

An entry is a message of protocol buffers between its length and its length again, both four
bytes, the most significant first:

    1  source                   stdout or stderr
    2  time_nano                nanoseconds since 1970
    3  line                     without its newline
    4  partial                  1 if the line goes on in the next entry
    5  partial_log_metadata     1 last, 2 id, 3 ordinal: of an entry that is a part of a line

That is Docker's own format, so `docker` reads our files and we read Docker's.
Docker: daemon/logger/local, api/types/plugins/logdriver/entry.proto.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.logs_files import File

LONGEST = 16384  # bytes of text in one entry
NAMES = (b"lost", b"stdout", b"stderr")  # what is missing from a log is an entry, too


class Writer:
    """Writes one container's log: see logs.Writer."""

    __slots__ = ("file", "parts", "rest")

    def __init__(self, file: File, before: bytes) -> None:
        self.file = file
        self.rest = [b"", b"", b""]
        self.parts: list[tuple[bytes, int]] = [(b"", 0)] * 3  # of a long line: its id, how many
        if before:
            words = before.split(b"|")
            for stream in (1, 2):
                rest, id, count = words[stream - 1].split(b" ")
                self.rest[stream] = bytes.fromhex(rest.decode())
                self.parts[stream] = (id, int(count))
            file.resume(words[2])
        file.boundary = boundary
        file.note = note
        if not whole(file):
            file.spoiled = True  # whoever wrote before us was killed within an entry

    def write(self, stream: int, chunk: bytes) -> None:
        """Write down the lines that *chunk* completes."""
        text = self.rest[stream] + chunk
        lines = text.split(b"\n")
        self.rest[stream] = lines.pop()
        head = _head(stream)
        if max(map(len, lines), default=0) < LONGEST and not self.parts[stream][1]:
            made = _frames(head, lines)
        else:
            made = b"".join([self._line(stream, head, line) for line in lines])
        if len(self.rest[stream]) >= LONGEST:
            made += self._pieces(stream, head)
        if made:
            self.file.append(made)

    def _line(self, stream: int, head: bytes, line: bytes) -> bytes:
        """Return the entries of *line*, which may be long, or the end of one that is."""
        self.rest[stream], waiting = line, self.rest[stream]
        made = self._pieces(stream, head)
        last, self.rest[stream] = self.rest[stream], waiting
        id, count = self.parts[stream]
        self.parts[stream] = (b"", 0)
        return made + _frame(head + _text(last) + (_part(id, count, True) if count else b""))

    def _pieces(self, stream: int, head: bytes) -> bytes:
        """Return entries of LONGEST bytes, as long as so much of the line waits."""
        made = []
        while len(self.rest[stream]) >= LONGEST:
            piece, self.rest[stream] = self.rest[stream][:LONGEST], self.rest[stream][LONGEST:]
            made.append(self._piece(stream, head, piece))
        return b"".join(made)

    def _piece(self, stream: int, head: bytes, piece: bytes) -> bytes:
        """Return the entry of a piece of a line, which is not its last one."""
        id, count = self.parts[stream]
        id = id or os.urandom(32).hex().encode()
        self.parts[stream] = (id, count + 1)
        return _frame(head + _text(piece) + b"\x20\x01" + _part(id, count, False))

    def close(self) -> None:
        """Write down what has no newline, and end."""
        for stream in (1, 2):
            if self.rest[stream]:
                self.file.append(self._piece(stream, _head(stream), self.rest[stream]))
                self.rest[stream] = b""
        self.file.close()

    def leave(self) -> bytes:
        """End, and return what a Writer that goes on has to know."""
        words = [
            b"%s %s %d" % (self.rest[stream].hex().encode(), *self.parts[stream])
            for stream in (1, 2)
        ]
        return b"|".join([*words, self.file.leave()])


def whole(file: File) -> bool:
    """Say whether *file* ends with an entry; one that is empty does."""
    size = int.from_bytes(file.tail(4), "big")
    begin = file.tail(size + 8)[:4] if size + 8 <= file.size else b""
    return not file.size or begin == file.tail(4)


def boundary(data: bytes, at: int) -> tuple[int, int]:
    """Return where the last entry ends within the first *at* bytes, and where the next one does."""
    before = end = 0
    while end <= at:
        before, end = end, end + int.from_bytes(data[end : end + 4], "big") + 8
    return before, end


def note(lost: int, error: str) -> bytes:
    """Return the entry that says that *lost* bytes of entries could not be written."""
    return _frame(_head(0) + _text(b"%20d %s" % (lost, error.encode())))


def _frames(head: bytes, lines: list[bytes]) -> bytes:
    """Return the entries of whole *lines*. Many are of one length: that is put together once."""
    around = {}
    for size in set(map(len, lines)):
        begin = head + (b"\x1a" + varint(size) if size else b"")
        framed = (len(begin) + size).to_bytes(4, "big")
        around[size] = (framed + begin, framed)
    pairs = [(around[len(line)], line) for line in lines]
    return b"".join([b"".join((before, line, after)) for (before, after), line in pairs])


def _frame(message: bytes) -> bytes:
    size = len(message).to_bytes(4, "big")
    return size + message + size


def _head(stream: int) -> bytes:
    """Return the fields 1 and 2."""
    name = NAMES[stream]
    return b"\x0a%c%s\x10%s" % (len(name), name, varint(time.time_ns()))


def _text(line: bytes) -> bytes:
    """Return field 3; a field that is empty is left out."""
    return b"\x1a" + varint(len(line)) + line if line else b""


def _part(id: bytes, ordinal: int, last: bool) -> bytes:
    """Return field 5."""
    inner = (b"\x08\x01" if last else b"") + b"\x12%c%s" % (len(id), id)
    inner += b"\x18" + varint(ordinal) if ordinal else b""
    return b"\x2a" + varint(len(inner)) + inner


def varint(value: int) -> bytes:
    """Return *value* as a varint: seven bits a byte, the least significant first."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
