"""mini-docker image prune: remove images that nothing uses."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "image prune",
    "Remove unused images",
    "mini-docker image prune [OPTIONS]",
    (
        Flag("all", "a", help="Remove all unused images, not just dangling ones"),
        Flag("filter", "", "filter", help='Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    maximum=0,
)
ALL = "This will remove all images without at least one container associated to them."
DANGLING = "This will remove all dangling images."


def execute(values: Values, store: Store) -> int:
    """Remove them, and say how much room that has made."""
    from mini_docker import image_filters, image_prune, sizes
    from mini_docker.cli import ask

    image_filters.check(values.filter, image_filters.PRUNING)
    store.prepare()
    if not values.force and not ask.sure(ALL if values.all else DANGLING):
        return 0
    lines, freed = image_prune.prune(store, values.all, values.filter)
    if lines:
        print("Deleted Images:")
    for line in lines:
        kind, _, what = line.partition(": ")
        print(f"{kind.lower()}: {what}")
    print(f"{chr(10) if lines else ''}Total reclaimed space: {sizes.human_size(freed)}")
    sys.stdout.flush()
    return 0
