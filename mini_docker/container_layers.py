"""A container's layers: what it has changed, as a list, as a layer, and its whole tree.

Nothing is mounted for this, and a running container need not stop: what it has written is in
its directory upper/, and layers_stack.py looks through that and the image's layers as
overlayfs does.

A start makes files in upper/ that the container did not: the places where its own /etc/hosts
and the like are mounted, and /proc, /sys, /dev where the image lacks them. Docker has a layer
of its own for these, between image and container; we leave them out.
"""

from __future__ import annotations

import stat

from mini_docker import events, layers, layers_options, layers_stack
from mini_docker.errors import ConfigError
from mini_docker.layers_tar_write import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from mini_docker.containers import Container
    from mini_docker.layers_tar_write import Sink

FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
DIRECTORIES = ("/dev", "/proc", "/sys", "/etc")


class Layers:
    """The upper layer of a container, and those below it; use it in a with statement."""

    __slots__ = ("below", "hidden", "upper")

    def __init__(self, it: Container) -> None:
        """ConfigError for a container whose root is a directory of somebody's, without layers."""
        root = it.config()["mounts"][0]
        if root["type"] != "overlay":
            raise ConfigError(
                f"container {it.name()} has no layers: its root is the directory "
                f"{it.record.get('Rootfs') or root.get('source')} (--rootfs)"
            )
        lowers, upper, _, words = layers_options.parse(root["options"])
        marks = "userxattr" in words
        self.below = layers_stack.Stack(lowers, userxattr=marks)
        try:
            self.upper = layers_stack.Stack([upper], marks=True, userxattr=marks)
        except BaseException:
            self.below.close()
            raise
        self.hidden = self._mount_points()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.upper.close()
        self.below.close()

    def changes(self) -> list[tuple[str, str]]:
        """Return what the container has changed: see layers.changes()."""
        return layers.changes(self.upper, self.below, self.hidden)

    def pack(self, sink: Sink) -> int:
        """Write what the container has changed to *sink* as a layer.

        Return the bytes of it but for its end: 0 if nothing has changed.
        """
        archive = Writer(sink)
        layers.pack(self.upper, archive, self.hidden)
        total = archive.total
        archive.close()
        return total

    def _mount_points(self) -> frozenset[str]:
        """Return the paths in upper that a start has made, and nobody has touched since."""
        found: set[str] = set()
        for path in FILES:
            it = self.upper.find(path)
            if it and it.kind == "file" and not it.status.st_size and not self.below.find(path):
                found.add(path)
        for path in DIRECTORIES:
            it = self.upper.find(path)
            inside = {f"{path}/{name}" for name in self.upper.names(path)}
            if it and it.kind == "directory" and inside <= found and self._is_untouched(it):
                found.add(path)
        return frozenset(found)

    def _is_untouched(self, it: layers_stack.Found) -> bool:
        before = self.below.find(it.path)
        if before:
            return not it.differs(before)
        status = it.status
        return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)


def export(it: Container, sink: Sink) -> None:
    """Write the whole tree of the container to *sink*, without what is mounted in it."""
    root = it.config()["mounts"][0]
    directories, marks = [str(root.get("source", ""))], False
    if root["type"] == "overlay":
        lowers, upper, _, words = layers_options.parse(root["options"])
        directories, marks = [upper, *lowers], "userxattr" in words
    archive = Writer(sink)
    with layers_stack.Stack(directories, userxattr=marks) as stack:
        for found in stack.walk():
            if found.kind != "socket":
                archive.add(found, stack)
    archive.close()
    events.container(it, "export")
