"""mini-docker unpause: let frozen containers run on."""

from __future__ import annotations

from mini_docker import operations_pause
from mini_docker.cli.each import each
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "unpause",
    "Unpause all processes within one or more containers",
    "mini-docker unpause CONTAINER [CONTAINER...]",
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Unpause each."""
    return each(store, values.arguments, operations_pause.unpause)
