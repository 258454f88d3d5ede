"""What a start makes in a container's files that its command did not: taken out of a layer.

A mount needs a place: an empty file for the container's own /etc/hosts, an empty directory
for /proc or the target of a --mount, with the directories above it. They were not there
before, and nobody has put anything in them: then they are no part of the layer.
"""

from __future__ import annotations

import os
import stat

from mini_docker import layers, layers_attributes, layers_options, layers_stack
from mini_docker.container_layers import DIRECTORIES, FILES
from mini_docker.errors import LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container


def clear(it: Container, targets: list[str]) -> str:
    """Take the stubs of *it* out of its upper directory: its own, and of *targets*. Return it."""
    lowers, upper, _, _ = layers_options.parse(it.config()["mounts"][0]["options"])
    wanted = {path for place in (*FILES, *DIRECTORIES, *targets) for path in _above(place)}
    root = layers_options.short(upper)
    try:
        with layers_stack.Stack(lowers) as below:
            for path in sorted(wanted, key=len, reverse=True):
                _clear(below, root, path)
    except OSError as error:
        raise LayerError(f"cannot tidy up {upper}: {reason(error)}") from error
    finally:
        os.close(root)
    return upper


def _above(path: str) -> list[str]:
    """Return the absolute *path* and all that lie above it, but "/"."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _clear(below: layers_stack.Stack, root: int, path: str) -> None:
    """Remove *path* from the layer if it is empty and says nothing that is not below already."""
    above, _, name = path.lstrip("/").rpartition("/")
    try:
        folder = layers.below(root, above)
    except OSError:
        return  # not there, or a link
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        before = below.find(path)
        if stat.S_ISDIR(status.st_mode):
            if _is_stub(folder, name, status, before):
                os.rmdir(name, dir_fd=folder)
        elif stat.S_ISREG(status.st_mode) and not status.st_size and before is None:
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    finally:
        os.close(folder)


def _is_stub(
    folder: int, name: str, status: os.stat_result, before: layers_stack.Found | None
) -> bool:
    """Say whether the directory *name* is empty, and as it was *before*, or as a start makes it."""
    place = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        if os.listdir(place):
            return False
        if before is None:
            return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)
        mark = layers_attributes.opaque(layers_attributes.confined())
        if before.kind != "directory" or layers_attributes.get(place, mark) == b"y":
            return False
        old = before.status
        return (status.st_mode, status.st_uid, status.st_gid) == (
            old.st_mode,
            old.st_uid,
            old.st_gid,
        )
    finally:
        os.close(place)
