"""Sparse files: where their data is, and how an archive says so (GNU tar 1.0). lseek(2)."""

from __future__ import annotations

import errno
import os

BLOCK = 512
SEEK_DATA, SEEK_HOLE = 3, 4
MAX_PIECES = 10_000  # of a sparse file: what every reader takes
LEAST_HOLE = 2**16  # bytes that must be missing for a file to count as sparse

Map = list[tuple[int, int]]


def data_map(descriptor: int, status: os.stat_result) -> Map | None:
    """Return where the data of a sparse file is; None for a file without (large) holes.

    Of a file in very many pieces the smaller holes are written as the zeros that they are.
    """
    size = status.st_size
    if size - 512 * status.st_blocks < LEAST_HOLE:
        return None
    found: Map = []
    at, least = 0, 1
    while at < size:
        try:
            start = os.lseek(descriptor, at, SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nothing but a hole is left
                raise
            break
        at = min(os.lseek(descriptor, start, SEEK_HOLE), size)
        _add_piece(found, start, at, least)
        while len(found) > MAX_PIECES:
            least *= 4
            pieces, found = found, []
            for offset, length in pieces:
                _add_piece(found, offset, offset + length, least)
    if not found or sum(found[-1]) < size:
        found.append((size, 0))  # as GNU tar closes the list of a file that ends in a hole
    return found


def _add_piece(found: Map, start: int, end: int, least: int) -> None:
    """Add a piece of data to *found*, or to its last one if less than *least* is between."""
    if found and start - sum(found[-1]) < least:
        start = found.pop()[0]
    found.append((start, end - start))


def listed(pieces: Map) -> bytes:
    """Return the map of a sparse file as it stands before its data: decimal lines, in blocks."""
    words = [len(pieces), *(number for piece in pieces for number in piece)]
    listing = b"".join(b"%d\n" % word for word in words)
    return listing + bytes(-len(listing) % BLOCK)
