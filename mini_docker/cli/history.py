"""mini-docker history: how an image came to be, step by step."""

from __future__ import annotations

import time

from mini_docker import durations, image_facts, image_lookup, sizes, timestamps
from mini_docker.cli import images as listed
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.gotemplate.quoting import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.image_lookup import Image
    from mini_docker.store import Store

MISSING = "<missing>"  # the image of a step that is not in this store
LONGEST = 45  # characters of a step's command, and of its comment
DEFAULT = "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"
HEADINGS = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}
COMMAND = Command(
    "history",
    "Show the history of an image",
    "mini-docker history [OPTIONS] IMAGE",
    (
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag("human", "H", default=True, help="Print sizes and dates in human readable format"),
        Flag("no-trunc", "", help="Don't truncate output"),
        Flag("quiet", "q", help="Only show image IDs"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print a row for each step, the newest first."""
    image = image_lookup.find(store.root, values.arguments[0])
    steps = list(zip(_ids(store, image), image_facts.history(image), strict=False))
    if values.quiet and not values.format:
        ids = (id if id == MISSING else listed.short(id, values.no_trunc) for id, _ in steps)
        table.put("".join(f"{id}\n" for id in ids))
    else:
        table.show(values.format, [row(*step, values) for step in steps], HEADINGS, DEFAULT)
    return 0


def _ids(store: Store, image: Image) -> list[str]:
    """Return the id of the image at each step: ours at the first, its parent's at the parent's."""
    known = {it.id: it for it in image_lookup.listing(store.root)[0]}
    ids = [MISSING] * max(1, len(image_facts.history(image)))
    total, it = len(ids), image
    while it:
        ids[total - max(1, len(image_facts.history(it)))] = it.id
        above = known.pop(it.parent(), None)
        if above is None or len(image_facts.history(above)) > total:
            break
        it = above
    return ids


def row(id: str, step: dict[str, Any], values: Values) -> dict[str, str]:
    """Return the fields that a format may name."""
    created = image_facts.moment(step.get("created"))
    at = since = "N/A"
    if created is not None:
        at = timestamps.local_rfc3339(created)
        since = durations.ago(time.time() - created) if values.human else at
    told, comment = str(step.get("created_by", "")), str(step.get("comment", ""))
    told = told.replace("\t", " ")
    if "json" not in values.format:  # there a string has escapes of its own
        told, comment = printable(told), printable(comment)
    return {
        "ID": id if id == MISSING else listed.short(id, values.no_trunc),
        "CreatedSince": since,
        "CreatedAt": at,
        "CreatedBy": told if values.no_trunc else _cut(told),
        "Size": sizes.human_size(step["Size"]) if values.human else str(step["Size"]),
        "Comment": comment if values.no_trunc else _cut(comment),
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
