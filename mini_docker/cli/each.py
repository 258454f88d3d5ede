"""Do one thing to each of several containers, as docker's commands do.

Print each name that it worked for; report each that it did not, in one line, and go on.
"""

from __future__ import annotations

import sys

from mini_docker import containers
from mini_docker.errors import MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mini_docker.store import Store


def each(
    store: Store, references: Iterable[str], act: Callable[[containers.Container], object]
) -> int:
    """Call *act* with the container of each of *references*; return 0, or 1 if one failed.

    What *act* returns is printed, or the reference as it was typed if that is None.
    """
    code = 0
    for reference in references:
        try:
            answer = act(containers.load(store, reference))
            print(reference if answer is None else answer)
        except MiniDockerError as error:
            sys.stdout.flush()
            print(f"mini-docker: {error}", file=sys.stderr)
            code = 1
    return code
