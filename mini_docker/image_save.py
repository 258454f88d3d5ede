"""Images as one archive: an OCI layout and a Docker archive at once, as modern docker writes it.

    oci-layout, index.json     for skopeo, umoci, buildah, podman: oci-archive:FILE
    manifest.json              for docker load of any age, and docker-archive:FILE
    blobs/sha256/HEX           manifests, configs, layers: each once, byte for byte as stored

Every blob's digest is computed on its way out: an archive of a store that has been damaged
is never finished. The same images make the same bytes.
"""

from __future__ import annotations

import hashlib

from mini_docker import (
    events,
    image_layers,
    image_lookup,
    image_store,
    images,
    layers_tar_write,
    records,
)
from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from mini_docker.image_lookup import Image
    from mini_docker.image_store import Descriptor
    from mini_docker.layers_tar_write import Sink

PIECE = 2**20  # bytes to copy at a time
FULL_NAME = "io.containerd.image.name"  # the whole reference; ref.name is its tag alone
FIELDS = {"mode": 0o644, "uid": 0, "gid": 0, "mtime": 0}


class Saved:
    """An image to be saved, and the names to be saved with it."""

    __slots__ = ("image", "names")

    def __init__(self, image: Image) -> None:
        self.image = image
        self.names: list[str] = []


def choose(root: str, references: Iterable[str]) -> list[Saved]:
    """Return the images that *references* name, each once, with the names that they ask for.

    A name without a tag asks for all tags of its repository, an id for none, as Docker has
    it. NotFound if one is not there.
    """
    chosen: dict[str, Saved] = {}
    everything = image_lookup.listing(root)[0]
    for reference in references:
        for image, name in _meant(root, reference, everything):
            saved = chosen.setdefault(image.id, Saved(image))
            saved.names += [name] if name and name not in saved.names else []
    return list(chosen.values())


def _meant(root: str, reference: str, everything: list[Image]) -> list[tuple[Image, str]]:
    """Return the images that *reference* means, each with a name, or "" for none."""
    try:
        parsed = images.parse(reference)
    except UsageError:  # 64 digits: an id and no name
        return [(image_lookup.find(root, reference), "")]
    if not parsed.tag and not parsed.digest:
        start = f"{parsed.domain}/{parsed.path}:"
        named = [(it, name) for it in everything for name in it.names if name.startswith(start)]
        if named:
            return named
    found = image_lookup.find(root, reference)
    return [(found, parsed.full() if parsed.full() in found.names and parsed.tag else "")]


def save(root: str, chosen: list[Saved], sink: Sink) -> None:
    """Write the archive of *chosen* to *sink*; ConfigError if a blob is not what it must be."""
    _document(sink, "oci-layout", {"imageLayoutVersion": "1.0.0"})
    manifests = [row for saved in chosen for row in _entries(saved)]
    index = {"schemaVersion": 2, "mediaType": image_store.INDEX_TYPE, "manifests": manifests}
    _document(sink, "index.json", index)
    _document(sink, "manifest.json", [_docker(saved) for saved in chosen])
    documents: dict[str, Descriptor] = {}
    layers: dict[str, Descriptor] = {}
    for saved in chosen:
        image = saved.image
        documents[image.descriptor["digest"]] = image.descriptor
        documents[image.id] = image.manifest["config"]
        layers |= {row["digest"]: row for row in image.manifest["layers"]}
    for row in (*documents.values(), *layers.values()):
        _blob(root, sink, row)
    sink.write(bytes(2 * layers_tar_write.BLOCK))
    for saved in chosen:
        events.image(root, "save", saved.image.id)


def _entries(saved: Saved) -> list[Descriptor]:
    """Return the entries of the archive's index: one per name."""
    fields = {key: saved.image.descriptor[key] for key in ("mediaType", "digest", "size")}
    rows = []
    for name in saved.names:
        annotations = {FULL_NAME: name, image_store.NAME: images.parse(name).tag}
        rows.append({**fields, "annotations": annotations})
    return rows or [fields]


def _docker(saved: Saved) -> dict[str, Any]:
    """Return the image's part of manifest.json."""
    image = saved.image
    diff_ids = image_store.diff_ids(image.document, image.id)
    layers = image.manifest["layers"]
    sources = {
        diff: {key: row[key] for key in ("mediaType", "size", "digest") if key in row}
        for diff, row in zip(diff_ids, layers, strict=True)
    }
    return {
        "Config": _path(image.id),
        "RepoTags": [images.parse(name).familiar() for name in saved.names] or None,
        "Layers": [_path(row["digest"]) for row in layers],
        "LayerSources": sources,
    }


def _path(digest: str) -> str:
    return f"blobs/sha256/{digest[7:]}"


def _document(sink: Sink, name: str, value: object) -> None:
    data = records.dump(value).encode()
    sink.write(layers_tar_write.header(name, b"0", {**FIELDS, "size": len(data)}))
    sink.write(data + bytes(-len(data) % layers_tar_write.BLOCK))


def _blob(root: str, sink: Sink, row: Descriptor) -> None:
    """Write one blob, and compare it with its name and its size."""
    digest, size = row["digest"], row["size"]
    path = image_store.blob_path(root, digest)
    sink.write(layers_tar_write.header(_path(digest), b"0", {**FIELDS, "size": size}))
    hashed, left = hashlib.sha256(), size
    try:
        with open(path, "rb", buffering=0) as file:
            while left and (piece := file.read(min(PIECE, left))):
                hashed.update(piece)
                left -= len(piece)
                sink.write(piece)
            left += len(file.read(1))
    except FileNotFoundError:
        raise ConfigError(f"the image store lacks the blob {digest}") from None
    if left or f"sha256:{hashed.hexdigest()}" != digest:
        raise ConfigError(f"the blob {digest} ({path}) is damaged: its digest is another one")
    sink.write(bytes(-size % layers_tar_write.BLOCK))


def verify(image: Image) -> list[str]:
    """Return a line for each document and layer of *image* that is not what its digest says.

    The config's diff ids are compared with what the blobs hold, by images.diff_id().
    """
    wrong = []
    rows = (image.descriptor, image.manifest["config"], *image.manifest["layers"])
    for row in rows:
        try:
            _blob(image.root, _Nowhere(), row)
        except ConfigError as error:
            wrong.append(str(error))
    diff_ids = image_store.diff_ids(image.document, image.id)
    for row, diff_id in zip(image.manifest["layers"], diff_ids, strict=True):
        wrong += _verify_layer(image.root, row, diff_id) if not wrong else []
    for chain in image_layers.stack(diff_ids):
        if not image_layers.whole(image.root, chain):
            wrong.append(f"the layer {chain} is not unpacked")
    return wrong


def _verify_layer(root: str, row: Descriptor, diff_id: str) -> list[str]:
    path = image_store.blob_path(root, row["digest"])
    try:
        with open(path, "rb") as blob:
            found = images.diff_id(blob)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    return [] if found == diff_id else [f"the layer {row['digest']} has the diff id {found}"]


class _Nowhere:
    """Where a blob goes that is only to be looked at."""

    def write(self, data: bytes, /) -> int:
        return len(data)
