"""mini-docker rm: remove containers."""

from __future__ import annotations

import sys

from mini_docker import containers, leftovers, operations_removal
from mini_docker.cli.each import each
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, Conflict, MiniDockerError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal

    from mini_docker.cli.options import Values
    from mini_docker.store import Store
else:  # the same numbers, without the cost of signal's enums
    import _signal as signal

COMMAND = Command(
    "rm",
    "Remove one or more containers",
    "mini-docker rm [OPTIONS] CONTAINER [CONTAINER...]",
    (
        Flag("force", "f", help="Force the removal of a running container (uses SIGKILL)"),
        Flag("link", "l", help="Remove the specified link"),
        Flag("volumes", "v", help="Remove anonymous volumes associated with the container"),
    ),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Remove each; with --force one that does not exist is no failure, as in docker."""
    if values.link:
        return each(store, values.arguments, _unlink)
    named = [word for word in values.arguments if word.strip("/")]
    code = 0
    if len(named) < len(values.arguments):
        code = _report(UsageError("container name cannot be empty"))
    if values.force:
        told = _kill_all(store, [word.strip("/") for word in named])
        code = max([code, *(_force(store, reference, told) for reference in named)])
    else:
        code = max([code, *(_plainly(store, word) for word in named)])
    leftovers.sweep(store)
    return code


def _kill_all(store: Store, references: list[str]) -> set[str]:
    """Kill them before the first is removed: so they end at the same time, not one by one.

    Return the ids of those whose events have been written.
    """
    told: set[str] = set()
    if len(references) < 2:
        return told
    from mini_docker import operations, operations_kill

    for reference in references:
        try:
            it = containers.load(store, reference)
            if it.running():
                operations.mark(it)
                if operations_kill.send(it, signal.SIGKILL, thaw=True):
                    told.add(it.id)
        except MiniDockerError:
            continue  # whoever removes it will meet the same, and report it
    return told


def _unlink(it: containers.Container) -> None:
    """Refuse, in Docker's words: a container's own name is no link, and links are chapter 16."""
    raise Conflict("Conflict, cannot remove the default link name of the container")


def _plainly(store: Store, word: str) -> int:
    """Remove the container *word*, around which slashes count for nothing; return the exit code."""

    def act(it: containers.Container) -> str:
        operations_removal.remove(it, force=False)
        return word

    return each(store, [word.strip("/")], act)


def _force(store: Store, word: str, told: set[str]) -> int:
    """Remove one container, running or broken; return 0, or 1 after the report of a failure.

    *word* may have slashes around it; *told* is what _kill_all() has returned.
    """
    reference = word.strip("/")
    try:
        it = containers.load(store, reference)
        operations_removal.remove(it, force=True, told=it.id in told)
    except NotFound as error:
        return _report(error, 0)
    except ConfigError as error:
        if not _is_broken(store, reference):
            return _report(error)
        print(f"mini-docker: removing it although it is broken: {error}", file=sys.stderr)
        return _remove_broken(store, reference)
    except MiniDockerError as error:
        return _report(error)
    print(word, flush=True)
    return 0


def _is_broken(store: Store, reference: str) -> bool:
    """Say whether a record of the container cannot be read."""
    try:
        containers.load(store, reference).config()
    except NotFound:
        return False
    except ConfigError:
        return True
    return False


def _remove_broken(store: Store, reference: str) -> int:
    try:
        operations_removal.remove_broken(store, reference)
    except MiniDockerError as error:
        return _report(error)
    print(reference, flush=True)
    return 0


def _report(error: MiniDockerError, code: int = 1) -> int:
    print(f"mini-docker: {error}", file=sys.stderr)
    return code
