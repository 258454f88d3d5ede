"""Remove the images that nothing uses, and say what the store holds that could go.

Used is an image that a container was made from, or that another image was built upon.
"""

from __future__ import annotations

from mini_docker import (
    events,
    image_facts,
    image_filters,
    image_garbage,
    image_removal,
    image_store,
)
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.image_lookup import Image
    from mini_docker.store import Store


def prune(store: Store, everything: bool, filters: image_filters.Filters) -> tuple[list[str], int]:
    """Remove images without a name, or with *everything* all that no container uses.

    *filters* narrow that down. Returns lines as `rmi` prints them, and the bytes freed.
    """
    filters, everything = _without_dangling(filters, everything)
    image_store.prepare(store.root)
    lines: list[str] = []
    with image_store.lock(store.root):
        removal = image_removal.Removal(store, force=True, prune=True)
        wanted = image_filters.select(store.root, list(removal.images.values()), filters)
        for image in wanted:
            if removable(removal, image, everything):
                removal.take(image)
        if removal.lines:
            removal.write()
        swept = image_garbage.sweep(store)
    swept.finish()
    events.emit(store, "image", "prune", "", {"reclaimed": str(swept.bytes)})
    lines = image_removal.told([(removal.lines, removal.gone)], set(swept.layers))
    return lines, swept.bytes


def removable(removal: image_removal.Removal, image: Image, everything: bool) -> bool:
    """Say whether nothing needs *image*, which nobody has taken yet."""
    if image.id not in removal.images or removal.users.get(image.id):
        return False
    if not everything and image.names:
        return False
    return not image_facts.children(list(removal.images.values())).get(image.id)


def _without_dangling(
    filters: image_filters.Filters, everything: bool
) -> tuple[image_filters.Filters, bool]:
    """Return the filters but dangling, which asks for the same as --all, the other way round."""
    from mini_docker import strconv

    rest = []
    for name, value in filters:
        if name != "dangling":
            rest.append((name, value))
            continue
        try:
            everything = not strconv.boolean(value)
        except ValueError:
            raise UsageError(f"invalid filter 'dangling={value}'") from None
    return rest, everything


class Usage:
    """What the images take on the disk, in bytes."""

    __slots__ = ("active", "blobs", "layers", "reclaimable", "total")

    def __init__(self) -> None:
        self.total = 0  # images
        self.active = 0  # images that a container was made from
        self.layers = 0  # unpacked, each once
        self.blobs = 0
        self.reclaimable = 0  # of layers and blobs


def usage(store: Store) -> Usage:
    """Return what the images take, and what `image prune -a` would free."""
    found = Usage()
    with image_store.reading(store.root) as _:
        removal = image_removal.Removal(store, force=True, prune=True)
        found.total = len(removal.images)
        used = [it for it in removal.images.values() if removal.users.get(it.id)]
        found.active = len(used)
        layers = image_garbage.layer_sizes(store.root)
        blobs = image_garbage.blob_sizes(store.root)
        found.layers, found.blobs = sum(layers.values()), sum(blobs.values())
        keep = image_garbage.Needed()
        for image in used:
            image_garbage.add(keep, image.descriptor, image.manifest, image.document)
        image_garbage.add_containers(keep, store)
        found.reclaimable = sum(size for id, size in layers.items() if id not in keep.layers)
        found.reclaimable += sum(size for id, size in blobs.items() if id not in keep.blobs)
    return found


def shared(found: list[Image]) -> dict[str, tuple[int, int]]:
    """Return, by image id, the bytes of its layers that other images have too, and its own."""
    owners: dict[str, int] = {}
    for image in found:
        for chain in image.chain_ids():
            owners[chain] = owners.get(chain, 0) + 1
    parts = {}
    for image in found:
        both = zip(image.chain_ids(), image_facts.layer_sizes(image), strict=True)
        rows = [(owners[chain] > 1, size) for chain, size in both]
        parts[image.id] = (
            sum(size for common, size in rows if common),
            sum(size for common, size in rows if not common),
        )
    return parts
