"""mini-docker kill: send a signal to containers."""

from __future__ import annotations

from mini_docker import operations_kill
from mini_docker.cli import signals
from mini_docker.cli.each import together
from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "kill",
    "Kill one or more running containers",
    "mini-docker kill [OPTIONS] CONTAINER [CONTAINER...]",
    (Flag("signal", "s", "string", help="Signal to send to the container"),),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Send the signal to process 1 of each; SIGKILL waits, but for all at the same time."""
    number = signals.number(values.signal or "KILL")
    return together(
        store,
        values.arguments,
        lambda it: operations_kill.kill(it, number),
        missing="cannot kill container: {0}: ",
    )
