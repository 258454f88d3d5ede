"""What a build mounts, where nobody else sees it: a mount namespace that ends with the process.

A step that writes files sees the image's layers below a new directory of its own as one tree,
as a container does: the kernel copies up, hides and resolves links, we need not. Whoever kills
us, however, takes these mounts along; on disk there is then a directory of a dead transfer,
which is taken away as any other.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager

from mini_docker import layers, layers_attributes, layers_options, syscalls, trees
from mini_docker.errors import ConfigError, KernelError, LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_docker.image_transfer import Transfer

_directory = threading.Lock()  # a mount of many layers changes the working directory meanwhile


def isolate() -> None:
    """Give this process a mount namespace of its own; before it has threads.

    Nothing that is mounted in it reaches the host, and it is gone when the process is.
    """
    try:
        syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    except OSError as error:
        raise KernelError(f"cannot make a mount namespace to build in: {reason(error)}") from error


class Workplace:
    """A directory of a *transfer* in which a layer comes to be.

    diff/ is the layer, root/ where the step sees it above what lies below. It becomes the
    layer's place in the store (image_layers.settle), or is removed.
    """

    __slots__ = ("diff", "path", "root")

    def __init__(self, transfer: Transfer) -> None:
        self.path = transfer.new_path("layers")
        self.diff, self.root = f"{self.path}/diff", f"{self.path}/root"
        try:
            os.mkdir(self.path, 0o700)
            for place, mode in ((self.diff, 0o755), (self.root, 0o755), (self.work, 0o700)):
                os.mkdir(place)
                os.chmod(place, mode)
        except OSError as error:
            raise ConfigError(f"cannot make {self.path}: {reason(error)}") from error

    @property
    def work(self) -> str:
        """Return the directory in which overlayfs prepares."""
        return f"{self.path}/work"

    def finish(self) -> None:
        """Leave nothing but diff/."""
        os.rmdir(self.root)
        trees.remove(self.work)

    def remove(self) -> None:
        """Take away all of it."""
        trees.remove(self.path)


@contextmanager
def merged(place: Workplace, lowers: list[str]) -> Iterator[str]:
    """Mount *lowers*, the topmost first, with *place* above them; yield the merged root.

    Without *lowers*, for an image from scratch, what is written goes to diff/ itself.
    """
    if not lowers:
        yield place.diff
        return
    words = [*layers_options.OPTIONS, *(["userxattr"] if layers_attributes.confined() else [])]
    with _directory:
        layers.mount(lowers, place.diff, place.work, place.root, words)
    try:
        yield place.root
    finally:
        syscalls.umount(place.root, 2)  # MNT_DETACH: a reader may still have a file open


@contextmanager
def view(transfer: Transfer, lowers: list[str]) -> Iterator[str]:
    """Yield a directory that shows *lowers*, the topmost first, as one tree, to be read only."""
    if len(lowers) == 1:
        yield lowers[0]  # nothing can be hidden in it
        return
    place = Workplace(transfer)
    try:
        if not lowers:
            yield place.diff
            return
        with merged(place, lowers) as root:
            yield root
    finally:
        place.remove()


@contextmanager
def memory(place: str) -> Iterator[None]:
    """Mount an empty file system that is kept in memory only, for secrets."""
    try:
        flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
        syscalls.mount("tmpfs", place, "tmpfs", flags, "mode=0700,size=8m")
    except OSError as error:
        raise LayerError(f"cannot mount a tmpfs at {place}: {reason(error)}") from error
    try:
        yield
    finally:
        syscalls.umount(place, 2)  # MNT_DETACH
