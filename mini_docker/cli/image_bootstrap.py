"""mini-docker image bootstrap: make an image out of what the machine has."""

from __future__ import annotations

from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.image_make import Recipe
    from mini_docker.store import Store

NAMES = ("busybox", "hello-world", "debian")
COMMAND = Command(
    "image bootstrap",
    "Make an image from this machine's own programs, without a registry",
    "mini-docker image bootstrap [OPTIONS] busybox|hello-world|debian",
    (
        Flag("mirror", "", "string", help="debian: take the packages from this archive"),
        Flag("suite", "", "string", help="debian: the release, such as bookworm"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Make the image and print its id."""
    from mini_docker import image_make

    store.prepare()
    it = recipe(values)
    id, new = image_make.make(store.root, it)
    name = it.names[0].removeprefix("docker.io/library/")
    print(f"{name} {'made' if new else 'is there already'}: {id}")
    return 0


def recipe(values: Values) -> Recipe:
    """Return how to make the image that the command line names."""
    name = values.arguments[0]
    if name not in NAMES:
        raise UsageError(f"cannot bootstrap {name!r}: there are {', '.join(NAMES)}")
    if name == "debian":
        from mini_docker import images_debian

        return images_debian.recipe(values.suite, values.mirror)
    if values.suite or values.mirror:
        raise UsageError(f"--suite and --mirror are for debian, not for {name}")
    if name == "hello-world":
        from mini_docker import images_hello

        return images_hello.recipe()
    from mini_docker import images_busybox

    return images_busybox.recipe()
