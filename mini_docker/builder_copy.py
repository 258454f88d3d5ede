"""Copy sources to their place, in the root of a step: types, modes, times, links and holes.

Each file is made anew in a directory that is open, under a name in it: what the image has
there, a link say, cannot lead the copy elsewhere. Owners are root's unless --chown says
otherwise; files of an image keep theirs.
"""

from __future__ import annotations

import os
import stat

from mini_docker import builder_place, builder_walk, layers, layers_attributes, layers_sparse
from mini_docker.builder_select import FOLDER
from mini_docker.errors import ConfigError, LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.builder import Ignore
    from mini_docker.builder_place import Place
    from mini_docker.builder_select import Item, Root, Source

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PIECE = 2**20


class Manner:
    """How to copy: the flags of COPY and ADD."""

    __slots__ = ("excluded", "mode", "owner", "parents")

    def __init__(self) -> None:
        self.owner: tuple[int, int] | None = None  # --chown, resolved
        self.mode = ""  # --chmod
        self.parents = False
        self.excluded: Ignore | None = None


class Copier:
    """Copies from *from_* to below the directory *root*."""

    def __init__(self, from_: Root, root: str, manner: Manner) -> None:
        self._from = from_
        self._root = root
        self._manner = manner
        self._links: dict[tuple[int, int], tuple[str, str]] = {}
        self._kept = layers_attributes.confined()

    def copy(self, source: Source, destination: str) -> None:
        """Copy *source* to the absolute path *destination*, by the rules of builder_place."""
        owner = self._manner.owner or (0, 0)
        if self._manner.parents:
            kept = f"{source.parents}/{source.name if source.directory else ''}".strip("/")
            destination = f"{destination.rstrip('/')}/{kept}".rstrip("/") + "/"
        directory = source.directory or destination.endswith("/")
        try:
            with builder_place.find(self._root, destination, directory, owner) as place:
                self._copy(source, place)
        except OSError as error:
            what = error.filename if isinstance(error.filename, str) else source.name
            raise ConfigError(f"cannot copy {what} to {destination}: {reason(error)}") from error

    def _copy(self, source: Source, place: Place) -> None:
        self._links.clear()
        folders = [("", place.folder)]  # of the destination; the first one is the place's
        times: list[tuple[int, int]] = []
        try:
            for item in builder_walk.walk(self._from, source, self._manner.excluded):
                if not source.directory:
                    self._make(item, place.folder, place.name or source.name)
                    continue
                above = item.path.rpartition("/")[0]
                while folders[-1][0] != above:
                    _leave(folders.pop()[1], times.pop())
                folder = folders[-1][1]
                if stat.S_ISDIR(item.status.st_mode):
                    folders.append((item.path, self._make_directory(item, folder)))
                    times.append((item.status.st_atime_ns, item.status.st_mtime_ns))
                else:
                    self._make(item, folder, item.name)
        finally:
            while len(folders) > 1:
                _leave(folders.pop()[1], times.pop() if times else (0, 0))

    def _make_directory(self, item: Item, folder: int) -> int:
        """Make the directory *item*, or take the one that is there; return it, open."""
        _check(item.name)
        try:
            os.mkdir(item.name, 0o700, dir_fd=folder)
        except FileExistsError:
            before = os.stat(item.name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(before.st_mode):
                raise ConfigError(f"cannot copy to non-directory: {item.path}") from None
        found = os.open(item.name, FOLDER, dir_fd=folder)
        self._dress(item, found)
        return found

    def _make(self, item: Item, folder: int, name: str) -> None:
        """Make *item*, no directory, as *name* in *folder*, in the place of what is there."""
        _check(name)
        before = builder_place.has(folder, name)
        if before and stat.S_ISDIR(before.st_mode):
            raise ConfigError(f"cannot overwrite the directory {name} with a file")
        if before:
            os.unlink(name, dir_fd=folder)
        mode = item.status.st_mode
        if stat.S_ISREG(mode):
            self._make_file(item, folder, name)
        elif stat.S_ISLNK(mode):
            os.symlink(os.readlink(item.name, dir_fd=item.folder), name, dir_fd=folder)
            os.chown(name, *self._owner(item), dir_fd=folder, follow_symlinks=False)
            self._set_time(item, folder, name)
        elif stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and not item.status.st_rdev):
            return  # no archive can hold the one; the other is a mark of a removal
        else:
            os.mknod(name, stat.S_IFMT(mode) | 0o600, item.status.st_rdev, dir_fd=folder)
            os.chown(name, *self._owner(item), dir_fd=folder, follow_symlinks=False)
            os.chmod(name, builder_place.mode(self._manner.mode, item.status), dir_fd=folder)
            self._set_time(item, folder, name)

    def _make_file(self, item: Item, folder: int, name: str) -> None:
        status = item.status
        inode = status.st_dev, status.st_ino
        if status.st_nlink > 1 and self._link(inode, folder, name):
            return
        source = os.open(item.name, builder_walk.FILE, dir_fd=item.folder)
        try:
            target = os.open(name, NEW, 0o600, dir_fd=folder)
            try:
                _pour(source, target, os.fstat(source))
                if self._from.foreign:
                    layers_attributes.write(target, layers_attributes.read(source), self._kept)
                self._dress(item, target)
                os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
            finally:
                os.close(target)
        finally:
            os.close(source)
        if status.st_nlink > 1:
            path = os.readlink(f"/proc/self/fd/{folder}")
            self._links[inode] = (path, name)

    def _link(self, inode: tuple[int, int], folder: int, name: str) -> bool:
        """Make *name* another name of a file that has been copied; say whether that worked."""
        if inode not in self._links:
            return False
        path, old = self._links[inode]
        try:
            above = os.open(path, FOLDER)
        except OSError:
            return False
        try:
            os.link(old, name, src_dir_fd=above, dst_dir_fd=folder, follow_symlinks=False)
        except OSError:
            return False
        finally:
            os.close(above)
        return True

    def _dress(self, item: Item, descriptor: int) -> None:
        """Give a file or a directory its owner and mode; the owner first: it takes bits away."""
        os.fchown(descriptor, *self._owner(item))
        os.fchmod(descriptor, builder_place.mode(self._manner.mode, item.status))

    def _owner(self, item: Item) -> tuple[int, int]:
        if self._manner.owner:
            return self._manner.owner
        return (item.status.st_uid, item.status.st_gid) if self._from.foreign else (0, 0)

    def _set_time(self, item: Item, folder: int, name: str) -> None:
        times = item.status.st_atime_ns, item.status.st_mtime_ns
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)


def _leave(folder: int, times: tuple[int, int]) -> None:
    """Close a directory that is complete, and give it its times."""
    os.utime(folder, ns=times)
    os.close(folder)


def _check(name: str) -> None:
    if name.startswith(layers.WHITEOUT):
        raise LayerError(f"cannot copy {name}: a name like this stands for a removal in a layer")


def _pour(source: int, target: int, status: os.stat_result) -> None:
    """Copy the data of *source* to *target*, which is new; holes stay holes."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(22, "it has become another kind of file")
    pieces = layers_sparse.data_map(source, status)
    if pieces is None and status.st_size <= PIECE:
        while data := os.read(source, PIECE):
            _write(target, data)
        return
    for offset, length in [(0, status.st_size)] if pieces is None else pieces:
        os.lseek(target, offset, os.SEEK_SET)
        while length and (done := os.sendfile(target, source, offset, length)):
            offset, length = offset + done, length - done
    if pieces is not None:
        os.ftruncate(target, status.st_size)


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
