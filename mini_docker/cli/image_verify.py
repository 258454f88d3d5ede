"""mini-docker image verify: compare an image with its digests, byte for byte."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "image verify",
    "Compare images in the store with their digests",
    "mini-docker image verify [IMAGE...]",
)


def execute(values: Values, store: Store) -> int:
    """Print a line for each image that is whole; name what is not, and end with 1 then."""
    from mini_docker import image_lookup, image_save

    found, broken = image_lookup.listing(store.root)
    if values.arguments:
        found = [image_lookup.find(store.root, name) for name in values.arguments]
        broken = []
    wrong = [str(error) for error in broken]
    for image in found:
        name = image.reference or image.id
        lines = image_save.verify(image)
        wrong += [f"{name}: {line}" for line in lines]
        if not lines:
            count = len(image.manifest["layers"])
            layers = "1 layer" if count == 1 else f"{count} layers"
            print(f"{name}: config, {layers}: as their digests say")
    sys.stdout.flush()
    for line in wrong:
        print(f"mini-docker: {line}", file=sys.stderr)
    return 1 if wrong else 0
