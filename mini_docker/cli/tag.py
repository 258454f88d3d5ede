"""mini-docker tag: give an image one more name."""

from __future__ import annotations

from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "tag",
    "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    "mini-docker tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    minimum=2,
    maximum=2,
)


def execute(values: Values, store: Store) -> int:
    """Let the second name stand for what the first one names."""
    from mini_docker import events, image_lookup, image_store, images

    source, target = values.arguments
    name = image_lookup.target(target)
    image_store.prepare(store.root)
    with image_store.lock(store.root):
        image = image_lookup.find(store.root, source)
        image_store.point(store.root, image.descriptor, [name], image.parent())
    events.image(store.root, "tag", image.id, images.parse(name).familiar())
    return 0
