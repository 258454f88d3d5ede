"""A new image out of files: of what a container has changed (commit), or of an archive (import).

Both write one layer. Its blob comes first, its unpacked files next, and the image last, all
through a Transfer: killed at any step, there is no image, and what was written is taken away
by the next removal or `system check --repair`.
"""

from __future__ import annotations

import hashlib
import os

from mini_docker import image_lookup, image_store, images, packages, timestamps
from mini_docker.errors import ConfigError, NotFound, reason
from mini_docker.image_transfer import Transfer, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, BinaryIO

    from mini_docker.container_layers import Layers
    from mini_docker.image_lookup import Image

    Descriptor = dict[str, Any]

GATHERED = 2**18  # bytes that are compressed at a time
FIELDS = (  # of a container's config, in that of an image: config.md, and Docker's own
    "User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels",
    "StopSignal", "Healthcheck", "OnBuild", "Shell",
)  # fmt: skip
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
OCI_TYPES = {
    f"{DOCKER_LAYER}.gzip": f"{image_store.LAYER_TYPE}+gzip",
    f"{DOCKER_LAYER}.zstd": f"{image_store.LAYER_TYPE}+zstd",
    DOCKER_LAYER: image_store.LAYER_TYPE,
}


class Packed:
    """A file that compresses what is written to it; both digests are known at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._deflate = deflater()
        self._plain, self._packed = hashlib.sha256(), hashlib.sha256()
        self._waiting: list[bytes] = []
        self._length = 0
        self.size = 0  # bytes of the file

    def write(self, data: bytes) -> int:
        """Take all of *data*."""
        self._waiting.append(data)
        self._length += len(data)
        if self._length >= GATHERED:
            self._flush()
        return len(data)

    def close(self) -> tuple[str, str]:
        """Write the end; return the digest of what was written here, and of the file."""
        self._flush()
        self._put(self._deflate.flush())
        return f"sha256:{self._plain.hexdigest()}", f"sha256:{self._packed.hexdigest()}"

    def _flush(self) -> None:
        data = b"".join(self._waiting)
        self._waiting, self._length = [], 0
        self._plain.update(data)
        self._put(self._deflate.compress(data))

    def _put(self, data: bytes) -> None:
        self._packed.update(data)
        self._file.write(data)
        self.size += len(data)


def deflater() -> Any:
    """Return a fast compressor with gzip's frame, and no time in it: the same bytes each time."""
    packages.reach()
    try:
        from isal import isal_zlib
    except ImportError:
        import zlib

        return zlib.compressobj(1, wbits=31)
    return isal_zlib.compressobj(1, wbits=31)


def pack(transfer: Transfer, layers: Layers) -> tuple[Descriptor, str] | None:
    """Put what a container has changed into the store; return the layer's descriptor and diff id.

    None if it has changed nothing: an image of it needs no layer.
    """
    path = transfer.new_path("ingest")
    try:
        with open(path, "wb") as file:
            packed = Packed(file)
            if not layers.pack(packed):
                return None
            diff_id, digest = packed.close()
        layer = {"mediaType": f"{image_store.LAYER_TYPE}+gzip", "digest": digest}
        if not transfer.has_blob(digest):
            os.rename(path, image_store.blob_path(transfer.root, digest))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {reason(error)}") from error
    return {**layer, "size": packed.size}, diff_id


def child(transfer: Transfer, parent: Image | None, added: tuple[Descriptor, str] | None) -> Stack:
    """Return the stack of *parent* with the layer *added* on top, unpacked."""
    rows, diff_ids = [], []
    if parent:
        rows = [
            {**row, "mediaType": OCI_TYPES.get(row["mediaType"], row["mediaType"])}
            for row in parent.manifest["layers"]
        ]
        diff_ids = image_store.diff_ids(parent.document, parent.id)
        for row, chain in zip(rows, images.chain_ids(diff_ids), strict=True):
            transfer.has_blob(row["digest"])  # nobody removes them from now on
            transfer.has_layer(chain)
    if added:
        layer, diff_id = added
        rows, diff_ids = [*rows, layer], [*diff_ids, diff_id]
        transfer.add_layer(layer, diff_id, images.chain_ids(diff_ids))
    return Stack(rows, diff_ids)


class Stack:
    """The layers of an image: their descriptors and diff ids, the lowest first."""

    __slots__ = ("diff_ids", "rows")

    def __init__(self, rows: list[Descriptor], diff_ids: list[str]) -> None:
        self.rows = rows
        self.diff_ids = diff_ids


def register(
    transfer: Transfer, stack: Stack, document: dict[str, Any], names: list[str], parent: str = ""
) -> str:
    """Make the image of *stack* whose config is *document* but for the layers; return its id."""
    document = {**document, "rootfs": {"type": "layers", "diff_ids": stack.diff_ids}}
    config = {"mediaType": image_store.CONFIG_TYPE, **transfer.add_bytes(encode(document))}
    manifest = {
        "schemaVersion": 2,
        "mediaType": image_store.MANIFEST_TYPE,
        "config": config,
        "layers": stack.rows,
    }
    return transfer.register(encode(manifest), image_store.MANIFEST_TYPE, names, parent)


def described(
    base: dict[str, Any], config: dict[str, Any], step: dict[str, Any], author: str
) -> dict[str, Any]:
    """Return an image's config document: that of *base*, with *config* and one more *step*."""
    document = {key: base[key] for key in ("architecture", "os", "variant") if base.get(key)}
    created = timestamps.now()
    document |= {"created": created, "config": of_image(config)}
    if author:
        document["author"] = author
        step = {**step, "author": author}
    document["history"] = [*(base.get("history") or []), {"created": created, **step}]
    return document


def of_image(config: dict[str, Any]) -> dict[str, Any]:
    """Return those fields of *config* that an image has, and that say something."""
    return {key: config[key] for key in FIELDS if config.get(key)}


def names(references: Iterable[str]) -> list[str]:
    """Return the whole names of *references*, for an image that is made; "" is none."""
    return [image_lookup.target(reference) for reference in references if reference]


def base_of(root: str, id: str) -> Image | None:
    """Return the image *id* that a container was made from; None for one without an image."""
    try:
        return image_lookup.find(root, id) if id else None
    except NotFound as error:
        raise NotFound(f"the image of the container is gone: {error}") from error
