"""mini-docker image graph: draw which images there are and which layers they share."""

from __future__ import annotations

from mini_docker.cli import drawing
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "image graph",
    "Draw images and the layers that they share",
    "mini-docker image graph [OPTIONS] [IMAGE...]",
    drawing.FLAGS,
)


def execute(values: Values, store: Store) -> int:
    """Draw the images that are named, or all."""
    from mini_docker import image_graph, image_lookup

    form = drawing.form(values)
    found = image_lookup.listing(store.root)[0]
    if values.arguments:
        wanted = {image_lookup.find(store.root, name).id for name in values.arguments}
        found = [image for image in found if image.id in wanted]
    drawing.write(values, image_graph.dot(found), form)
    return 0
