"""Read an archive: tar, as ustar, pax, GNU tar and star write it, from a stream, once through.

An archive is a row of blocks of 512 bytes. A file is a header, which says what follows, and
its data, filled up with zeros to a whole block. Two blocks of zeros are the end. What has no
room in a header (long names, times to the nanosecond, extended attributes) stands in an
extended header before it: pax records, "LENGTH KEY=VALUE\\n", or the GNU types L and K.

Whoever wrote the archive may be hostile: every number is checked before it is used, every
length has a limit, and what is refused is named. In memory there is one header and one piece
of data at a time. pax(1), "pax Interchange Format"; the GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import os
import struct

from mini_docker import layers_tar_fields as fields
from mini_docker.errors import LayerError, MiniDockerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Stream(Protocol):
        """What archives come from."""

        def read(self, size: int, /) -> bytes:
            """Return at most *size* bytes, and none only at the end."""


BLOCK = 512
ZEROS = bytes(BLOCK)
PIECE = 2**18  # bytes read at a time
MAX_ENTRIES = 2_000_000  # of one archive
MAX_NAME = 4095  # bytes of a path: the kernel's PATH_MAX without its null byte
MAX_EXTENDED = 2**20  # bytes of one extended header, as in Go's reader
MAX_TOTAL = 2**38  # bytes of one archive, 256 GiB, unless the caller says otherwise

_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")
KINDS = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",  # "contiguous", which no file system knows
    b"S": "file",  # GNU's old sparse file
    b"1": "link",
    b"2": "symlink",
    b"3": "char",
    b"4": "block",
    b"5": "directory",
    b"6": "fifo",
}


class Entry:
    """One file of an archive, as its headers describe it."""

    __slots__ = (
        "device", "gid", "kind", "mode", "mtime", "name", "segments", "size", "stored", "target",
        "uid", "xattrs",
    )  # fmt: skip

    def __init__(self, name: str, kind: str) -> None:
        self.name = name  # as it stands in the archive; os.fsencode gives its bytes back
        self.kind = kind  # a value of KINDS
        self.mode = 0o644  # permissions with setuid, setgid and sticky bit
        self.uid = 0
        self.gid = 0
        self.size = 0  # bytes of the file
        self.stored = 0  # bytes of data in the archive: fewer, if the file is sparse
        self.mtime = 0  # nanoseconds since 1970
        self.target = ""  # of a link or symlink
        self.device = (0, 0)  # major, minor
        self.xattrs: dict[str, bytes] = {}
        self.segments: list[tuple[int, int]] | None = None  # offset, length of a sparse file's data


class Reader:
    """The entries of the archive in *stream*, in its order; LayerError for what is no archive."""

    __slots__ = ("_at", "_buffer", "_left", "_stream", "entries", "limit", "name", "total")

    def __init__(self, stream: Stream, limit: int = MAX_TOTAL) -> None:
        self._stream = stream
        self._buffer = b""
        self._at = 0  # how much of the buffer is used
        self._left = 0  # bytes of the present entry's data, with their filling, not yet read
        self.limit = limit
        self.total = 0  # bytes read so far
        self.entries = 0
        self.name = ""  # of the present entry, or of the last one before an unreadable header

    def __iter__(self) -> Iterator[Entry]:
        while (entry := self._next()) is not None:
            self.entries += 1
            if self.entries > MAX_ENTRIES:
                raise self.refusal(f"the archive has more than {MAX_ENTRIES} entries")
            yield entry
            self._skip(self._left)
        while self._fill():  # to the end, for the digest of the whole
            self._at = len(self._buffer)

    def refusal(self, why: str) -> LayerError:
        """Return the error to raise at the present entry."""
        where = f"cannot unpack {self.name!r}" if self.name else "cannot read the archive"
        return LayerError(f"{where}: {why}")

    def copy(self, entry: Entry, descriptor: int) -> None:
        """Write the data of *entry*, the present one, to *descriptor*; holes stay holes."""
        if entry.segments is None:
            self._copy(entry.stored, descriptor)
            return
        for offset, length in entry.segments:
            os.lseek(descriptor, offset, os.SEEK_SET)
            self._copy(length, descriptor)
        os.ftruncate(descriptor, entry.size)

    def _copy(self, count: int, descriptor: int) -> None:
        self._left -= count
        while count:
            if self._at == len(self._buffer):
                self._need()
            piece = memoryview(self._buffer)[self._at : self._at + count]
            done = os.write(descriptor, piece)
            self._at += done
            count -= done

    def _next(self) -> Entry | None:
        """Return the next entry, with all that its extended headers say; None at the end."""
        records: dict[str, bytes] = {}
        sparse: list[tuple[int, int]] = []
        extended = 0
        while not self._ended() and (block := self._take(BLOCK)) != ZEROS:
            raw = _HEADER.unpack(block)
            self._check(block, raw[6])
            if raw[7] not in b"xgLKX":
                return self._entry(block, raw, records, sparse)
            size = self._number(raw[4], "size")
            extended += size
            if extended > MAX_EXTENDED:
                raise self.refusal(f"extended headers of {extended} bytes")
            data = self._take(size)
            self._skip(-size % BLOCK)
            if raw[7] in b"LK":
                records["path" if raw[7] == b"L" else "linkpath"] = data.partition(b"\0")[0]
            elif raw[7] != b"g":  # a global header changes nothing, as in Go's reader
                self._records(data, records, sparse)
        return None

    def _records(
        self, data: bytes, records: dict[str, bytes], sparse: list[tuple[int, int]]
    ) -> None:
        try:
            fields.read_records(data, records, sparse)
        except ValueError as error:
            raise self.refusal(f"a damaged extended header: {error}") from None

    def _entry(
        self,
        block: bytes,
        raw: tuple[bytes, ...],
        records: dict[str, bytes],
        sparse: list[tuple[int, int]],
    ) -> Entry:
        name = fields.name(raw, block, records)
        self.name = os.fsdecode(name[:MAX_NAME])
        if len(name) > MAX_NAME:
            raise self.refusal(f"its name has {len(name)} bytes, {MAX_NAME} are allowed")
        if b"\0" in name:
            raise self.refusal("its name has a null byte in it")
        if raw[7] not in KINDS:
            raise self.refusal(f"no such type of file: {raw[7]!r}")
        entry = Entry(self.name, KINDS[raw[7]])
        if entry.kind == "file" and name.endswith(b"/"):
            entry.kind = "directory"  # as before 1988
        try:
            fields.fill(entry, raw, records)
            self._left = 0
            if entry.kind == "file":
                self._left = entry.stored + -entry.stored % BLOCK
                fields.find_map(entry, block, records, sparse, self._map_block)
        except ValueError as error:
            raise self.refusal(str(error)) from None
        return entry

    def _map_block(self, stored: bool) -> bytes:
        """Return a block of a sparse file's map: of the file's data, if it is *stored* there."""
        if stored:
            if self._left < BLOCK:
                raise ValueError("a sparse map that is longer than its data")
            self._left -= BLOCK
        return self._take(BLOCK)

    def _check(self, block: bytes, field: bytes) -> None:
        if not fields.is_checksum(block, field):
            raise self.refusal("a damaged header follows it" if self.entries else "it is no tar")

    def _number(self, field: bytes, what: str) -> int:
        try:
            return fields.number(field, what)
        except ValueError as error:
            raise self.refusal(str(error)) from None

    def _ended(self) -> bool:
        """Say whether the stream ends here, between two entries: some writers leave it at that."""
        return self._at == len(self._buffer) and not self._fill()

    def _take(self, count: int) -> bytes:
        """Return the next *count* bytes; LayerError if the stream ends before that."""
        at = self._at
        if at + count <= len(self._buffer):
            self._at = at + count
            return self._buffer[at : at + count]
        pieces = []
        while count:
            if self._at == len(self._buffer):
                self._need()
            piece = self._buffer[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def _skip(self, count: int) -> None:
        self._left = 0
        while count:
            if self._ended():
                if count < BLOCK:
                    return  # umoci leaves out what fills up the last block
                self._need()
            step = min(count, len(self._buffer) - self._at)
            self._at += step
            count -= step

    def _need(self) -> None:
        if not self._fill():
            raise self.refusal("the archive is cut short")

    def _fill(self) -> bool:
        try:
            self._buffer, self._at = self._stream.read(PIECE), 0
        except OSError as error:
            raise self.refusal(f"cannot read on: {reason(error)}") from error
        except MiniDockerError as error:  # a damaged or boundless compressed stream
            raise self.refusal(str(error)) from error
        self.total += len(self._buffer)
        if self.total > self.limit:
            raise self.refusal(f"the archive has more than {self.limit} bytes")
        return bool(self._buffer)
