"""mini-docker container inspect: all that is known of containers."""

from __future__ import annotations

from mini_docker.cli import inspect
from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "container inspect",
    "Display detailed information on one or more containers",
    "mini-docker container inspect [OPTIONS] CONTAINER [CONTAINER...]",
    (Flag("format", "f", "string", help="Format output using a Go template"), inspect.SIZE),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print what is found; report each container that is not, and end with 1 then."""
    setattr(values, "type", "container")  # noqa: B010  a flag that this command does not have
    return inspect.execute(values, store)
