"""mini-docker image graph: draw which images there are and which layers they share."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "image graph",
    "Draw images and the layers that they share",
    "mini-docker image graph [OPTIONS] [IMAGE...]",
    (
        Flag("format", "", "string", help="dot, svg or png (default: by the name of --output)"),
        Flag("output", "o", "string", help="Write to a file, instead of STDOUT"),
    ),
)


def execute(values: Values, store: Store) -> int:
    """Write the drawing, as the text that Graphviz reads or as Graphviz draws it."""
    from mini_docker import image_graph, image_lookup
    from mini_docker.cli import output_file
    from mini_docker.errors import UsageError

    ending = values.output.rpartition(".")[2]
    form = values.format or (ending if ending in image_graph.FORMATS else "dot")
    if form not in image_graph.FORMATS:
        raise UsageError(f"{form!r} is not a format: there are {', '.join(image_graph.FORMATS)}")
    if form == "png" and not values.output:
        output_file.refuse_terminal()
    found = image_lookup.listing(store.root)[0]
    if values.arguments:
        wanted = {image_lookup.find(store.root, name).id for name in values.arguments}
        found = [image for image in found if image.id in wanted]
    data = image_graph.draw(image_graph.dot(found), form)
    if not values.output:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    with output_file.create(values.output) as file:
        file.write(data)
    return 0
