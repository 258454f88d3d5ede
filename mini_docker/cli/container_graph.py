"""mini-docker container graph: draw what the kernel holds for a container."""

from __future__ import annotations

from mini_docker.cli import drawing
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "container graph",
    "Draw the processes, namespaces, control group, mounts and links of a container",
    "mini-docker container graph [OPTIONS] CONTAINER",
    drawing.FLAGS,
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Draw the container that is named."""
    from mini_docker import container_graph, containers

    form = drawing.form(values)
    it = containers.load(store, values.arguments[0])
    drawing.write(values, container_graph.dot(it), form)
    return 0
