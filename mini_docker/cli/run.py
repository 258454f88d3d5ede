"""mini-docker run: create a container and start it."""

from __future__ import annotations

from mini_docker import supervisor, swap
from mini_docker.cli.options import Command
from mini_docker.cli.run_flags import FLAGS
from mini_docker.errors import MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.attachment_wish import Wish
    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.store import Lock, Store

COMMAND = Command(
    "run",
    "Create and run a new container from an image",
    "mini-docker run [OPTIONS] IMAGE [COMMAND] [ARG...]",
    FLAGS,
    interspersed=False,
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Run a container; return its exit code, or 0 for a detached one."""
    monitor = None
    if not (swap.locked("streams") or values.pid or values.init):
        supervisor.load()
        # First of all: it gets itself ready while we make the container.
        monitor = supervisor.Monitor()
    from mini_docker import events, foreground, settings_security
    from mini_docker.cli import creating

    wish = _wish(values)
    it, life = creating.make(values, store)
    try:
        settings_security.warn(it.record["HostConfig"], it.config())
        if values.detach:
            _detach(it, life, monitor)
            return 0
        events.container(it, "attach")
        return foreground.run(it, life, wish, values.sig_proxy, monitor)
    except BaseException:
        life.release()
        from mini_docker import operations

        operations.clear(it)
        raise


def _detach(it: Container, life: Lock, monitor: supervisor.Monitor | None) -> None:
    """Start *it*, and print its id; as docker does even if the start fails: it is there."""
    try:
        supervisor.detach(it, life, monitor)
    except MiniDockerError:
        print(it.id, flush=True)  # before the error
        raise
    print(it.id)


def _wish(values: Values) -> Wish:
    """Return which streams the caller wants; StateError if its terminal is none."""
    from mini_docker.attachment_wish import Wish
    from mini_docker.cli.run_settings import streams

    attached = streams(values)
    wish = Wish(
        (attached["AttachStdin"], attached["AttachStdout"], attached["AttachStderr"]),
        values.tty,
        values.detach_keys,
    )
    if not values.detach:
        wish.check()
    return wish
