"""Unpack a layer as it comes: one pass over a stream, with a bounded need of memory.

    the caller's stream  ->  inflate  ->  digest  ->  entries  ->  files
    (compressed or not)      (a thread of its own)    (this one)

Inflating and digesting go on beside the unpacking, a few pieces ahead and no more. What is
refused, and when a stream expands so far that it can only be meant to, stands here and in
layers_tar.py as constants. When the disk is full, the error says so and names the entry;
what was unpacked so far is for the caller to remove, as it would be after any other error.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time

from mini_docker import image_streams, layers, layers_attributes, layers_tar, layers_tree
from mini_docker.errors import LayerError
from mini_docker.layers_tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from mini_docker.layers_stack import Stack
    from mini_docker.layers_tar import Stream

AHEAD = 8  # pieces that are inflated before they are needed
PIECE = 2**18  # bytes of one
PATIENCE = 2.0  # seconds that an abandoned stream gets to end, such as one from a silent server
RATIO = 300  # times its size that a compressed stream may grow to,
FREE = 2**30  # counted once that is this many bytes: 1 GiB of zeros is no attack


class Counted:
    """A stream, and how much was read of it."""

    __slots__ = ("_stream", "total")

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.total = 0

    def read(self, size: int, /) -> bytes:
        """Return what the stream returns."""
        data = self._stream.read(size)
        self.total += len(data)
        return data


class Inflated:
    """The plain archive in *stream*: its size and digest are known once it has been read."""

    __slots__ = ("_digest", "_packed", "_plain", "total")

    def __init__(self, stream: Stream) -> None:
        self._packed = Counted(stream)
        self._plain = image_streams.decompressed(self._packed)
        self._digest = hashlib.sha256()
        self.total = 0

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; LayerError for a stream that expands without end."""
        data = self._plain.read(size)
        self._digest.update(data)
        self.total += len(data)
        if self.total > FREE and self.total > RATIO * self._packed.total:
            raise LayerError(f"the archive grows to more than {RATIO} times its size")
        return data

    def digest(self) -> str:
        """Return the digest of what was read: a layer's diff id, at its end."""
        return f"sha256:{self._digest.hexdigest()}"


class Ahead:
    """A stream that is read ahead of its reader, in a thread; use it in a with statement."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(AHEAD)
        self._stop = False
        self._last: bytes | BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        give_up = time.monotonic() + PATIENCE
        while self._thread.is_alive() and time.monotonic() < give_up:
            try:  # it may wait for room
                self._pieces.get(timeout=0.01)
            except queue.Empty:
                continue

    def read(self, size: int = PIECE, /) -> bytes:
        """Return the next piece, of whatever size; raise what reading it has raised."""
        if self._last is None:
            piece = self._pieces.get()
            if isinstance(piece, bytes) and piece:
                return piece
            self._last = piece
        if isinstance(self._last, BaseException):
            raise self._last
        return b""

    def _run(self) -> None:
        piece: bytes | BaseException = b"-"
        while piece and isinstance(piece, bytes) and not self._stop:
            try:
                piece = self._stream.read(PIECE)
            except BaseException as error:  # it is the reader's: raised in its thread
                piece = error
            self._pieces.put(piece)


class Unpacked:
    """What has been unpacked: the digest and size of the plain archive, and how many entries."""

    __slots__ = ("diff_id", "entries", "size")

    def __init__(self, diff_id: str, size: int, entries: int) -> None:
        self.diff_id = diff_id
        self.size = size  # bytes
        self.entries = entries


def open_tree(directory: str, below: Stack | None = None) -> Tree:
    """Open *directory* to unpack a layer of this engine's, which may be an ordinary user's."""
    confined = layers_attributes.confined()
    devices = layers_tree.SKIP if confined else layers_tree.MAKE
    return Tree(directory, below, devices, userxattr=confined)


def unpack(stream: Stream, tree: Tree, limit: int = layers_tar.MAX_TOTAL) -> Unpacked:
    """Unpack the layer in *stream*, compressed or not, to *tree*, and read the stream to its end.

    LayerError, naming the entry, for what is hostile, damaged, cut short, more than *limit*
    bytes of archive, or refused by the file system. The tree is then half-made.
    """
    plain = Inflated(stream)
    with Ahead(plain) as ahead:
        reader = layers_tar.Reader(ahead, limit)
        layers.apply(reader, tree)
    return Unpacked(plain.digest(), plain.total, reader.entries)
