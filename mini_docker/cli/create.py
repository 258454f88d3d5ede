"""mini-docker create: create a container, to be started later."""

from __future__ import annotations

from mini_docker import settings_security
from mini_docker.cli import creating
from mini_docker.cli.options import Command
from mini_docker.cli.run_flags import FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

# Flags of `run` that are about its client, and what they are for a container without one.
ELSEWHERE = {"detach": False, "detach-keys": "", "sig-proxy": True}
COMMAND = Command(
    "create",
    "Create a new container",
    "mini-docker create [OPTIONS] IMAGE [COMMAND] [ARG...]",
    tuple(flag for flag in FLAGS if flag.name not in ELSEWHERE),
    interspersed=False,
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Create the container and print its id."""
    for name, default in ELSEWHERE.items():
        setattr(values, name.replace("-", "_"), default)
    it, life = creating.make(values, store, start=False)
    settings_security.warn(it.record["HostConfig"], it.config())
    life.release()
    print(it.id)
    return 0
