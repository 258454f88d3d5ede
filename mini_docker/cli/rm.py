"""mini-docker rm: remove containers."""

from __future__ import annotations

import sys

from mini_docker import containers, operations
from mini_docker.cli.each import each
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, MiniDockerError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "rm",
    "Remove one or more containers",
    "mini-docker rm [OPTIONS] CONTAINER [CONTAINER...]",
    (Flag("force", "f", help="Force the removal of a running container (uses SIGKILL)"),),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Remove each; with --force one that does not exist is no failure, as in docker."""
    if not values.force:
        return each(store, values.arguments, lambda it: operations.remove(it, force=False))
    return max(_force(store, reference) for reference in values.arguments)


def _force(store: Store, reference: str) -> int:
    """Remove one container, running or broken; return 0, or 1 after the report of a failure."""
    try:
        containers.load(store, reference)
    except NotFound as error:
        print(f"mini-docker: {error}", file=sys.stderr)
        return 0
    except ConfigError as error:
        print(f"mini-docker: removing it although it is broken: {error}", file=sys.stderr)
        return _remove_broken(store, reference)
    except MiniDockerError:
        pass  # each() meets it as well, and reports it
    return each(store, [reference], lambda it: operations.remove(it, force=True))


def _remove_broken(store: Store, reference: str) -> int:
    try:
        operations.remove_broken(store, reference)
    except MiniDockerError as error:
        print(f"mini-docker: {error}", file=sys.stderr)
        return 1
    print(reference)
    return 0
