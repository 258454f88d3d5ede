"""mini-docker stop: ask containers to end, and force those that do not."""

from __future__ import annotations

from mini_docker import monitor_door
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

FLAGS = (
    Flag("signal", "s", "string", help="Signal to send to the container"),
    Flag("timeout", "t", "int", help="Seconds to wait before killing the container"),
    Flag("time", "", "int"),  # its old name
)
COMMAND = Command(
    "stop",
    "Stop one or more running containers",
    "mini-docker stop [OPTIONS] CONTAINER [CONTAINER...]",
    FLAGS,
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Stop all at the same time."""
    line = _announce(store, values.arguments[0]) if len(values.arguments) == 1 else None
    from mini_docker import operations
    from mini_docker.cli.each import together

    number, seconds = how(values)
    return together(
        store, values.arguments, lambda it: operations.stop(it, number, seconds, line=line)
    )


def _announce(store: Store, reference: str) -> socket.socket | None:
    """Tell the monitor that the end is near: it gets ready while we do."""
    try:
        return monitor_door.announce(store.run, store.find(reference))
    except MiniDockerError:
        return None  # whoever stops it will meet the same, and report it


def how(values: Values) -> tuple[int, int | None]:
    """Return the signal, 0 for the container's own, and the seconds, None for its own."""
    if {"timeout", "time"} <= values.given:
        raise UsageError("conflicting options: cannot specify both --timeout and --time")
    from mini_docker.cli import signals

    number = signals.number(values.signal) if values.signal else 0
    old = values.time if "time" in values.given else None
    return number, values.timeout if "timeout" in values.given else old
