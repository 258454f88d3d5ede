"""Import: an archive of a whole file tree becomes an image of one layer.

The archive is kept as it came, so that who gives it away gives the same bytes; what no layer
may be compressed with (xz, bzip2) is compressed anew. It is read once: kept, inflated, hashed
and unpacked in one pass.
"""

from __future__ import annotations

import os

from mini_docker import (
    events,
    image_changes,
    image_layers,
    image_make,
    image_new,
    image_store,
    image_streams,
    image_transfer,
    layers_unpack,
)
from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.layers_tar import Stream

TYPES = {"": "", "gzip": "+gzip", "zstd": "+zstd"}  # of a layer, after LAYER_TYPE
PIECE = 2**18


class Import:
    """What is asked for: the names of the new image, and what it says of itself."""

    def __init__(self, reference: str = "", comment: str = "", platform: str = "") -> None:
        self.names = image_new.names([reference])
        self.comment = comment
        self.changes: list[str] = []  # lines of a Dockerfile
        self.platform = _platform(platform)


def import_(root: str, source: Stream, asked: Import) -> str:
    """Make an image of the archive in *source*, compressed or not; return its id."""
    config = image_changes.apply({}, asked.changes)
    start = source.read(6)
    while start and len(start) < 6 and (more := source.read(6 - len(start))):
        start += more
    if not start:
        raise ConfigError("cannot import the archive: it is empty")
    kind = image_streams.kind_of(start)
    stream: Stream = image_streams.Plain(source, start)
    if kind not in TYPES:
        stream, kind = Gzipped(image_streams.decompressed(stream)), "gzip"
    with image_transfer.Transfer(root) as transfer:
        layer, diff_id = _receive(transfer, stream)
        layer["mediaType"] = image_store.LAYER_TYPE + TYPES[kind]
        stack = image_new.Stack([layer], [diff_id])
        step = {"comment": asked.comment} if asked.comment else {}
        document = image_new.described(asked.platform, config, step, "")
        id = image_new.register(transfer, stack, document, asked.names)
    events.image(root, "import", id)
    return id


def _receive(transfer: image_transfer.Transfer, stream: Stream) -> tuple[dict[str, Any], str]:
    """Keep and unpack the layer in *stream*; return its descriptor and diff id."""
    making = transfer.new_path("layers")
    try:
        os.makedirs(f"{making}/diff", 0o755)
        os.chmod(making, 0o700)
    except OSError as error:
        raise ConfigError(f"cannot make {making}: {reason(error)}") from error
    receiver = image_transfer.Receiver(transfer, stream, "", -1)
    with layers_unpack.open_tree(f"{making}/diff") as tree:
        found = layers_unpack.unpack(receiver, tree)
    blob, size = receiver.finish()
    if not transfer.has_blob(blob):
        raise ConfigError(f"the blob {blob} was removed while it was made: try again")
    if not transfer.has_layer(found.diff_id):
        image_layers.settle(transfer.root, making, (found.diff_id, found.diff_id, blob))
    return {"digest": blob, "size": size}, found.diff_id


class Gzipped:
    """A stream, compressed as it is read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._deflate = image_new.deflater()
        self._ready = b""
        self._ended = False

    def read(self, size: int = PIECE, /) -> bytes:
        """Return at most *size* bytes, and none only at the end."""
        while not self._ready and not self._ended:
            data = self._stream.read(PIECE)
            self._ready = self._deflate.compress(data) if data else self._deflate.flush()
            self._ended = not data
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece


def _platform(text: str) -> dict[str, str]:
    """Return the fields of an image's config for "linux/arm64/v8"; this machine's for ""."""
    found = {"architecture": image_make.architecture(), "os": "linux"}
    parts = text.lower().split("/") if text else []
    if len(parts) > 3 or not all(part.replace("-", "").isalnum() for part in parts):
        raise UsageError(f'"{text}": unknown operating system or architecture: invalid argument')
    if len(parts) == 1 and parts[0] != "linux":
        parts = ["linux", *parts]
    found.update(zip(("os", "architecture", "variant"), parts, strict=False))
    if found["os"] != "linux":
        raise UsageError(f'operating system is not supported: "{found["os"]}"')
    return found
