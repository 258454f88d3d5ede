"""The directory that a layer is unpacked to, and what can be made in it.

It is new and belongs to nobody else: what is in it came out of the archive, and may be
hostile. So no path is followed from outside: enter() opens a directory through no link, and
all else is done to one name in it. A directory that the archive does not mention before its
files is made with the owner and mode that it has in the layers below.

Every change in a directory changes its modification time. enter() notes it, and gives it
back when the work goes on elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import layers, layers_attributes, syscalls, trees
from mini_docker.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from mini_docker.layers_stack import Stack
    from mini_docker.layers_tar import Entry, Reader

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
NODES = {"char": stat.S_IFCHR, "block": stat.S_IFBLK, "fifo": stat.S_IFIFO}
MAKE, SKIP, REFUSE = "make", "skip", "refuse"  # what to do with the node of a device


class Tree:
    """A new directory: the root of a layer while that is unpacked."""

    __slots__ = ("_folder", "_gid", "_path", "_setgid", "_time", "_uid", "below", "devices",
                 "opaque", "owners", "root", "userxattr")  # fmt: skip

    def __init__(
        self,
        directory: str,
        below: Stack | None = None,
        devices: str = MAKE,
        userxattr: bool = False,
        owners: bool = True,
    ) -> None:
        """*below* are the layers that this one will lie on; without *owners* all is the caller's.

        With *userxattr*, for root of a user namespace, overlayfs's marks are attributes that
        a user may set (as the mount option of that name has it).
        """
        self.root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.below = below
        self.devices = devices
        self.userxattr = userxattr
        self.opaque = layers_attributes.opaque(userxattr)
        self.owners = owners
        self._uid, self._gid = os.geteuid(), os.getegid()  # new files have these anyway
        self._folder, self._path = self.root, ""
        self._note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        os.close(self.root)

    def enter(self, path: str) -> int:
        """Return a descriptor of the directory *path*, made if it is missing; it stays ours.

        OSError, as of layers.below(), if something that is no directory is on the way.
        """
        if path != self._path:
            self._leave()
            try:
                self._folder = layers.below(self.root, path) if path else self.root
            except (FileNotFoundError, NotADirectoryError):
                self._make_missing(path)
                self._folder = layers.below(self.root, path)
            self._path = path
            self._note()
        return self._folder

    def make(self, folder: int, name: str, entry: Entry, archive: Reader) -> None:
        """Make *entry* as *name* in *folder*, in the place of what has that name already."""
        if entry.kind in ("char", "block") and self.devices != MAKE:
            if self.devices == REFUSE:
                raise LayerError(f"cannot unpack {entry.name!r}: devices are not allowed here")
            return
        try:
            self._make(folder, name, entry, archive)
        except FileExistsError:
            if not self._replace(folder, name, entry.kind):
                self._dress(folder, name, entry, fresh=False)
                return
            self._make(folder, name, entry, archive)

    def make_root(self, entry: Entry) -> None:
        """Give the root directory what *entry* says of it."""
        if entry.kind != "directory":
            raise LayerError(f"cannot unpack {entry.name!r}: the root is a directory")
        self._dress(self.root, ".", entry, fresh=False)
        self._note()

    def link(self, folder: int, name: str, above: str, last: str) -> None:
        """Make *name* in *folder* another name of the file *last* in the directory *above*."""
        source = layers.below(self.root, above)
        try:
            if not last:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            there = os.stat(last, dir_fd=source, follow_symlinks=False)
            try:
                os.link(last, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                if os.path.samestat(there, os.stat(name, dir_fd=folder, follow_symlinks=False)):
                    return
                self._replace(folder, name, "link")
                os.link(last, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
        finally:
            os.close(source)

    def make_whiteout(self, folder: int, name: str) -> None:
        """Hide what the layers below have as *name*; what this layer has there stays."""
        try:
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=folder)
        except FileExistsError:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                self._hide(folder, name)

    def make_opaque(self, folder: int) -> None:
        """Hide everything that the layers below have in *folder*."""
        os.setxattr(folder, self.opaque, b"y")

    def _hide(self, folder: int, name: str) -> None:
        os.setxattr(f"/proc/self/fd/{folder}/{name}", self.opaque, b"y", follow_symlinks=False)

    def _make(self, folder: int, name: str, entry: Entry, archive: Reader) -> None:
        kind = entry.kind
        if kind == "file":
            self._make_file(folder, name, entry, archive)
            return
        if kind == "directory":
            os.mkdir(name, 0o700, dir_fd=folder)
        elif kind == "symlink":
            os.symlink(entry.target, name, dir_fd=folder)
        else:
            os.mknod(name, NODES[kind] | 0o600, os.makedev(*entry.device), dir_fd=folder)
        self._dress(folder, name, entry)

    def _make_file(self, folder: int, name: str, entry: Entry, archive: Reader) -> None:
        descriptor = os.open(name, NEW_FILE, 0o600, dir_fd=folder)
        try:
            archive.copy(entry, descriptor)
            if self._foreign(entry):
                self._give(entry.uid, entry.gid, descriptor)  # first: it takes setuid bits away
            os.fchmod(descriptor, entry.mode)
            if entry.xattrs:
                layers_attributes.write(descriptor, entry.xattrs, self.userxattr)
            os.utime(descriptor, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(descriptor)

    def _dress(self, folder: int, name: str, entry: Entry, fresh: bool = True) -> None:
        """Give *name*, no regular file, the owner, mode, attributes and time of *entry*."""
        if self._foreign(entry) or (self.owners and not fresh):
            self._give(entry.uid, entry.gid, name, folder)
        if entry.kind != "symlink":
            os.chmod(name, entry.mode, dir_fd=folder)
        if entry.xattrs:
            it = os.open(name, syscalls.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                layers_attributes.write(f"/proc/self/fd/{it}", entry.xattrs, self.userxattr)
            finally:
                os.close(it)
        times = entry.mtime, entry.mtime
        os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)

    def _foreign(self, entry: Entry) -> bool:
        """Say whether *entry* belongs to somebody else than a new file does."""
        same = entry.uid == self._uid and entry.gid == self._gid and not self._setgid
        return self.owners and not same

    def _give(self, uid: int, gid: int, place: int | str, folder: int | None = None) -> None:
        layers_attributes.give(uid, gid, place, folder, lenient=self.userxattr)

    def _replace(self, folder: int, name: str, kind: str) -> bool:
        """Remove what has the *name* of a new file of this *kind*; not a directory for another."""
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=folder)
            if kind == "directory" and _is_whiteout(status):
                os.mkdir(name, 0o700, dir_fd=folder)  # it was hidden before it was made anew
                self._hide(folder, name)
                return False
            return True
        if kind == "directory":
            return False
        trees.remove(f"/proc/self/fd/{folder}/{name}")
        return True

    def _make_missing(self, path: str) -> None:
        """Make the directories of *path* that are missing, or marked as removed."""
        done = ""
        for name in path.split("/"):
            folder = layers.below(self.root, done)
            done = f"{done}/{name}" if done else name
            before = os.fstat(folder)
            try:
                if self._make_one(folder, name, done):
                    os.utime(folder, ns=(before.st_mtime_ns, before.st_mtime_ns))
            finally:
                os.close(folder)

    def _make_one(self, folder: int, name: str, path: str) -> bool:
        try:
            os.mkdir(name, dir_fd=folder)
        except FileExistsError:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not _is_whiteout(status):
                return False
            self._replace(folder, name, "directory")
        os.chmod(name, 0o755, dir_fd=folder)
        before = self.below.find(f"/{path}") if self.below else None
        if before and before.kind == "directory":
            old = before.status
            if self.owners:
                self._give(old.st_uid, old.st_gid, name, folder)
            os.chmod(name, stat.S_IMODE(old.st_mode), dir_fd=folder)
            os.utime(name, ns=(old.st_mtime_ns, old.st_mtime_ns), dir_fd=folder)
        return True

    def _note(self) -> None:
        status = os.fstat(self._folder)
        self._time = status.st_mtime_ns
        self._setgid = bool(status.st_mode & stat.S_ISGID)

    def _leave(self) -> None:
        """Close the directory that we are in, with the modification time that it had."""
        os.utime(self._folder, ns=(self._time, self._time))
        if self._folder != self.root:
            os.close(self._folder)
        self._folder, self._path = self.root, ""


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
