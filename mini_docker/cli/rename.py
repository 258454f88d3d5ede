"""mini-docker rename: give a container another name."""

from __future__ import annotations

from mini_docker import containers, operations
from mini_docker.cli.options import Command
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "rename",
    "Rename a container",
    "mini-docker rename CONTAINER NEW_NAME",
    minimum=2,
    maximum=2,
)


def execute(values: Values, store: Store) -> int:
    """Rename it; nothing is printed."""
    old, new = (word.strip() for word in values.arguments)
    if not old or not new:
        raise UsageError("Neither old nor new names may be empty")
    operations.rename(containers.load(store, old), new.removeprefix("/"))
    return 0
