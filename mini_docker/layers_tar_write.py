"""Write an archive: tar with pax headers where a plain one has no room.

The same files make the same bytes, whoever writes them and when: names are sorted by
whoever calls, and nothing of this machine goes in but the numbers of the owners. Owners'
names stay out: they mean others in another root. A sparse file is written as GNU tar 1.0
writes it, its holes as a list.
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import layers_attributes, layers_sparse
from mini_docker.errors import LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from mini_docker.layers_stack import Found, Stack

    class Sink(Protocol):
        """Where an archive goes to."""

        def write(self, data: bytes, /) -> int:
            """Take all of *data*."""


BLOCK = 512
PIECE = 2**20  # bytes of a file read at a time
RECORD = 20 * BLOCK  # an archive ends on a whole one, as tapes wanted it
TYPES = {"file": b"0", "link": b"1", "symlink": b"2", "char": b"3", "block": b"4"}
TYPES |= {"directory": b"5", "fifo": b"6"}


class Writer:
    """An archive that is being written to *sink*."""

    __slots__ = ("_links", "_sink", "total")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._links: dict[tuple[int, int], str] = {}  # files with several names: the first one
        self.total = 0  # bytes written

    def mark(self, name: str) -> None:
        """Write an empty file."""
        self._write(header(name, b"0", {"mode": 0o600}))

    def add(self, it: Found, stack: Stack) -> None:
        """Write *it*, with its data, attributes and links; LayerError if it cannot be read."""
        try:
            self._add(it)
        except OSError as error:
            if error.errno == errno.ENOENT and stack.find(it.path) is None:
                return  # a running container has removed it meanwhile
            if error.errno in (errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EDQUOT):
                raise
            raise LayerError(f"cannot pack {it.path}: {reason(error)}") from error

    def close(self) -> None:
        """Write the end of the archive."""
        end = 2 * BLOCK
        self._write(bytes(end + -(self.total + end) % RECORD))

    def _add(self, it: Found) -> None:
        name = it.path.lstrip("/") + ("/" if it.kind == "directory" else "")
        status = it.status
        fields = {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
        fields["mtime"] = status.st_mtime_ns
        inode = status.st_dev, status.st_ino
        if it.kind != "file":
            self._add_node(name, it, fields)
        elif inode in self._links:
            self._write(header(name, b"1", fields, self._links[inode]))
        else:
            self._add_file(name, it, fields)
            if status.st_nlink > 1:
                self._links[inode] = name

    def _add_node(self, name: str, it: Found, fields: dict[str, int]) -> None:
        """Write what has no data: a directory, symbolic link, device or fifo."""
        place = it.open()
        try:
            if stat.S_IFMT(os.fstat(place).st_mode) != stat.S_IFMT(it.status.st_mode):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), it.path)
            target = os.readlink("", dir_fd=place) if it.kind == "symlink" else ""
            if it.kind in ("char", "block"):
                fields["device"] = it.status.st_rdev
            records = attribute_records(f"/proc/self/fd/{place}", it.path)
            self._write(header(name, TYPES[it.kind], fields, target, records))
        finally:
            os.close(place)

    def _add_file(self, name: str, it: Found, fields: dict[str, int]) -> None:
        descriptor = it.open(os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), it.path)
            size = status.st_size
            records = attribute_records(descriptor, it.path)
            pieces = layers_sparse.data_map(descriptor, status)
            listing = b""
            if pieces is not None:
                listing = layers_sparse.listed(pieces)
                records |= {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0"}
                records |= {"GNU.sparse.name": os.fsencode(name)}
                records |= {"GNU.sparse.realsize": b"%d" % size}
                above, _, last = name.rpartition("/")
                name = f"{above}/GNUSparseFile.0/{last}".lstrip("/")
            pieces = [(0, size)] if pieces is None else pieces
            stored = len(listing) + sum(length for _, length in pieces)
            fields |= {"mtime": status.st_mtime_ns, "size": stored}
            self._write(header(name, b"0", fields, "", records) + listing)
            for offset, length in pieces:
                self._copy(descriptor, offset, length)
            self._write(bytes(-stored % BLOCK))
        finally:
            os.close(descriptor)

    def _copy(self, descriptor: int, offset: int, length: int) -> None:
        """Write *length* bytes of a file; zeros, where it has become shorter meanwhile."""
        while length:
            data = os.pread(descriptor, min(length, PIECE), offset) or bytes(min(length, PIECE))
            self._write(data)
            offset += len(data)
            length -= len(data)

    def _write(self, data: bytes) -> None:
        self._sink.write(data)
        self.total += len(data)


def attribute_records(place: int | str, path: str) -> dict[str, bytes]:
    """Return the pax records of the extended attributes of *place*."""
    records = {}
    for name, value in layers_attributes.read(place).items():
        if "=" in name:
            raise LayerError(f"cannot pack {path}: an archive has no room for its {name!r}")
        records[f"SCHILY.xattr.{name}"] = value
    return records


def header(
    name: str,
    kind: bytes,
    fields: dict[str, int],
    target: str = "",
    records: dict[str, bytes] | None = None,
) -> bytes:
    """Return the header of an entry, after an extended one for what it has no room for.

    *fields* are mode, uid, gid, size, mtime (nanoseconds), device; each is 0 if left out.
    """
    fields, records = dict(fields), dict(records or {})
    path, link = os.fsencode(name), os.fsencode(target)
    if len(path) > 100:
        records["path"] = path
    if len(link) > 100:
        records["linkpath"] = link
    for key, most in (("uid", 0o7777777), ("gid", 0o7777777), ("size", 0o77777777777)):
        if fields.get(key, 0) > most:
            records[key] = b"%d" % fields[key]
            fields[key] = 0
    seconds, rest = divmod(fields.get("mtime", 0), 10**9)
    if rest or not 0 <= seconds <= 0o77777777777:
        records["mtime"] = _time(fields["mtime"])
        seconds = max(0, min(seconds, 0o77777777777))
    fields["mtime"] = seconds
    plain = _block(path, kind, link, fields)
    if not records:
        return plain
    data = b"".join(_record(os.fsencode(key), records[key]) for key in sorted(records))
    before = _block(
        b"PaxHeaders.0/" + path[-80:].lstrip(b"/"), b"x", b"", {"size": len(data), "mode": 0o644}
    )
    return before + data + bytes(-len(data) % BLOCK) + plain


def _time(nanoseconds: int) -> bytes:
    sign, seconds, rest = b"-" if nanoseconds < 0 else b"", *divmod(abs(nanoseconds), 10**9)
    return (b"%s%d.%09d" % (sign, seconds, rest)).rstrip(b"0").rstrip(b".")


def _record(key: bytes, value: bytes) -> bytes:
    """Return a pax record: its length counts itself."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%s" % (length, rest)


def _block(path: bytes, kind: bytes, link: bytes, fields: dict[str, int]) -> bytes:
    device = fields.get("device", 0)
    parts = (
        path[:100].ljust(100, b"\0"),
        b"%07o\0%07o\0%07o\0" % (fields.get("mode", 0), fields.get("uid", 0), fields.get("gid", 0)),
        b"%011o\0%011o\0" % (fields.get("size", 0), fields.get("mtime", 0)),
        b"        ",
        kind,
        link[:100].ljust(100, b"\0"),
        b"ustar\x0000",
        bytes(64),
        b"%07o\0%07o\0" % (os.major(device), os.minor(device)),
        bytes(167),
    )
    block = b"".join(parts)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
