"""mini-docker wait: block until containers stop, then print their exit codes."""

from __future__ import annotations

from mini_docker import operations_wait
from mini_docker.cli.each import each
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "wait",
    "Block until one or more containers stop, then print their exit codes",
    "mini-docker wait CONTAINER [CONTAINER...]",
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print the exit code of each, in the order given."""
    return each(store, values.arguments, operations_wait.wait)
