"""mini-docker diff: what a container has changed in its files."""

from __future__ import annotations

import os
import sys

from mini_docker import container_layers, containers
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "diff",
    "Inspect changes to files or directories on a container's filesystem",
    "mini-docker diff CONTAINER",
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print a line for each change: A for what was added, C changed, D deleted."""
    with container_layers.Layers(containers.load(store, values.arguments[0])) as layers:
        changes = layers.changes()
    terminal = sys.stdout.isatty()
    for kind, path in changes:
        if terminal and not path.isprintable():  # a container's names must not steer it
            path = "".join(c if c.isprintable() else repr(c)[1:-1] for c in path)
        sys.stdout.buffer.write(os.fsencode(f"{kind} {path}\n"))
    sys.stdout.buffer.flush()
    return 0
