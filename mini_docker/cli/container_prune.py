"""mini-docker container prune: remove all containers that do not run."""

from __future__ import annotations

import sys

from mini_docker import sizes
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.store import Store

PRUNING = ("label", "label!", "until")
COMMAND = Command(
    "container prune",
    "Remove all stopped containers",
    "mini-docker container prune [OPTIONS]",
    (
        Flag("filter", "", "filter", help='Provide filter values (e.g. "until=<timestamp>")'),
        Flag("force", "f", help="Do not prompt for confirmation"),
    ),
    maximum=0,
)
WARNING = "This will remove all stopped containers."


def execute(values: Values, store: Store) -> int:
    """Remove them, and say how much room that has made."""
    from mini_docker.cli import ask

    wanted = chooser(values.filter)
    store.prepare()
    if not values.force and not ask.sure(WARNING):
        return 0
    freed, code = remove(store, wanted)
    print(f"Total reclaimed space: {sizes.human_size(freed)}")
    sys.stdout.flush()
    return code


def remove(store: Store, wanted: Callable[[Container], bool]) -> tuple[int, int]:
    """Remove those *wanted* and print their ids; return the bytes freed and the exit code."""
    from mini_docker import events, operations_removal

    gone, freed, failed = operations_removal.prune(store, wanted)
    events.emit(store, "container", "prune", "", {"reclaimed": str(freed)})
    if gone:
        print("Deleted Containers:", *gone, "", sep="\n")
    sys.stdout.flush()
    for error in failed:
        print(f"mini-docker: {error}", file=sys.stderr)
    return freed, 1 if failed else 0


def chooser(filters: list[tuple[str, str]]) -> Callable[[Container], bool]:
    """Return what says whether a container passes *filters*; UsageError for an unknown one.

    Of several labels all must be there; one of label! keeps a container.
    moby, daemon/prune.go.
    """
    from mini_docker import container_filters, image_filters

    image_filters.check(filters, PRUNING)
    moments = [image_filters.moment(value) for name, value in filters if name == "until"]
    if len(moments) > 1:
        raise UsageError("more than one until filter specified")
    labels = [value for name, value in filters if name == "label"]
    spared = [value for name, value in filters if name == "label!"]

    def wanted(it: Container) -> bool:
        return (
            all(container_filters.has_label(it, label) for label in labels)
            and not any(container_filters.has_label(it, label) for label in spared)
            and all(container_filters.created(it) < moment for moment in moments)
        )

    return wanted
