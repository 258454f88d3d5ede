"""mini-docker load: images out of an archive."""

from __future__ import annotations

import os
import sys

from mini_docker import images
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.image_load import Loaded
    from mini_docker.store import Store

COMMAND = Command(
    "load",
    "Load images from a tar archive, an OCI layout or STDIN",
    "mini-docker load [OPTIONS]",
    (
        Flag("input", "i", "string", help="Read from a file or a layout, instead of STDIN"),
        Flag("quiet", "q", help="Suppress the load output"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Load what the archive holds, and print each image's names, or its id."""
    from mini_docker import image_load

    store.prepare()
    if not values.input:
        if sys.stdin.isatty():
            raise UsageError("requested load from stdin, but stdin is empty")
        return _tell(image_load.load(store.root, sys.stdin.buffer))
    if os.path.isdir(values.input):
        return _tell(image_load.load(store.root, values.input))
    try:
        with open(values.input, "rb") as file:
            return _tell(image_load.load(store.root, file))
    except OSError as error:
        if error.filename != values.input:
            raise
        raise ConfigError(f"open {values.input}: {reason(error).lower()}") from error


def _tell(loaded: list[Loaded]) -> int:
    for it in loaded:
        for name, old in it.renamed:
            short = images.parse(name).familiar()
            print(f"The image {short} already exists, renaming the old one with ID {old} "
                  "to empty string")  # fmt: skip
        for name in it.names:
            print(f"Loaded image: {images.parse(name).familiar()}")
        if not it.names:
            print(f"Loaded image ID: {it.id}")
    return 0
