"""mini-docker rm: remove containers."""

from __future__ import annotations

import sys

from mini_docker import containers, operations
from mini_docker.cli.each import each
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, NotFound

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
    references = values.arguments
    if values.force:
        references = [name for name in references if not _settled(store, name)]
    return each(store, references, lambda it: operations.remove(it, values.force))


def _settled(store: Store, reference: str) -> bool:
    """Say whether nothing is left to do: there is no such container, or it was a broken one."""
    try:
        containers.load(store, reference)
    except NotFound as error:
        print(f"mini-docker: {error}", file=sys.stderr)
        return True
    except ConfigError as error:
        print(f"mini-docker: removing it although it is broken: {error}", file=sys.stderr)
        operations.remove_broken(store, reference)
        print(reference)
        return True
    return False
