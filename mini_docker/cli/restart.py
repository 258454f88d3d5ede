"""mini-docker restart: stop containers that run, and start them."""

from __future__ import annotations

from mini_docker import operations
from mini_docker.cli import start, stop
from mini_docker.cli.each import together
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "restart",
    "Restart one or more containers",
    "mini-docker restart [OPTIONS] CONTAINER [CONTAINER...]",
    stop.FLAGS,
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Restart all at the same time."""
    number, seconds = stop.how(values)
    start.seal(store, values.arguments)
    return together(store, values.arguments, lambda it: operations.restart(it, number, seconds))
