"""What the image store needs no more, found and taken away.

Needed is what an entry of the index leads to, what a container was made of, and what a
living transfer has asked for (image_transfer.py). A sweep finds that out and removes the
rest while it holds the store's lock, so nothing can come to be needed in between. A layer
leaves its place by a rename; its files are removed when the lock is free again.
"""

from __future__ import annotations

import os
from functools import partial

from mini_docker import image_layers, image_store, records, trees
from mini_docker.errors import ConfigError, MiniDockerError, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from mini_docker.image_store import Descriptor
    from mini_docker.store import Store


class Needed:
    """The blobs and the layers that must stay, by digest and by chain id."""

    __slots__ = ("blobs", "layers")

    def __init__(self) -> None:
        self.blobs: set[str] = set()
        self.layers: set[str] = set()


class Swept:
    """What a sweep took away: chain ids of layers, bytes of them and of blobs."""

    __slots__ = ("blobs", "bytes", "gone", "layers", "lease")

    def __init__(self) -> None:
        self.layers: list[str] = []
        self.blobs: list[str] = []
        self.bytes = 0
        self.gone: list[str] = []  # directories that wait for finish()
        self.lease: Lock | None = None  # they are ours to remove while it is held

    def finish(self) -> None:
        """Remove the files of the layers; the store's lock need not be held."""
        try:
            for path in self.gone:
                trees.remove(path)
        finally:
            if self.lease:
                image_store.end_lease(self.lease)


def needed(store: Store) -> Needed:
    """Return what must stay; the caller holds the store's lock.

    ConfigError, naming it, for an image or a container whose files cannot be read: nobody
    knows what it needs.
    """
    found, root = Needed(), store.root
    for row in image_store.entries(root):
        try:
            manifest = image_store.manifest(root, row["digest"])
            document = image_store.document(root, manifest["config"]["digest"])
        except MiniDockerError as error:
            raise ConfigError(f"cannot tell what may be removed: {error}") from None
        add(found, row, manifest, document)
    add_containers(found, store)
    for lease in _leases(root):
        if Lock(f"{root}/oci/leases/{lease}").held():
            _read_lease(f"{root}/oci/leases/{lease}", found)
    return found


def add(found: Needed, row: Descriptor, manifest: dict[str, Any], document: dict[str, Any]) -> None:
    """Add what the image of the index's *row* needs."""
    blobs = (row, manifest["config"], *manifest["layers"])
    found.blobs.update(blob["digest"] for blob in blobs)
    found.layers.update(image_layers.stack(image_store.diff_ids(document, row["digest"])))


def add_containers(found: Needed, store: Store) -> None:
    """Add the layers of all containers: they stay, even where the image was removed by force."""
    for id in store.ids():
        path = f"{store.directory(id)}/container.json"
        try:
            record = records.read(path)
        except FileNotFoundError:  # not finished, and nobody is about to: we hold the lock
            continue
        layers = record.get("Layers", []) if isinstance(record, dict) else None
        if not isinstance(layers, list):
            raise ConfigError(f"cannot tell what may be removed: {path} is damaged")
        found.layers.update(map(str, layers))


def _read_lease(path: str, found: Needed) -> None:
    with open(path, encoding="ascii") as file:
        for line in file:
            kind, _, digest = line.strip().partition(" ")
            (found.layers if kind == "layer" else found.blobs).add(digest)


def unneeded(store: Store) -> Swept:
    """Return what a sweep would take away now; the caller holds the store's lock."""
    root, keep, found = store.root, needed(store), Swept()
    for blob, size in blob_sizes(root).items():
        if blob not in keep.blobs:
            found.blobs.append(blob)
            found.bytes += size
    for chain, size in layer_sizes(root).items():
        if chain not in keep.layers:
            found.layers.append(chain)
            found.bytes += size
    return found


def blob_sizes(root: str) -> dict[str, int]:
    """Return the bytes of each blob, by digest."""
    folder = f"{root}/oci/blobs/sha256"
    return {f"sha256:{name}": os.path.getsize(f"{folder}/{name}") for name in _list(folder)}


def layer_sizes(root: str) -> dict[str, int]:
    """Return the bytes of the files of each layer, by chain id; 0 where nobody noted them."""
    found = {}
    for name in _list(f"{root}/layers"):
        if not name.startswith("."):
            chain = f"sha256:{name}"
            try:
                found[chain] = int(image_layers.record(root, chain)["Size"])
            except MiniDockerError:
                found[chain] = 0
    return found


def sweep(store: Store) -> Swept:
    """Take away what is not needed; the caller holds the store's lock, then calls finish()."""
    root, found = store.root, unneeded(store)
    try:
        for blob in found.blobs:
            os.unlink(f"{root}/oci/blobs/sha256/{blob[7:]}")
        if found.layers:
            found.lease = image_store.lease(root)
        for chain in found.layers:
            owner = os.path.basename(found.lease.path) if found.lease else ""
            gone = f"{root}/layers/.gone-{owner}.{len(found.gone)}"
            os.rename(f"{root}/layers/{chain[7:]}", gone)
            found.gone.append(gone)
    except OSError as error:
        where = f"{error.filename}: {reason(error)}"
        raise ConfigError(f"cannot clear the image store: {where}") from error
    for _, remedy in list(leftovers(root)):
        remedy()
    return found


def leftovers(root: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a line and a remedy for each thing that a killed transfer or removal has left.

    Whoever calls a remedy holds the store's lock; a lease is made under it.
    """
    living = set()
    for lease in _leases(root):
        path = f"{root}/oci/leases/{lease}"
        if Lock(path).held():
            living.add(lease)
        else:
            yield f"{path} is a lease of nobody", partial(remove, path)
    for place in ("oci/ingest", "layers"):
        for name in _list(f"{root}/{place}"):
            path = f"{root}/{place}/{name}"
            owner = name.removeprefix(".making-").removeprefix(".gone-").partition(".")[0]
            if owner in living or (place == "layers" and not name.startswith(".")):
                continue
            what = "half removed" if name.startswith(".gone-") else "never finished"
            yield f"{path} was {what}", partial(remove, path)


def clear(root: str) -> None:
    """Remove what leftovers() finds."""
    with image_store.lock(root):
        for _, remedy in list(leftovers(root)):
            remedy()


def remove(path: str) -> None:
    """Remove the file or the tree at *path*; it may be gone already."""
    if os.path.isdir(path) and not os.path.islink(path):
        trees.remove(path)
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _leases(root: str) -> list[str]:
    return _list(f"{root}/oci/leases")


def _list(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
