"""mini-docker run: create a container and start it."""

from __future__ import annotations

from mini_docker import containers, settings_security, supervisor
from mini_docker.cli import creating
from mini_docker.cli.options import Command
from mini_docker.cli.run_flags import FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

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
    it, life = creating.make(values, store)
    try:
        settings_security.warn(it.record["HostConfig"], it.config())
        if values.detach:
            supervisor.detach(it, life)
            life.release()
            print(it.id)
            return 0
        return supervisor.run(it, values.interactive)
    except BaseException:
        _clean_up(it)
        raise


def _clean_up(it: containers.Container) -> None:
    """A container that never started stays, as created, unless --rm says otherwise."""
    if it.record["HostConfig"].get("AutoRemove"):
        containers.remove(it)
