"""mini-docker start: start containers that do not run."""

from __future__ import annotations

import sys

from mini_docker import containers, events, operations
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError, StateError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "start",
    "Start one or more stopped containers",
    "mini-docker start [OPTIONS] CONTAINER [CONTAINER...]",
    (
        Flag("attach", "a", help="Attach STDOUT/STDERR and forward signals"),
        Flag("detach-keys", "", "string", help="Override the key sequence for detaching"),
        Flag("interactive", "i", help="Attach container's STDIN"),
    ),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Start each, or one and be attached to it: then its exit code is ours."""
    attached = values.attach or values.interactive
    if attached and len(values.arguments) > 1:
        raise UsageError("you cannot start and attach multiple containers at once")
    seal(store, values.arguments)
    if attached:
        return _attached(values, containers.load(store, values.arguments[0]))
    failed = [name for name in values.arguments if not _start(store, name)]
    if failed:
        sys.stdout.flush()  # the names of those that run come first
        raise StateError(f"failed to start containers: {', '.join(failed)}")
    return 0


def seal(store: Store, references: list[str]) -> None:
    """Start ourselves anew, if that is needed for one of them, before anything is done."""
    for reference in references:
        try:
            host = containers.load(store, reference).record["HostConfig"]
        except MiniDockerError:
            continue  # whoever starts it will meet the same, and report it
        if host.get("Init") or host.get("PidMode"):
            from mini_docker.cli import creating

            creating.seal(host)


def _start(store: Store, reference: str) -> bool:
    try:
        operations.launch(containers.load(store, reference))
    except MiniDockerError as error:
        sys.stdout.flush()
        print(f"mini-docker: {error}", file=sys.stderr)
        return False
    print(reference)
    return True


def _attached(values: Values, it: containers.Container) -> int:
    """Start *it* with its streams here; one that runs already is only attached to."""
    from mini_docker import attachment, foreground, processes, swap

    swap.require("streams", what="start --attach")
    config = it.record["Config"]
    tty = bool(config.get("Tty"))
    stdin = bool(values.interactive and config.get("OpenStdin"))
    # No check(): what is piped into a terminal's `start -ai` is typed there, as with Docker.
    wish = attachment.Wish((stdin, True, True), tty, values.detach_keys)
    life = operations.begin(it)
    events.container(it, "attach")
    processes.block()
    if life is None:
        send = None if tty else attachment.signaller(it)
        return attachment.serve(attachment.connect(it, wish), wish, send, it)
    try:
        return foreground.run(it, life, wish, not tty)
    except BaseException:
        life.release()
        operations.clear(it)
        raise
