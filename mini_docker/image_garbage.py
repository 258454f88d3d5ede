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
        blobs = (row, manifest["config"], *manifest["layers"])
        found.blobs.update(blob["digest"] for blob in blobs)
        found.layers.update(image_layers.stack(image_store.diff_ids(document, row["digest"])))
    for id in store.ids():
        try:
            found.layers.update(records.read(f"{store.directory(id)}/container.json")["Layers"])
        except FileNotFoundError:  # not finished, and nobody is about to: we hold the lock
            continue
        except KeyError:
            continue
    for lease in _leases(root):
        if Lock(f"{root}/oci/leases/{lease}").held():
            _read_lease(f"{root}/oci/leases/{lease}", found)
    return found


def _read_lease(path: str, found: Needed) -> None:
    with open(path, encoding="ascii") as file:
        for line in file:
            kind, _, digest = line.strip().partition(" ")
            (found.layers if kind == "layer" else found.blobs).add(digest)


def unneeded(store: Store) -> Swept:
    """Return what a sweep would take away now; the caller holds the store's lock."""
    root, keep, found = store.root, needed(store), Swept()
    for name in _list(f"{root}/oci/blobs/sha256"):
        if f"sha256:{name}" not in keep.blobs:
            found.blobs.append(f"sha256:{name}")
            found.bytes += os.path.getsize(f"{root}/oci/blobs/sha256/{name}")
    for name in _list(f"{root}/layers"):
        chain = f"sha256:{name}"
        if not name.startswith(".") and chain not in keep.layers:
            found.layers.append(chain)
            try:
                found.bytes += int(image_layers.record(root, chain)["Size"])
            except MiniDockerError:
                continue  # its size is not known, and it goes all the same
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
