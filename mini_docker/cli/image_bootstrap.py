"""mini-docker image bootstrap busybox: make an image out of what the machine has."""

from __future__ import annotations

from mini_docker import images_busybox
from mini_docker.cli.options import Command
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "image bootstrap",
    "Make an image from this machine's own programs, without a network",
    "mini-docker image bootstrap busybox",
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Make the image and print its id."""
    if values.arguments != ["busybox"]:
        raise UsageError(f"cannot bootstrap {values.arguments[0]!r}: the one there is, is busybox")
    store.prepare()
    with store.lock():
        image, new = images_busybox.bootstrap(store.root)
    print(f"{image.reference} {'made' if new else 'is there already'}: {image.id}")
    return 0
