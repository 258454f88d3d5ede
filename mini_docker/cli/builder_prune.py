"""mini-docker builder prune: forget what builds have kept to be faster next time."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "builder prune",
    "Remove build cache",
    "mini-docker builder prune [OPTIONS]",
    (
        Flag("all", "a", help="Remove all unused build cache, not just dangling ones"),
        Flag("force", "f", help="Do not prompt for confirmation"),
        # Hidden: refused below.
        Flag("filter", "", "list"),
        Flag("keep-storage", "", "size"),
    ),
    maximum=0,
)
ALL = "This will remove all build cache."
DANGLING = "This will remove all dangling build cache."


def execute(values: Values, store: Store) -> int:
    """Remove it, and say how much room that has made."""
    from mini_docker import builder_cache, builder_places, sizes
    from mini_docker.cli import ask

    for name in ("filter", "keep-storage"):
        if name in values.given:
            raise UsageError(
                f"--{name} is not supported: the cache is small records, whose images "
                "'mini-docker image prune --filter' removes"
            )
    store.prepare()
    if not values.force and not ask.sure(ALL if values.all else DANGLING):
        return 0
    builder_places.clear(store.root)
    names, freed = builder_cache.prune(store.root, values.all)
    if names:
        print("Deleted build cache objects:")
    for name in names:
        print(name)
    print(f"{chr(10) if names else ''}Total reclaimed space: {sizes.human_size(freed)}")
    sys.stdout.flush()
    return 0
