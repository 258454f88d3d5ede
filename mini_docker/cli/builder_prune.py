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
        Flag("filter", "", "list", help="Provide filter values (e.g. 'until=24h')"),
        Flag("keep-storage", "", "size", help="Amount of disk space to keep for cache"),
    ),
    maximum=0,
)
ALL = "This will remove all build cache."
DANGLING = "This will remove all dangling build cache."


def execute(values: Values, store: Store) -> int:
    """Remove it, and say how much room that has made."""
    from mini_docker import builder_cache, builder_places, sizes
    from mini_docker.cli import ask

    unwanted = builder_cache.Unwanted(values.all)
    unwanted.before = _before(values.filter)
    unwanted.keep = values.keep_storage or 0
    store.prepare()
    if not values.force and not ask.sure(ALL if values.all else DANGLING):
        return 0
    builder_places.clear(store.root)
    names, freed = builder_cache.prune(store.root, unwanted)
    if names:
        print("Deleted build cache objects:")
    for name in names:
        print(name)
    print(f"{chr(10) if names else ''}Total reclaimed space: {sizes.human_size(freed)}")
    sys.stdout.flush()
    return 0


def _before(filters: list[str]) -> float:
    """Return the moment that --filter until=... means, in seconds; infinity without one."""
    from mini_docker import image_filters

    found = float("inf")
    for text in filters:
        name, equals, value = text.partition("=")
        if name != "until" or not equals:
            raise UsageError(
                f"invalid filter '{text}': the records of this engine's cache have until=... alone"
            )
        found = min(found, image_filters.moment(value))
    return found
