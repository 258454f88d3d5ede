"""Do one thing to each of several containers, as docker's commands do.

Print each name that it worked for; report each that it did not, in one line, and go on.
"""

from __future__ import annotations

import os
import sys

from mini_docker import containers
from mini_docker.errors import Conflict, MiniDockerError, NotFound, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mini_docker.store import Store


LONGEST = 4096  # bytes of a report: what a pipe takes at once
AT_ONCE = 50  # as many as the docker command has under way at the same time


def each(
    store: Store,
    references: Iterable[str],
    act: Callable[[containers.Container], object],
    missing: str = "",
) -> int:
    """Call *act* with the container of each of *references*; return 0, or 1 if one failed.

    What *act* returns is printed, or the reference as it was typed if that is None. *missing*
    begins the report of a reference that names no container, or more than one: "cannot kill
    container: {0}: ".
    """
    code = 0
    for reference in references:
        try:
            answer = act(_load(store, reference, missing))
            print(reference if answer is None else answer)
        except MiniDockerError as error:
            sys.stdout.flush()
            print(f"mini-docker: {error}", file=sys.stderr)
            code = 1
    return code


def together(
    store: Store,
    references: Sequence[str],
    act: Callable[[containers.Container], object],
    missing: str = "",
) -> int:
    """Do as each() does, to all at the same time: an *act* that waits does not hold up others.

    Names are printed in the order in which they were given. What *act* returns is not.
    """
    if len(references) == 1:
        return each(store, references, act, missing)
    worst = 0
    sys.stdout.flush()
    for first in range(0, len(references), AT_ONCE):
        some = references[first : first + AT_ONCE]
        children = [_fork(store, reference, act, missing) for reference in some]
        for reference, (pid, report) in zip(some, children, strict=True):
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            worst = max(worst, 128 - code if code < 0 else code)
            if code == 0:
                print(reference, flush=True)
            _pass_on(report)
    return worst


def _load(store: Store, reference: str, missing: str) -> containers.Container:
    try:
        return containers.load(store, reference)
    except (NotFound, Conflict) as error:  # there is none, or more than one
        raise type(error)(f"{missing.format(reference)}{error}") from None


def _fork(
    store: Store, reference: str, act: Callable[[containers.Container], object], missing: str
) -> tuple[int, int]:
    """Do it in a child: it ends with 0, or with 1 after its report.

    Return its pid, and the pipe with its report: so those come in the order of the names.
    """
    mine, theirs = os.pipe()
    os.set_blocking(mine, False)
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, mine
    code = 1
    try:
        act(_load(store, reference, missing))
        code = 0
    except MiniDockerError as error:
        _report(theirs, str(error))
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        _report(theirs, f"{reference}: the kernel refused: {reason(error)}")
    except Exception as error:
        from mini_docker import swap

        told = swap.explain(error) or f"{type(error).__name__}: {error} (this is a bug)"
        _report(theirs, f"{reference}: {told}")
    finally:
        os._exit(code)


def _report(pipe: int, text: str) -> None:
    os.set_blocking(pipe, False)  # nobody reads before we have ended
    os.write(pipe, f"mini-docker: {text}\n".encode("utf-8", "surrogateescape")[:LONGEST])


def _pass_on(report: int) -> None:
    """Print what is in the pipe *report*, and close it; a monitor may hold its other end open."""
    with open(report, "rb", buffering=0) as pipe:
        os.write(2, pipe.read(LONGEST) or b"")
