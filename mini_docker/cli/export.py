"""mini-docker export: a container's whole file tree as a tar archive."""

from __future__ import annotations

import sys

from mini_docker import container_layers, containers
from mini_docker.cli import output_file
from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "export",
    "Export a container's filesystem as a tar archive",
    "mini-docker export [OPTIONS] CONTAINER",
    (Flag("output", "o", "string", help="Write to a file, instead of STDOUT"),),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Write the archive to --output or to stdout, which must be no terminal."""
    it = containers.load(store, values.arguments[0])
    if not values.output:
        output_file.refuse_terminal()
        container_layers.export(it, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return 0
    with output_file.create(values.output) as file:
        container_layers.export(it, file)
    return 0
