"""The files of an archive on its way into the store: each at a place of ours, under a number.

What comes is hostile until it is proved. Nothing is unpacked by the names in the archive: a
name is a key, and a link in the archive another key for the same file. What is needed is
asked for by its key, documents with a bound on their size; the rest is thrown away with the
transfer that the spool belongs to.
"""

from __future__ import annotations

import os
import posixpath

from mini_docker import image_streams, records
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

    from mini_docker.image_streams import Source
    from mini_docker.image_transfer import Transfer

MOST_FILES = 20_000  # in an archive; an image of 500 layers has about 1500
MOST_LINKS = 40  # on the way to a file, as path_resolution(7)
DOCUMENT_LIMIT = 4 * 2**20  # bytes
LAYOUT = ("oci-layout", "index.json", "manifest.json")


class Spool:
    """The files of an archive, by name: each lies in ROOT/oci/ingest under a number."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self._files: dict[str, str] = {}
        self._links: dict[str, str] = {}

    def fill(self, stream: Source) -> None:
        """Take in the archive that *stream* brings, compressed or not."""
        from mini_docker import layers_tar

        plain = image_streams.decompressed(stream)
        reader = layers_tar.Reader(plain)
        for entry in reader:
            name = _key(entry.name)
            if len(self._files) + len(self._links) >= MOST_FILES:
                raise ConfigError(f"the archive has more than {MOST_FILES} files: it is no image")
            if entry.kind == "file":
                self._links.pop(name, None)
                path = self._transfer.new_path("ingest")
                with _create(path) as file:
                    try:
                        reader.copy(entry, file.fileno())
                    except OSError as error:
                        raise ConfigError(f"cannot write {path}: {reason(error)}") from error
                if before := self._files.get(name):
                    os.unlink(before)  # as tar unpacks it, the last one counts
                self._files[name] = path
            elif entry.kind == "symlink":
                self._links[name] = _key(posixpath.join(posixpath.dirname(name), entry.target))
            elif entry.kind == "link":
                self._links[name] = _key(entry.target)

    def fill_from(self, directory: str) -> None:
        """Take in the layout in *directory*, of which only regular files are looked at."""
        for name in _layout_files(directory):
            path = self._transfer.new_path("ingest")
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            try:
                descriptor = os.open(f"{directory}/{name}", flags)
                with open(descriptor, "rb") as source, _create(path) as file:
                    while piece := source.read(2**20):
                        file.write(piece)
            except OSError as error:
                raise ConfigError(f"cannot read {directory}/{name}: {reason(error)}") from error
            self._files[name] = path

    def __contains__(self, name: str) -> bool:
        return self._resolve(name) in self._files

    def path(self, name: str) -> str:
        """Return where the file *name* lies; ConfigError if the archive has none."""
        found = self._files.get(self._resolve(name))
        if found is None:
            raise ConfigError(f"the archive has no file {name!r:.300}")
        return found

    def moved(self, name: str, path: str) -> None:
        """Note that the file *name* lies at *path* from now on."""
        self._files[self._resolve(name)] = path

    def _resolve(self, name: str) -> str:
        key = _key(name)
        for _ in range(MOST_LINKS):
            if key not in self._links:
                return key
            key = self._links[key]
        raise ConfigError(f"the archive's file {name!r:.300} is a link that goes in circles")

    def text(self, name: str) -> bytes:
        """Return the bytes of the document *name*."""
        path = self.path(name)
        if os.path.getsize(path) > DOCUMENT_LIMIT:
            raise ConfigError(f"the archive's {name!r:.300} is larger than {DOCUMENT_LIMIT} bytes")
        with open(path, "rb") as file:
            return file.read()

    def document(self, name: str) -> Any:
        """Return what the JSON document *name* holds."""
        return decode(self.text(name), f"the archive's {name!r:.300}")


def decode(data: bytes, what: str) -> Any:
    """Return the JSON value in *data*; ConfigError, with *what* it is, if it is none."""
    try:
        return records.parse(data.decode())
    except ValueError as error:
        raise ConfigError(f"{what} is not JSON: {error}") from None


def _key(name: str) -> str:
    """Return *name* as the key of a file: "./a//b" is "a/b". It is never used as a path."""
    return posixpath.normpath("/" + name).lstrip("/")


def _create(path: str) -> BinaryIO:
    try:
        return open(path, "wb", buffering=0)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {reason(error)}") from error


def _layout_files(directory: str) -> Iterator[str]:
    yield from (name for name in LAYOUT if os.path.isfile(f"{directory}/{name}"))
    folder = f"{directory}/blobs/sha256"
    if not os.path.isdir(folder):
        raise ConfigError(f"{directory} is not an image layout: it has no blobs/sha256")
    for count, entry in enumerate(os.scandir(folder)):
        if count >= MOST_FILES:
            raise ConfigError(f"{folder} has more than {MOST_FILES} files")
        if entry.is_file(follow_symlinks=False):
            yield f"blobs/sha256/{entry.name}"
