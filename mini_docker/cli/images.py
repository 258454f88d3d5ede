"""mini-docker images: list images."""

from __future__ import annotations

import os
import sys
import time

from mini_docker import durations, images, sizes
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.timestamps import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.images import Image
    from mini_docker.store import Store

DEFAULT = "table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
HEADINGS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
}
COMMAND = Command(
    "images",
    "List images",
    "mini-docker images [OPTIONS] [REPOSITORY[:TAG]]",
    (
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag("no-trunc", "", help="Don't truncate output"),
        Flag("quiet", "q", help="Only show image IDs"),
    ),
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each image."""
    found = images.listing(store.root)
    for wanted in values.arguments:
        found = [it for it in found if wanted in (it.reference, it.reference.partition(":")[0])]
    if values.quiet and not values.format:
        for it in found:
            print(_id(it, values.no_trunc))
    else:
        rows = [row(it, values.no_trunc) for it in found]
        table.show(values.format, rows, HEADINGS, DEFAULT)
    sys.stdout.flush()
    return 0


def row(it: Image, whole: bool) -> dict[str, str]:
    """Return the fields that a format may name, as Docker writes them."""
    name, _, tag = it.reference.partition(":")
    return {
        "Repository": name,
        "Tag": tag,
        "ID": _id(it, whole),
        "CreatedSince": durations.ago(time.time() - seconds(it.created)),
        "CreatedAt": it.created.replace("T", " ").rstrip("Z") + " +0000 UTC",
        "Size": sizes.human_size(size(it)),
    }


def size(it: Image) -> int:
    """Return the bytes of all regular files of *it*, a file with several names once."""
    seen: dict[tuple[int, int], int] = {}
    for layer in it.layers():
        for directory, _, names in os.walk(layer):
            for name in names:
                status = os.lstat(f"{directory}/{name}")
                seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def _id(it: Image, whole: bool) -> str:
    return it.id if whole else it.id.removeprefix("sha256:")[:12]
