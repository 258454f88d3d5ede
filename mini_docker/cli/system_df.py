"""mini-docker system df: what images, containers and the cache of builds take on the disk."""

from __future__ import annotations

from mini_docker import containers, image_layers, sizes
from mini_docker.cli import images as listed
from mini_docker.cli import ps, table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.store import Store

DEFAULT = "table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}"
HEADINGS = {
    "Type": "TYPE",
    "TotalCount": "TOTAL",
    "Active": "ACTIVE",
    "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}
IMAGES = (
    "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t"
    "{{.UniqueSize}}\t{{.Containers}}"
)
CONTAINERS = (
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t"
    "{{.Status}}\t{{.Names}}"
)
COMMAND = Command(
    "system df",
    "Show disk usage",
    "mini-docker system df [OPTIONS]",
    (
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag("verbose", "v", help="Show detailed information on space usage"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each kind of thing, or with -v a row for each image and container."""
    if values.verbose:
        if values.format:
            raise UsageError("the verbose and the format options conflict")
        _details(store)
        return 0
    rows = [_images(store), _containers(store), _cache(store)]
    table.show(values.format, rows, HEADINGS, DEFAULT)
    return 0


def _images(store: Store) -> dict[str, str]:
    from mini_docker import image_prune

    found = image_prune.usage(store)
    counts = found.total, found.active
    return _row("Images", counts, found.layers + found.blobs, found.reclaimable)


def _containers(store: Store) -> dict[str, str]:
    found = containers.listing(store)[0]
    rows = [(it.alive(), _written(it)) for it in found]
    counts = len(rows), sum(running for running, _ in rows)
    idle = sum(size for running, size in rows if not running)
    return _row("Containers", counts, sum(size for _, size in rows), idle)


def _cache(store: Store) -> dict[str, str]:
    from mini_docker import builder_cache

    count, size = builder_cache.usage(store.root)
    return _row("Build Cache", (count, 0), size, size)


def _row(kind: str, counts: tuple[int, int], size: int, reclaimable: int) -> dict[str, str]:
    share = f" ({reclaimable * 100 // size}%)" if size else ""
    return {
        "Type": kind,
        "TotalCount": str(counts[0]),
        "Active": str(counts[1]),
        "Size": sizes.human_size(size),
        "Reclaimable": f"{sizes.human_size(reclaimable)}{share}",
    }


def _written(it: Container) -> int:
    """Return the bytes that a container has written to its own layer; 0 if that is gone."""
    try:
        return image_layers.size(f"{it.store.directory(it.id)}/upper")
    except FileNotFoundError:
        return 0


def _details(store: Store) -> None:
    from mini_docker import image_lookup, image_prune

    found = image_lookup.listing(store.root)[0]
    alone = image_prune.shared(found)
    existing = containers.listing(store)[0]
    rows: list[dict[str, Any]] = []
    for image in found:
        users = sum(it.record.get("Image") == image.id for it in existing)
        common, own = alone[image.id]
        for name in listed.names(image, digests=False):
            row = listed.row(image, list(name), whole=False)
            row |= {"SharedSize": sizes.human_size(common), "UniqueSize": sizes.human_size(own)}
            rows.append({**row, "Containers": str(users)})
    table.put("Images space usage:\n\n")
    table.show("", rows, listed.HEADINGS, IMAGES)
    table.put("\nContainers space usage:\n\n")
    headings = {**ps.HEADINGS, "Size": "SIZE"}
    named = ps.names(store.root)
    lines = [
        {**ps.row(it, False, named), "Size": sizes.human_size(_written(it))} for it in existing
    ]
    table.show("", lines, headings, CONTAINERS)
    blobs = image_prune.usage(store).blobs
    table.put(f"\nBlobs of the images, beside their unpacked files: {sizes.human_size(blobs)}\n")
