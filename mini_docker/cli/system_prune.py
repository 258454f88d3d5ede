"""mini-docker system prune: remove what nothing uses: containers, images, the build cache."""

from __future__ import annotations

import sys

from mini_docker import sizes
from mini_docker.cli import container_prune
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "system prune",
    "Remove unused data",
    "mini-docker system prune [OPTIONS]",
    (
        Flag("all", "a", help="Remove all unused images not just dangling ones"),
        Flag("filter", "", "filter", help='Provide filter values (e.g. "label=<key>=<value>")'),
        Flag("force", "f", help="Do not prompt for confirmation"),
        Flag("volumes", "", help="Prune anonymous volumes"),
    ),
    maximum=0,
)
PARTS = ("all stopped containers", "all networks not used by at least one container")
DANGLING = "all dangling images"
ALL = "all images without at least one container associated to them"


def execute(values: Values, store: Store) -> int:
    """Remove them, the containers first, and say how much room all that has made."""
    from mini_docker import image_prune
    from mini_docker.cli import ask

    if values.volumes:
        raise UsageError("--volumes is not there yet: it belongs to chapter 17, volumes")
    wanted = container_prune.chooser(values.filter)
    cache = _cache(values)
    store.prepare()
    if not values.force and not ask.sure(_warning(values)):
        return 0
    freed, code = container_prune.remove(store, wanted)
    lines, more = image_prune.prune(store, values.all, values.filter)
    if lines:
        print("Deleted Images:")
        for line in lines:
            kind, _, what = line.partition(": ")
            print(f"{kind.lower()}: {what}")
        print()
    more += cache(store.root) if cache else 0
    print(f"Total reclaimed space: {sizes.human_size(freed + more)}")
    sys.stdout.flush()
    return code


def _cache(values: Values) -> Callable[[str], int] | None:
    """Return what removes the build cache below a root, and says how many bytes that has freed.

    None with a filter by label: what builds keep has none.
    """
    if any(name != "until" for name, _ in values.filter):
        return None
    from mini_docker import builder_cache, builder_places, image_filters

    unwanted = builder_cache.Unwanted(values.all)
    for _, moment in values.filter:
        unwanted.before = min(unwanted.before, image_filters.moment(moment))

    def remove(root: str) -> int:
        builder_places.clear(root)
        names, freed = builder_cache.prune(root, unwanted)
        if names:
            print("Deleted build cache objects:", *names, "", sep="\n")
        return freed

    return remove


def _warning(values: Values) -> str:
    """Return what is about to be removed, in the words of the docker command."""
    parts = [*PARTS, ALL if values.all else DANGLING]
    if _cache(values):
        parts.append("all build cache" if values.all else "unused build cache")
    text = "This will remove:\n" + "".join(f"  - {part}\n" for part in parts)
    if values.filter:
        text += "\n  Items to be pruned will be filtered with:\n"
        text += "".join(f"  - {name}={value}\n" for name, value in values.filter)
    return text
