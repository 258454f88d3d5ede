"""What ADD does beyond COPY: archives are unpacked, URLs and git repositories fetched.

A file is an archive if its contents say so, whatever its name is: a tar, compressed or not.
Its entries are made below the destination as a process with that as its root would make them:
a link leads nowhere else, whoever put it there.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat

from mini_docker import (
    builder_place,
    image_streams,
    layers,
    layers_attributes,
    layers_tar,
    layers_tar_fields,
    layers_tree,
    layers_unpack,
    rootfs_paths,
)
from mini_docker.builder_walk import FILE
from mini_docker.errors import ConfigError, LayerError, MiniDockerError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from mini_docker.builder_copy import Manner
    from mini_docker.builder_select import Root, Source
    from mini_docker.layers_tar import Entry, Stream
    from mini_docker.registry_http import Response

LARGEST = 2**36  # bytes of a download, 64 GiB
LONGEST = 255  # bytes of a name: NAME_MAX of limits.h
URL_MODE = 0o600


class _File:
    """A descriptor as a stream."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, size: int, /) -> bytes:
        return os.read(self._descriptor, size)


class _Archive(layers_tar.Reader):
    """An archive whose owner --chown may set, and in which no name means a removal."""

    def __init__(self, stream: Stream, owner: tuple[int, int] | None) -> None:
        super().__init__(stream)
        self._owner = owner

    def __iter__(self) -> Iterator[Entry]:
        for entry in super().__iter__():
            if any(part.startswith(layers.WHITEOUT) for part in entry.name.split("/")):
                raise self.refusal("a name like this stands for a removal in a layer")
            if entry.name.startswith("/"):
                entry.name = entry.name.lstrip("/")
            if entry.kind == "link":
                entry.target = entry.target.lstrip("/")  # a path in the archive, too
            if self._owner:
                entry.uid, entry.gid = self._owner
            yield entry


class _Tree(layers_tree.Tree):
    """A directory in use, in which links may be on the way, and lead nowhere but in it."""

    def enter(self, path: str) -> int:
        """Return a descriptor of the directory *path*, made if it is missing; it stays ours."""
        if path != self._path:
            self._leave()
            if path:
                root = rootfs_paths.alias(self.root)
                place = rootfs_paths.place(root, path, directory=True)
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                self._folder = os.open(rootfs_paths.alias(place), flags)
                os.close(place)
            self._path = path
            self._note()
        return self._folder


def is_archive(root: Root, source: Source) -> bool:
    """Say whether the file *source* is a tar, compressed or not, by its first block."""
    if not stat.S_ISREG(source.status.st_mode) or not source.status.st_size:
        return False
    descriptor = root.open(source.path, FILE)
    try:
        stream = image_streams.decompressed(_File(descriptor))
        block = b""
        while len(block) < layers_tar.BLOCK and (piece := stream.read(layers_tar.BLOCK)):
            block += piece
    except MiniDockerError:
        return False  # damaged: it is copied as any other file
    finally:
        os.close(descriptor)
    block = block[: layers_tar.BLOCK]
    if len(block) < layers_tar.BLOCK or block == layers_tar.ZEROS:
        return False
    return layers_tar_fields.is_checksum(block, block[148:156])


def unpack(from_: Root, source: Source, root: str, destination: str, manner: Manner) -> None:
    """Unpack the archive *source* in the directory *destination* below *root*."""
    descriptor = from_.open(source.path, FILE)
    folder = -1
    try:
        folder = builder_place.make(
            root, posixpath.normpath(f"/{destination}"), manner.owner or (0, 0)
        )
        confined = layers_attributes.confined()
        devices = layers_tree.SKIP if confined else layers_tree.MAKE
        path = rootfs_paths.alias(folder)
        with _Tree(path, None, devices, userxattr=confined) as tree:
            stream = layers_unpack.Inflated(_File(descriptor))  # bounds how far it expands
            layers.apply(_Archive(stream, manner.owner), tree)
    except OSError as error:
        raise LayerError(f"cannot unpack {source.name}: {reason(error)}") from error
    finally:
        os.close(descriptor)
        if folder >= 0:
            os.close(folder)


def url_name(url: str) -> str:
    """Return the name of the file that *url* leads to; UsageError if it has none.

    >>> url_name("https://example.com/a/b.txt?x=1")
    'b.txt'
    """
    from urllib.parse import unquote, urlsplit

    try:
        name = posixpath.basename(unquote(urlsplit(url).path))
    except ValueError as error:
        raise UsageError(f"invalid url {url!r:.300}: {error}") from None
    if name in ("", ".", "..") or "\0" in name:
        raise UsageError(f"cannot determine filename from url: {url!r:.300}")
    if len(name.encode(errors="surrogatepass")) > LONGEST:
        raise UsageError(f"the name of the file is longer than {LONGEST} bytes: {url!r:.300}")
    return name


def check_sum(text: str, url: str) -> None:
    """Refuse a --checksum that is no sha256:HEX."""
    kind, _, digits = text.partition(":")
    if kind != "sha256" or len(digits) != 64 or digits.strip("0123456789abcdef"):
        raise UsageError(f"invalid checksum {text!r:.100} of {url!r:.300}: give sha256:HEX")


def download(url: str, path: str, checksum: str, alive: Callable[[], None]) -> None:
    """Fetch *url* to *path*, a new file.

    Mode 600, and the time that the server says (Last-Modified), as Docker has it. ConfigError
    if its digest is not *checksum*, where that is given.
    """
    from mini_docker import builder_download

    try:
        with builder_download.fetch(url) as response, open(path, "xb", buffering=0) as file:
            os.fchmod(file.fileno(), URL_MODE)
            digest = _pour(response, file, url, alive)
            seconds = _seconds(response.headers.get("Last-Modified") or "")
    except OSError as error:
        raise ConfigError(f"cannot download {url:.300}: {reason(error)}") from error
    if checksum and digest != checksum:
        raise ConfigError(f"digest mismatch of {url:.300}: {digest}, expected {checksum}")
    os.utime(path, (seconds, seconds))


def _pour(response: Response, file: FileIO, url: str, alive: Callable[[], None]) -> str:
    """Write what comes to *file*; return its digest."""
    import hashlib

    digest, count = hashlib.sha256(), 0
    while piece := response.read(2**18):
        alive()
        digest.update(piece)
        count += len(piece)
        if count > LARGEST:
            raise ConfigError(f"{url:.300} has more than {LARGEST} bytes")
        if file.write(piece) != len(piece):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return f"sha256:{digest.hexdigest()}"


def _seconds(date: str) -> int:
    """Return the *date* of a header in seconds since 1970; 0 if it is none."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return 0
