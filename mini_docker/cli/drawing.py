"""The options of the commands that draw: --format and --output."""

from __future__ import annotations

import os
import sys

from mini_docker.cli.options import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values

FLAGS = (
    Flag("format", "", "string", help="dot, svg or png (default: by the name of --output)"),
    Flag("output", "o", "string", help="Write to a file, instead of STDOUT"),
)
TEXT = dict.fromkeys(("", "gv", "txt"), "dot")  # what ends like this is to be text


def form(values: Values) -> str:
    """Return the format that is asked for, or that the output's name ends in, or dot.

    Raises UsageError for one that does not exist, and for a picture that would go to a terminal.
    """
    from mini_docker import image_graph
    from mini_docker.cli import output_file
    from mini_docker.errors import UsageError

    ending = os.path.splitext(values.output)[1][1:]
    chosen: str = values.format or TEXT.get(ending, ending)
    if chosen not in image_graph.FORMATS:
        raise UsageError(f"{chosen!r} is not a format: there are {', '.join(image_graph.FORMATS)}")
    if chosen == "png" and not values.output:
        output_file.refuse_terminal()
    return chosen


def write(values: Values, dot: str, chosen: str) -> None:
    """Write the drawing, as the text that Graphviz reads or as Graphviz draws it."""
    from mini_docker import image_graph
    from mini_docker.cli import output_file

    data = image_graph.draw(dot, chosen)
    if values.output:
        with output_file.create(values.output) as file:
            file.write(data)
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
