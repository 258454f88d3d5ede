"""mini-docker pause: freeze containers."""

from __future__ import annotations

from mini_docker import operations_pause
from mini_docker.cli.each import each
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "pause",
    "Pause all processes within one or more containers",
    "mini-docker pause CONTAINER [CONTAINER...]",
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Pause each."""
    return each(store, values.arguments, operations_pause.pause)
