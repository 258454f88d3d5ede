"""mini-docker images: list images."""

from __future__ import annotations

import sys
import time

from mini_docker import (
    durations,
    image_facts,
    image_filters,
    image_lookup,
    images,
    sizes,
    timestamps,
)
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.image_lookup import Image
    from mini_docker.store import Store

NONE = "<none>"
DEFAULT = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
DIGESTS = "table {{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
HEADINGS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
    "VirtualSize": "SIZE",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
    "Containers": "CONTAINERS",
}
COMMAND = Command(
    "images",
    "List images",
    "mini-docker images [OPTIONS] [REPOSITORY[:TAG]]",
    (
        Flag("all", "a", help="Show all images (default hides intermediate images)"),
        Flag("digests", "", help="Show digests"),
        Flag("filter", "f", "filter", help="Filter output based on conditions provided"),
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag("no-trunc", "", help="Don't truncate output"),
        Flag("quiet", "q", help="Only show image IDs"),
    ),
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each name of each image; report each image that cannot be read."""
    image_filters.check(values.filter, image_filters.LISTING)
    found, broken = image_lookup.listing(store.root)
    parents = image_facts.children(found)
    filters = [*values.filter, *(("reference", wanted) for wanted in values.arguments)]
    found = image_filters.select(store.root, found, filters)
    found = [it for it in found if values.all or it.names or it.id not in parents]
    digests = values.digests or ".Digest" in values.format
    named = [(it, *name) for it in found for name in names(it, digests)]
    if values.quiet and not values.format:
        table.put("".join(f"{short(it.id, values.no_trunc)}\n" for it, *_ in named))
    else:
        rows = [row(it, name, values.no_trunc) for it, *name in named]
        table.show(values.format, rows, HEADINGS, DIGESTS if values.digests else DEFAULT)
    for error in broken:
        print(f"mini-docker: {error}", file=sys.stderr)
    return 1 if broken else 0


def names(it: Image, digests: bool) -> list[tuple[str, str, str]]:
    """Return repository, tag and digest of each row that *it* fills."""
    if not it.names:
        return [(NONE, NONE, NONE)]
    tags: dict[str, list[str]] = {}
    known: dict[str, list[str]] = {}
    for name in it.names:
        parsed = images.parse(name)
        where = known if parsed.digest else tags
        where.setdefault(parsed.repository(), []).append(parsed.digest or parsed.tag)
    rows = []
    for repository, found in tags.items():
        beside = known.pop(repository, [])
        rows += [(repository, tag, d) for tag in found for d in (digests and beside) or [NONE]]
    for repository, left in known.items():
        rows += [(repository, NONE, digest) for digest in (left if digests else left[:1])]
    return rows


def row(it: Image, name: list[str], whole: bool) -> dict[str, str]:
    """Return the fields that a format may name, as Docker writes them."""
    moment, size = image_facts.created(it), sizes.human_size(image_facts.size(it))
    since, at = "N/A", "N/A"
    if moment is not None:
        since = durations.ago(time.time() - moment)
        at = timestamps.local(moment)
    return {
        "Repository": name[0],
        "Tag": name[1],
        "Digest": name[2],
        "ID": short(it.id, whole),
        "CreatedSince": since,
        "CreatedAt": at,
        "Size": size,
        "VirtualSize": size,
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
        "Containers": "N/A",
    }


def short(id: str, whole: bool = False) -> str:
    """Return an id as lists show it: its first twelve digits, or all of it."""
    return id if whole else id.removeprefix("sha256:")[:12]
