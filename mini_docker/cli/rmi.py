"""mini-docker rmi: remove images."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "rmi",
    "Remove one or more images",
    "mini-docker rmi [OPTIONS] IMAGE [IMAGE...]",
    (
        Flag("force", "f", help="Force removal of the image"),
        Flag("no-prune", "", help="Do not delete untagged parents"),
    ),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Remove what can be removed and say what; name what cannot, and end with 1 then."""
    from mini_docker import image_removal, image_store
    from mini_docker.errors import NotFound

    image_store.prepare(store.root)
    prune = not values.no_prune
    lines, failures, _ = image_removal.remove(store, values.arguments, values.force, prune)
    for line in lines:
        print(line)
    sys.stdout.flush()
    for failure in failures:
        print(f"mini-docker: {failure}", file=sys.stderr)
    missing = all(isinstance(failure, NotFound) for failure in failures)
    return 1 if failures and not (values.force and missing) else 0
