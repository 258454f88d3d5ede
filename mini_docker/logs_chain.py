"""The files of a log, to be read while their writer goes on: it renames and compresses them.

A file is told from another by its inode, as long as we hold it open; what was compressed has
the inode that it had in its head (logs_compress.py). So we can ask at any time: which one
follows ours, which one is before it? Numbers only grow, so we look for ours from where it was
upwards; and if it is still there once we have opened its neighbour, that is its neighbour.
"""

from __future__ import annotations

import os

from mini_docker import logs_files
from mini_docker.errors import ConfigError, reason
from mini_docker.logs_compress import HEAD, MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zlib
    from collections.abc import Iterable

SIZE = 2**18  # bytes of one read
MANY = 16  # files that are held open, however few a process may
TRIES = 100  # how often we begin anew because the writer has renamed a file meanwhile


class Piece:
    """One file of a log, open to be read; a compressed one gives what was compressed."""

    __slots__ = (
        "compressed", "descriptor", "inflate", "inode", "limit", "number", "waiting", "was"
    )  # fmt: skip

    def __init__(self, path: str, number: int) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self.descriptor = logs_files.must_be_file(os.open(path, flags))
        self.inode = os.fstat(self.descriptor).st_ino
        self.inflate: zlib._Decompress | None = None
        self.waiting = b""
        self.number = number  # that it had when it was last seen
        self.limit = -1  # where to stop reading; -1 is where the file ends
        self.compressed = path.endswith(".gz")
        self.was = 0  # the inode of what was compressed
        if self.compressed:
            self.was = _compressed_inode(self.descriptor)
            self.rewind()

    def read(self) -> bytes:
        """Return the next bytes; b"" at the end, for now. ValueError if it cannot be inflated."""
        if self.inflate is None:
            most = SIZE
            if self.limit >= 0:
                most = min(most, self.limit - os.lseek(self.descriptor, 0, os.SEEK_CUR))
            return os.read(self.descriptor, max(0, most))
        import zlib

        while not self.inflate.eof:
            data = self.waiting or os.read(self.descriptor, SIZE)
            try:
                found = self.inflate.decompress(data, SIZE)
            except zlib.error as error:
                raise ValueError(str(error)) from None
            self.waiting = self.inflate.unconsumed_tail
            if found:
                return found
            if not data:
                raise ValueError("it is cut off")
        return b""

    def rewind(self, offset: int = 0) -> None:
        """Go to *offset*; of a compressed file only to its beginning."""
        os.lseek(self.descriptor, offset, os.SEEK_SET)
        if self.compressed:
            import zlib

            self.inflate, self.waiting = zlib.decompressobj(31), b""

    def stop(self) -> None:
        """Read no further than it goes now."""
        self.limit = self.end()

    def end(self) -> int:
        """Return where to stop reading."""
        return os.fstat(self.descriptor).st_size if self.limit < 0 else self.limit

    def cut(self) -> bool:
        """Say whether somebody has emptied the file meanwhile; then go to its beginning."""
        if self.inflate is not None:
            return False
        if os.fstat(self.descriptor).st_size >= os.lseek(self.descriptor, 0, os.SEEK_CUR):
            return False
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return True

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


def newest(path: str) -> Piece | None:
    """Open the newest file of the log at *path*; None if there is no log. ConfigError as below."""
    return _first(path, [0]) or _first(path, _numbers(path))


def before(path: str, piece: Piece) -> Piece | None:
    """Open the file that is before *piece* in the log at *path*; None if there is none any more.

    ConfigError if one cannot be opened.
    """
    for _ in range(TRIES):
        if not _find(path, piece):
            return None
        place = piece.number
        found = _first(path, [place + 1]) or _first(path, _numbers(path, place + 1))
        if _is(path, place, piece):
            return found
        if found:
            found.close()
    return None


def following(path: str, piece: Piece) -> tuple[Piece | None, bool]:
    """Return the file that follows *piece* in the log at *path*, and whether some were missed.

    None if *piece* is the present file, or if there is no log any more. Some are missed if
    *piece* is among those that have been removed: then the oldest one follows that is left.
    ConfigError as before().
    """
    for _ in range(TRIES):
        if not _find(path, piece):
            oldest = _first(path, _numbers(path)[::-1])
            return oldest, bool(oldest and oldest.number)
        place = piece.number
        # None: it is the present one, or was put aside, and the new one is not there yet.
        found = _first(path, range(place - 1, -1, -1))
        if _is(path, place, piece):
            return found, False
        if found:
            found.close()
    return None, False


def rest(path: str, most: int) -> list[Piece]:
    """Open the *most* newest files of the log at *path*; return them, the oldest first."""
    found: list[Piece] = []
    piece = newest(path)
    while piece:
        found.insert(0, piece)
        piece = before(path, piece) if len(found) < most else None
    return found


def most() -> int:
    """Return how many files may be held open at once: this process needs others as well."""
    return max(MANY, os.sysconf("SC_OPEN_MAX") // 4)


def place(piece: Piece, pieces: list[Piece]) -> int:
    """Return where *piece* is among *pieces*, or what has become of it; -1 if it is gone.

    We hold its inode, so no other file can have it now; an older one may have had it once,
    before it was compressed. So the newest that fits is the one.
    """
    for at in range(len(pieces) - 1, -1, -1):
        if same(piece, pieces[at]):
            return at
    return -1


def same(piece: Piece, other: Piece) -> bool:
    """Say whether *other* is the file of *piece*, or what has become of it."""
    return other.inode == piece.inode or (other.was == piece.inode and not piece.compressed)


def _find(path: str, piece: Piece) -> bool:
    """Find out the number that *piece* has now; False if it is gone."""
    start = piece.number
    for numbers in ((start, start + 1), *[()] * 3):  # it may be renamed while we list them
        for number in numbers or _numbers(path, start):
            if _is(path, number, piece):
                piece.number = number
                return True
    return False


def _is(path: str, number: int, piece: Piece) -> bool:
    """Say whether *piece* is the file with that number, or what it was compressed to."""
    if not number:
        return _inode(path) == piece.inode
    if _inode(f"{path}.{number}") == piece.inode:
        return True
    name = f"{path}.{number}.gz"
    try:
        packed = Piece(name, number)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"cannot read the log {name}: {reason(error)}") from error
    packed.close()
    return same(piece, packed)


def _first(path: str, numbers: Iterable[int]) -> Piece | None:
    """Open the first file that there is of *numbers*."""
    for number in numbers:
        names = (f"{path}.{number}", f"{path}.{number}.gz") if number else (path,)
        for name in names:  # in this order: one is removed once the other is there
            try:
                return Piece(name, number)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise ConfigError(f"cannot read the log {name}: {reason(error)}") from error
    return None


def _numbers(path: str, start: int = 0) -> list[int]:
    """Return the numbers of the files, from *start* on, that of the newest first."""
    folder, name = os.path.split(path)
    try:
        present = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = {0} if name in present else set()
    for other in present:
        number = other.removeprefix(f"{name}.").removesuffix(".gz")
        if other.startswith(f"{name}.") and number.isascii() and number.isdigit():
            found.add(int(number[:9]))
    return sorted(number for number in found if number >= start)


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return 0


def _compressed_inode(descriptor: int) -> int:
    """Return the inode of what was compressed; 0 if the head does not say."""
    head = os.pread(descriptor, 64, 0)
    number = head[len(HEAD) :].partition(b"\0")[0]
    return int(number) if head.startswith(MAGIC) and number.isdigit() else 0
