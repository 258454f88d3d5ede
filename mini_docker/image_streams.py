"""Compressed streams: whatever a layer or an archive was compressed with, read as it was before.

What a stream is, its first bytes say, never its name or its media type: tools disagree about
those. gzip goes through isal where that is installed, which halves the time; zstd needs the
package backports.zstd, or Python 3.14. A stream can ask its reader for a window of gigabytes:
one beyond WINDOW is refused, so that unpacking takes a few megabytes whatever the layer holds.

RFC 1952 (gzip), RFC 8878 (zstd), tukaani.org/xz/xz-file-format.txt.
"""

from __future__ import annotations

import sys

from mini_docker.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Source(Protocol):
        """Anything with a read(size): a file, a response, an entry of an archive."""

        def read(self, size: int, /) -> bytes:
            """Return at most *size* bytes, and none only at the end."""


PIECE = 2**18  # bytes of compressed data to read at a time
WINDOW = 2**26  # bytes: what a decompressor may keep in memory
GZIP = 31  # 16 + 15: zlib's way to say, with gzip's own frame
SKIPPED = tuple(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16))  # zstd: frames to pass over


class Plain:
    """A stream that is not compressed; its first bytes have been read already."""

    def __init__(self, source: Source, start: bytes = b"") -> None:
        self._source = source
        self._start = start

    def read(self, size: int = PIECE, /) -> bytes:
        """Return at most *size* bytes, b"" at the end."""
        if self._start:
            piece, self._start = self._start[:size], self._start[size:]
            return piece
        return self._source.read(size)


class Inflated:
    """A compressed stream, read as what it was before, a bounded piece at a time."""

    def __init__(self, source: Source, kind: str) -> None:
        self._source = source
        self._kind = kind
        self._inflate = _inflater(kind)
        self._begun = False  # something of the present member has been read
        self._waiting = b""  # compressed bytes

    def read(self, size: int = PIECE, /) -> bytes:
        """Return at most *size* bytes, b"" at the end; ConfigError if the stream is damaged."""
        while True:
            ended = False
            if not self._waiting and getattr(self._inflate, "needs_input", True):
                self._waiting = self._source.read(PIECE)
                ended = not self._waiting
            if not self._begun and not self._waiting.strip(b"\0"):
                self._waiting = b""  # padding behind the last member, as tapes have it
                if ended:
                    return b""
            elif piece := self._step(size):
                return piece
            elif ended and self._begun:
                raise ConfigError(f"the {self._kind} stream is cut short")

    def _step(self, size: int) -> bytes:
        """Inflate some of what waits, to *size* bytes or less; begin the next member at an end."""
        self._begun = True
        inflate = self._inflate
        try:
            piece: bytes = inflate.decompress(self._waiting, size)
        except Exception as error:  # each library has errors of its own
            raise ConfigError(f"the {self._kind} stream is damaged: {error}") from None
        self._waiting = getattr(inflate, "unconsumed_tail", b"")
        if inflate.eof:
            self._waiting = inflate.unused_data
            self._inflate, self._begun = _inflater(self._kind), False
        return piece


def decompressed(source: Source) -> Plain | Inflated:
    """Return a stream of what *source* was before it was compressed.

    It is *source* itself if its first bytes are those of no format that we know.
    """
    start = source.read(6)
    while start and len(start) < 6 and (more := source.read(6 - len(start))):
        start += more
    kind = kind_of(start)
    whole = Plain(source, start)
    return Inflated(whole, kind) if kind else whole


def kind_of(start: bytes) -> str:
    """Return gzip, zstd, xz or bzip2 for the first six bytes of a stream; "" for another."""
    if start[:2] == b"\x1f\x8b":
        return "gzip"
    if start[:4] == b"\x28\xb5\x2f\xfd" or start[:4] in SKIPPED:
        return "zstd"
    if start == b"\xfd7zXZ\0":
        return "xz"
    return "bzip2" if start[:3] == b"BZh" else ""


def _inflater(kind: str) -> Any:
    """Return an object with decompress(data, most), eof and unused_data, for one member."""
    from mini_docker import packages

    if kind == "xz":
        import lzma

        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW + 2**20)
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    packages.reach()
    if kind == "zstd":
        return _zstd()
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib.decompressobj(GZIP)
    return isal_zlib.decompressobj(GZIP)


def _zstd() -> Any:
    """Return a decompressor of one frame: Python's own since 3.14, and that one brought back."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        raise ConfigError(
            "zstd needs the Python package backports.zstd: run scripts/setup"
        ) from None
    largest: dict[int, int] = {zstd.DecompressionParameter.window_log_max: WINDOW.bit_length() - 1}
    return zstd.ZstdDecompressor(options=largest)
