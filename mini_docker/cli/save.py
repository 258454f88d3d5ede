"""mini-docker save: images as an archive."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "save",
    "Save one or more images to a tar archive (streamed to STDOUT by default)",
    "mini-docker save [OPTIONS] IMAGE [IMAGE...]",
    (Flag("output", "o", "string", help="Write to a file, instead of STDOUT"),),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Write the archive to --output or to stdout, which must be no terminal."""
    from mini_docker import image_save
    from mini_docker.cli import output_file

    if not values.output:
        output_file.refuse_terminal()
    chosen = image_save.choose(store.root, values.arguments)
    if not values.output:
        image_save.save(store.root, chosen, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return 0
    with output_file.create(values.output) as file:
        image_save.save(store.root, chosen, file)
    return 0
