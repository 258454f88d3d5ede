"""Images out of an archive: Docker's, old and new, or an OCI layout, whoever wrote it.

The archive is taken in (image_spool.py) and read (image_archive.py). Then the images go into
the store one after the other, their layers by digest (image_transfer.py). A Docker archive
has no manifests: we write one.
"""

from __future__ import annotations

import hashlib
import os

from mini_docker import events, image_archive, image_layers, image_store, image_streams
from mini_docker.errors import ConfigError, MiniDockerError
from mini_docker.image_spool import Spool, decode
from mini_docker.image_transfer import Transfer, encode, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.image_archive import Listed
    from mini_docker.image_store import Descriptor
    from mini_docker.image_streams import Source

COMPRESSED = {"gzip": "+gzip", "zstd": "+zstd", "": ""}


class Loaded:
    """An image that has been loaded: its id, its names, and what lost a name by that."""

    __slots__ = ("id", "names", "renamed")

    def __init__(self, id: str, names: list[str], renamed: list[tuple[str, str]]) -> None:
        self.id = id
        self.names = names  # whole references
        self.renamed = renamed  # name, and the id of the image that had it


def load(root: str, source: Source | str) -> list[Loaded]:
    """Load all images of the archive *source*, a stream or the path of a layout's directory.

    ConfigError or LayerError, naming what is wrong, for what is no such archive, is damaged or
    hostile. What has been loaded before the error stays.
    """
    with Transfer(root) as transfer:
        spool = Spool(transfer)
        if isinstance(source, str):
            spool.fill_from(source)
        else:
            spool.fill(source)
        found = image_archive.listing(spool)
        loaded = []
        for it in found:
            loaded.append(_load_one(transfer, spool, it))
            events.image(root, "load", loaded[-1].id)
        return loaded


def _load_one(transfer: Transfer, spool: Spool, it: Listed) -> Loaded:
    """Bring one image into the store, layer by layer, and give it its names."""
    if it.descriptor:
        manifest = image_archive.blob(spool, it.descriptor)
        found = decode(manifest, f"the manifest {it.descriptor['digest']}")
        if not isinstance(found, dict):
            raise ConfigError(f"{it.descriptor['digest']} is not the manifest of an image")
        found = image_store.check_manifest(found, it.descriptor["digest"])
        config, rows = image_archive.blob(spool, found["config"]), found["layers"]
        files = [image_archive.file_of(row) for row in rows]
        media_type = str(found.get("mediaType") or image_store.MANIFEST_TYPE)
    else:
        manifest, media_type = b"", image_store.MANIFEST_TYPE
        config, files, rows = spool.text(it.config), it.layers, [None] * len(it.layers)
    id = f"sha256:{hashlib.sha256(config).hexdigest()}"
    document = decode(config, f"the config {id}")
    if not isinstance(document, dict):
        raise ConfigError(f"the config {id} is not a JSON object")
    diff_ids = image_layers.check_config(document, id)
    if len(diff_ids) != len(files) or len(files) > image_store.LAYERS_MOST:
        raise ConfigError(f"the image {id} has {len(files)} layers and {len(diff_ids)} diff ids")
    layers = _layers(transfer, spool, (files, rows, diff_ids))
    described = {"mediaType": image_store.CONFIG_TYPE, **transfer.add_bytes(config)}
    if not manifest:
        manifest = encode(
            {
                "schemaVersion": 2,
                "mediaType": media_type,
                "config": described,
                "layers": layers,
            }
        )
    renamed = _renamed(transfer.root, id, it.names)
    transfer.register(manifest, media_type, it.names)
    return Loaded(id, it.names, renamed)


def _layers(
    transfer: Transfer, spool: Spool, parts: tuple[list[str], list[Any], list[str]]
) -> list[Descriptor]:
    """Bring the layers into the store, the lowest first; return their descriptors."""
    files, rows, diff_ids = parts
    chain = image_layers.stack(diff_ids)
    layers = []
    for place, (name, row, diff_id) in enumerate(zip(files, rows, diff_ids, strict=True)):
        row = row or _known(transfer, chain[place])
        there = row and transfer.has_layer(chain[place]) and transfer.has_blob(row["digest"])
        if row and there and sound(transfer.root, row["digest"]):
            layers.append(row)
            continue  # a damaged blob is replaced below
        path = spool.path(name)
        stack = chain[: place + 1]
        row = row or _described(path)
        transfer.take_layer(row, diff_id, stack, path)
        spool.moved(name, image_store.blob_path(transfer.root, row["digest"]))
        layers.append(row)
    return layers


def _known(transfer: Transfer, chain: str) -> Descriptor | None:
    """Return the blob that the layer *chain* was unpacked from, if both are here."""
    if not transfer.has_layer(chain):
        return None
    try:
        digest = image_store.checked(image_layers.record(transfer.root, chain).get("Blob"))
    except MiniDockerError:
        return None
    if not transfer.has_blob(digest) or not sound(transfer.root, digest):
        return None
    return _described(image_store.blob_path(transfer.root, digest), digest)


def _described(path: str, digest: str = "") -> Descriptor:
    """Return a descriptor for the layer in the file *path*."""
    with open(path, "rb") as file:
        kind = image_streams.kind_of(file.read(6))
        file.seek(0)
        digest = digest or f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    if kind not in COMPRESSED:
        raise ConfigError(f"the layer {digest} is compressed with {kind}, which no manifest allows")
    media_type = f"{image_store.LAYER_TYPE}{COMPRESSED[kind]}"
    return {"mediaType": media_type, "digest": digest, "size": os.path.getsize(path)}


def _renamed(root: str, id: str, names: list[str]) -> list[tuple[str, str]]:
    """Return which of *names* stand for another image than *id* now, and for which."""
    found = []
    for row in image_store.entries(root):
        if image_store.name_of(row) in names:
            try:
                old = image_store.manifest(root, row["digest"])["config"]["digest"]
            except MiniDockerError:
                continue
            if old != id:
                found.append((image_store.name_of(row), old))
    return found
