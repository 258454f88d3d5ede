"""mini-docker container graph: draw what the kernel holds for a container."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "container graph",
    "Draw the processes, namespaces, control group, mounts and links of a container",
    "mini-docker container graph [OPTIONS] CONTAINER",
    (
        Flag("format", "", "string", help="dot, svg or png (default: by the name of --output)"),
        Flag("output", "o", "string", help="Write to a file, instead of STDOUT"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Write the drawing, as the text that Graphviz reads or as Graphviz draws it."""
    from mini_docker import container_graph, containers, image_graph
    from mini_docker.cli import output_file
    from mini_docker.errors import UsageError

    ending = values.output.rpartition(".")[2]
    form = values.format or (ending if ending in image_graph.FORMATS else "dot")
    if form not in image_graph.FORMATS:
        raise UsageError(f"{form!r} is not a format: there are {', '.join(image_graph.FORMATS)}")
    if form == "png" and not values.output:
        output_file.refuse_terminal()
    it = containers.load(store, values.arguments[0])
    data = image_graph.draw(container_graph.dot(it), form)
    if not values.output:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    with output_file.create(values.output) as file:
        file.write(data)
    return 0
