"""mini-docker image inspect: all that is known of images."""

from __future__ import annotations

from mini_docker.cli import inspect
from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "image inspect",
    "Display detailed information on one or more images",
    "mini-docker image inspect [OPTIONS] IMAGE [IMAGE...]",
    (Flag("format", "f", "string", help="Format output using a Go template"),),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print what is found; report each image that is not, and end with 1 then."""
    for flag, value in (("type", "image"), ("size", False)):  # which this command does not have
        setattr(values, flag, value)
    return inspect.execute(values, store)
