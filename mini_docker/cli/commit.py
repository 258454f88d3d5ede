"""mini-docker commit: an image out of a container."""

from __future__ import annotations

from mini_docker.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "commit",
    "Create a new image from a container's changes",
    "mini-docker commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    (
        Flag("author", "a", "string", help='Author (e.g., "John Hannibal Smith <h@a.team>")'),
        Flag("change", "c", "list", help="Apply Dockerfile instruction to the created image"),
        Flag("message", "m", "string", help="Commit message"),
        Flag("pause", "p", default=True, help="Pause container during commit"),
    ),
    minimum=1,
    maximum=2,
)


def execute(values: Values, store: Store) -> int:
    """Make the image and print its id."""
    from mini_docker import containers, image_commit

    it = containers.load(store, values.arguments[0])
    asked = image_commit.Commit("".join(values.arguments[1:]), values.author, values.message)
    asked.changes, asked.pause = values.change, values.pause
    print(image_commit.commit(it, asked))
    return 0
