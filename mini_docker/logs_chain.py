"""The files of a log, to be read while their writer goes on: it renames and compresses them.

A file is told from another by its inode, as long as we hold it open; what was compressed has
the inode that it had in its head (logs_compress.py). So we can ask at any time: which one
follows ours?
"""

from __future__ import annotations

import os

from mini_docker.errors import ConfigError, reason
from mini_docker.logs_compress import HEAD, MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zlib

SIZE = 2**18  # bytes of one read
TRIES = 100  # how often we begin anew because the writer has renamed a file meanwhile


class Piece:
    """One file of a log, open to be read; a compressed one gives what was compressed."""

    __slots__ = ("compressed", "descriptor", "inflate", "inode", "limit", "waiting", "was")

    def __init__(self, path: str) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self.descriptor = os.open(path, flags)
        self.inode = os.fstat(self.descriptor).st_ino
        self.inflate: zlib._Decompress | None = None
        self.waiting = b""
        self.limit = 0  # where to stop reading; 0 is where the file ends
        self.compressed = path.endswith(".gz")
        self.was = 0  # the inode of what was compressed
        if self.compressed:
            self.was = _compressed_inode(self.descriptor)
            self.rewind()

    def read(self) -> bytes:
        """Return the next bytes; b"" at the end, for now. ValueError if it cannot be inflated."""
        if self.inflate is None:
            most = SIZE
            if self.limit:
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
        self.limit = os.fstat(self.descriptor).st_size

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


def open_all(path: str) -> list[Piece]:
    """Open all files of the log at *path*, the oldest first; none if there is no log.

    ConfigError if one cannot be opened.
    """
    for _ in range(TRIES):
        before = _names(path)
        pieces: list[Piece] = []
        try:
            pieces.extend(Piece(name) for name in before)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ConfigError(f"cannot read the log {error.filename}: {reason(error)}") from error
        still = [_inode(name) for name in before] == [piece.inode for piece in pieces]
        if len(pieces) == len(before) and still and _names(path) == before:
            return pieces
        for piece in pieces:
            piece.close()
    raise ConfigError(f"cannot read the log {path}: its files are renamed too often")


def following(path: str, piece: Piece) -> tuple[Piece | None, bool]:
    """Return the file that follows *piece* in the log at *path*, and whether some were missed.

    None if *piece* is the present file, or if there is no log any more. Some are missed if
    *piece* is among those that have been removed: then the oldest one follows that is left.
    """
    for _ in range(TRIES):
        if _inode(path) in (piece.inode, 0):
            return None, False
        pieces = open_all(path)
        place = _place(piece, pieces) + 1
        # None: it was put aside, and the new one is not there yet.
        chosen = None if place == len(pieces) else pieces[place]
        for other in pieces:
            if other is not chosen:
                other.close()
        if chosen:
            return chosen, not place and len(pieces) > 1
    return None, False


def _place(piece: Piece, pieces: list[Piece]) -> int:
    """Return where *piece* is among *pieces*, or what has become of it; -1 if it is gone.

    We hold its inode, so no other file can have it now; an older one may have had it once,
    before it was compressed. So the newest that fits is the one.
    """
    for place in range(len(pieces) - 1, -1, -1):
        other = pieces[place]
        if other.inode == piece.inode or (other.was == piece.inode and not piece.compressed):
            return place
    return -1


def _names(path: str) -> list[str]:
    """Return the paths of the files, the oldest first, one of each number."""
    folder, name = os.path.split(path)
    try:
        present = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = {}
    for other in sorted(present, reverse=True):  # NAME.1 after NAME.1.gz: it wins
        number = other.removeprefix(f"{name}.").removesuffix(".gz")
        if other.startswith(f"{name}.") and number.isascii() and number.isdigit():
            found[int(number[:9])] = f"{folder}/{other}"
    if name in present:
        found[0] = path
    return [found[number] for number in sorted(found, reverse=True)]


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
