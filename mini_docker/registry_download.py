"""Layers on their way from a registry: several at once, and one being unpacked meanwhile.

    registry -> fetch -> file in ROOT/oci/ingest -> reader: hash, inflate, hash, unpack
                (a thread for each)                  (in order, as close behind as it can)

The file is the buffer between the two, so that no download waits for the unpacking and
nothing is held in memory. What the reader unpacks is not proved yet: it lies beside its place
until the end of the blob has been seen, and both have found the digest that was promised.
"""

from __future__ import annotations

import os
import threading

from mini_docker import registry
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from mini_docker.image_store import Descriptor
    from mini_docker.image_transfer import Transfer

END_TIME = 1.0  # seconds to wait for the threads of a pull that has failed


class Arrival:
    """A blob on its way: one thread writes it to *path*, another reads behind."""

    def __init__(self, row: Descriptor, path: str) -> None:
        self.row = row
        self.path = path
        self._news = threading.Condition()
        self._count = 0  # bytes in the file
        self._read = 0  # bytes that the reader has got
        self._over = False
        self._error: BaseException | None = None
        try:
            self._file = open(path, "w+b", buffering=0)  # noqa: SIM115  close() closes it
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {reason(error)}") from error

    def write(self, piece: bytes) -> None:
        """Append *piece*."""
        try:
            written = self._file.write(piece)
        except OSError as error:
            raise ConfigError(f"cannot write {self.path}: {reason(error)}") from error
        if written != len(piece):
            raise ConfigError(f"cannot write {self.path}: {os.strerror(28)}")  # ENOSPC
        with self._news:
            self._count += len(piece)
            self._news.notify()

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more comes, because of *error* or because all is here."""
        with self._news:
            self._over, self._error = True, error
            self._news.notify()

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes, as soon as there are any; raise what has ended the rest."""
        with self._news:
            while self._read == self._count and not self._over:
                self._news.wait()
            if self._error:
                raise self._error
            ready = min(size, self._count - self._read)
        piece = os.pread(self._file.fileno(), ready, self._read)
        self._read += len(piece)
        return piece

    def close(self) -> None:
        """Close the file; where it lies is for the transfer to say."""
        self._file.close()


class Downloads:
    """The blobs *rows* of an image, fetched in this order, *most* at a time."""

    def __init__(
        self,
        session: registry.Session,
        transfer: Transfer,
        rows: Sequence[Descriptor],
        most: int,
        tell: Callable[[str, str, int, int], None],
    ) -> None:
        """*tell* is told of each blob: its digest, its state, bytes that are here, bytes in all."""
        self._session = session
        self._tell = tell
        self._stop = False
        self._next = 0
        self._own = threading.Lock()
        self._waiting = [Arrival(row, transfer.new_path("ingest")) for row in rows]
        self._found = {it.row["digest"]: it for it in self._waiting}
        count = max(min(most, len(rows)), 0)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        for it in self._waiting[len(self._threads) :]:
            self._tell(it.row["digest"], "Waiting", 0, 0)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        for thread in self._threads:
            thread.join(END_TIME)
        for it in self._waiting:
            it.close()

    def pop(self, digest: str) -> Arrival | None:
        """Return the blob *digest*, the first time that it is asked for."""
        return self._found.pop(digest, None)

    def _run(self) -> None:
        while not self._stop:
            with self._own:
                if self._next == len(self._waiting):
                    return
                it = self._waiting[self._next]
                self._next += 1
            try:
                self._fetch(it)
                it.end()
            except BaseException as error:  # the reader raises it in its thread
                it.end(error)

    def _fetch(self, it: Arrival) -> None:
        digest, size, count = it.row["digest"], it.row["size"], 0
        self._tell(digest, "Downloading", 0, size)
        for piece in registry.fetch(self._session, "blobs", it.row):
            if self._stop:
                return
            it.write(piece)
            count += len(piece)
            self._tell(digest, "Downloading", count, size)
        self._tell(digest, "Download complete", 0, 0)
