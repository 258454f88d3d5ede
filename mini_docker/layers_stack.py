"""A stack of layers seen as overlayfs shows it, without a mount.

The layers are directories, the topmost first; a whiteout or an opaque directory in one hides
what those below it have. No mount is needed to look, so a container can run meanwhile, and it
may be hostile: it can put a link in the place of a directory at any moment. So a directory is
opened with layers.below(), through no link, and everything else is asked of one name in it.
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import layers, layers_attributes, layers_options, syscalls
from mini_docker.errors import LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
REMEMBERED = 4096  # directories whose layers are known


class Found:
    """What a stack has at a path."""

    __slots__ = ("_stack", "covers", "kind", "layer", "opaque", "path", "status", "whiteout")

    def __init__(self, stack: Stack, layer: int, path: str, status: os.stat_result) -> None:
        self._stack = stack
        self.layer = layer  # whose it is: the number of a descriptor of the stack
        self.path = path  # "/etc/passwd"
        self.status = status
        self.kind = KINDS[stat.S_IFMT(status.st_mode)]
        self.whiteout = self.kind == "char" and status.st_rdev == 0
        self.opaque = False  # a directory that hides those of its name below, by its own mark
        self.covers = False  # the same, by its own mark or by one above it

    def differs(self, before: Found) -> bool:
        """Say whether this is another file than *before*, as Docker compares them.

        Type, mode and owner count, and the capabilities; for anything but a directory size,
        modification time and device number as well. The contents are not read.
        """
        new, old = self.status, before.status
        if (new.st_mode, new.st_uid, new.st_gid) != (old.st_mode, old.st_uid, old.st_gid):
            return True
        if self.kind != "directory" and (
            (new.st_size, new.st_mtime_ns) != (old.st_size, old.st_mtime_ns)
            or new.st_rdev != old.st_rdev
        ):
            return True
        return self.kind == "file" and self._capability() != before._capability()

    def _capability(self) -> bytes | None:
        descriptor = self.open()
        try:
            place = f"/proc/self/fd/{descriptor}"
            return layers_attributes.get(place, layers_attributes.CAPABILITY)
        finally:
            os.close(descriptor)

    def open(self, flags: int = syscalls.O_PATH) -> int:
        """Open the file itself; OSError if it is gone, or something else is in its place."""
        return layers.below(self.layer, self.path.lstrip("/"), flags | os.O_NOFOLLOW)


class Stack:
    """Layers, the topmost first. With *marks*, whiteouts are shown and hide nothing."""

    __slots__ = ("_devices", "_known", "_opaque", "_open", "_path", "marks", "roots")

    def __init__(
        self, directories: Sequence[str], marks: bool = False, userxattr: bool = False
    ) -> None:
        self.roots: list[int] = []
        self._devices: dict[int, int] = {}  # of a root: the file system that it is on
        self.marks = marks
        self._opaque = layers_attributes.opaque(userxattr)
        self._known: dict[str, list[int]] = {}  # of a directory: the layers that have part in it
        self._path: str | None = None  # the directory that is open,
        self._open: list[tuple[int, int]] = []  # and of each of its layers: root, descriptor
        try:
            for path in directories:
                self.roots.append(layers_options.short(path))
                self._devices[self.roots[-1]] = os.fstat(self.roots[-1]).st_dev
        except OSError as error:
            self.close()
            raise LayerError(f"cannot open the layer {path}: {reason(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the layers."""
        self._enter(None)
        for root in self.roots:
            os.close(root)
        self.roots = []

    def find(self, path: str) -> Found | None:
        """Return what is at *path*, an absolute one without links; None if nothing is."""
        above, _, name = path.rpartition("/")
        for root, folder in self._enter(above):
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            it = Found(self, root, path, status)
            return None if it.whiteout and not self.marks else it
        return None

    def names(self, path: str) -> set[str]:
        """Return the names in the directory *path*; none if it is no directory."""
        found: set[str] = set()
        gone: set[str] = set()
        for _, folder in self._enter(path.rstrip("/")):
            with os.scandir(folder) as rows:
                for row in rows:
                    if row.name in found or row.name in gone:
                        continue
                    gone_here = not self.marks and _is_whiteout(row)
                    (gone if gone_here else found).add(row.name)
        return found

    def walk(self) -> Iterator[Found]:
        """Yield everything but "/" itself, a directory before what is in it, by name.

        What is mounted in a layer is not gone into: it belongs to another file system.
        """
        pending = [self._in("", False)]
        while pending:
            for it in pending[-1]:
                yield it
                if it.kind == "directory" and it.status.st_dev == self._devices[it.layer]:
                    pending.append(self._in(it.path, it.covers))
                    break
            else:
                pending.pop()

    def _in(self, path: str, covered: bool) -> Iterator[Found]:
        for name in sorted(self.names(path), key=os.fsencode):
            it = self.find(f"{path}/{name}")
            if it is None:
                continue  # it has gone since
            if it.kind == "directory" and self.marks:
                it.opaque = self._is_opaque(it)
                it.covers = covered or it.opaque
            yield it

    def _is_opaque(self, it: Found) -> bool:
        folder = _folder(it.layer, it.path)
        if folder is None:
            return False
        try:
            return layers_attributes.get(folder, self._opaque) == b"y"
        finally:
            os.close(folder)

    def _enter(self, path: str | None) -> list[tuple[int, int]]:
        """Open the directory *path* in every layer that has part in it; they stay ours."""
        if path == self._path and path is not None:
            return self._open
        for _, folder in self._open:
            os.close(folder)
        self._open, self._path = [], None
        if path is None:
            return []
        for root in self._roots_of(path):
            found = _folder(root, path)
            if found is not None:
                self._open.append((root, found))
        self._path = path
        return self._open

    def _roots_of(self, path: str) -> list[int]:
        """Return the layers that have part in the directory *path*, topmost first."""
        if not path:
            return self.roots
        if path not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[path] = self._search(path)
        return self._known[path]

    def _search(self, path: str) -> list[int]:
        found = []
        for root in self._roots_of(path.rpartition("/")[0]):
            folder = _folder(root, path)
            if folder is None:
                if _has(root, path):  # a file, a link or a whiteout: it hides what is below it
                    break
                continue
            found.append(root)
            hides = layers_attributes.get(folder, self._opaque) == b"y"
            os.close(folder)
            if hides:
                break
        return found


def _folder(root: int, path: str, flags: int = os.O_RDONLY | os.O_DIRECTORY) -> int | None:
    """Open the directory *path* of a layer; None if it is not there, or is none."""
    try:
        return layers.below(root, path.lstrip("/"), flags)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise LayerError(f"cannot look at {path} in a layer: {reason(error)}") from error


def _has(root: int, path: str) -> bool:
    """Say whether a layer has anything at *path*."""
    place = _folder(root, path, syscalls.O_PATH | os.O_NOFOLLOW)
    if place is not None:
        os.close(place)
    return place is not None


def _is_whiteout(row: os.DirEntry[str]) -> bool:
    if row.is_file(follow_symlinks=False) or row.is_dir(follow_symlinks=False):
        return False  # the kernel has said so with the name: no more questions
    status = row.stat(follow_symlinks=False)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
