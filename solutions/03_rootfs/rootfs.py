"""The root file system: what a container sees as "/".

A mount namespace gives a process its own list of mounts, at first a copy of its
parent's. From there to a root of its own:

    private     no mount or unmount travels between the copy and the original
    bind        the new root becomes a mount, which pivot_root asks for
    mount       /proc, /sys, /dev: the files that the kernel makes
    mask        the parts of them that no container may read or write
    pivot       the new root takes the place of the old, and the old one is let go

chroot alone would change one pointer of one process and leave the old root where
any process with the right to chroot again can find it.

Chapter: chapters/03-rootfs.md
Lab:     labs/03_rootfs/
"""

from __future__ import annotations

import os

from mini_docker import rootfs_options, syscalls
from mini_docker.errors import RootfsError, reason
from mini_docker.rootfs_paths import STRICT, alias, is_directory, locate, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Mount:
    """One mount of a container: what, where inside the root, and how. mount(2)."""

    __slots__ = ("options", "source", "target", "type")

    def __init__(
        self, target: str, type: str, source: str = "none", options: Iterable[str] = ()
    ) -> None:
        self.target = target  # as the container will see it, such as "/proc"
        self.type = type  # a type of /proc/filesystems, or "bind"
        self.source = source  # for a bind: the path outside
        self.options = list(options)  # the words of mount(8), such as "nosuid"


def isolate(root: str) -> None:
    """Cut this mount namespace off from the host's, and make *root* a mount of its own.

    First mark every mount, from "/" down, as private. On most systems they are shared:
    without this step each mount and unmount in here happens on the host as well. Then
    bind *root*, with all that is mounted below it, onto itself. pivot_root accepts
    nothing but a mount.

    Raises RootfsError, naming the step. mount_namespaces(7), "SHARED SUBTREES".
    """
    try:
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    except OSError as error:
        raise RootfsError(f"cannot make the mounts private: {reason(error)}") from error
    try:
        syscalls.mount(root, root, None, syscalls.MS_BIND | syscalls.MS_REC)
    except OSError as error:
        raise RootfsError(f"cannot bind the root {root}: {reason(error)}") from error


def mount_all(root: str, mounts: Iterable[Mount]) -> None:
    """Mount each of *mounts* below *root*, in their order.

    place() finds the target inside *root* and makes it if it is missing: a directory,
    or a file if the source of a bind is no directory. Its descriptor's alias() is what
    to mount on. A name could be a link that leads out of the root.

    rootfs_options.parse() turns the options into flags, propagation and data. A bind
    ignores the flags in ON_REMOUNT. They take a second call with MS_REMOUNT added,
    on a descriptor opened anew with locate(): the first one is below the mount now.
    A propagation other than 0 is one more call with nothing else in it.

    Raises RootfsError, naming the target. mount(2).
    """
    for it in mounts:
        flags, propagation, data = rootfs_options.parse(it.options)
        bind = flags & syscalls.MS_BIND
        below = place(root, it.target, not bind or os.path.isdir(it.source))
        try:
            syscalls.mount(it.source, alias(below), None if bind else it.type, flags, data)
            above = locate(root, it.target)
            if bind and flags & rootfs_options.ON_REMOUNT:
                _remount(above, flags & rootfs_options.ON_REMOUNT)
            if propagation:
                syscalls.mount(None, alias(above), None, propagation)
            os.close(above)
        except OSError as error:
            what = f"{it.source} ({'bind' if bind else it.type}) at {it.target}"
            raise RootfsError(f"cannot mount {what}: {_why(error, it)}") from error
        finally:
            os.close(below)


def hide(root: str, masked: Iterable[str], read_only: Iterable[str]) -> None:
    """Take *masked* paths out of sight below *root*, and make *read_only* ones read-only.

    Over a masked file bind the container's own /dev/null, over a masked directory
    mount an empty tmpfs, read-only. Bind a read-only path onto itself, with all below
    it, and remount that with MS_RDONLY (_remount does). A path that this kernel does
    not have needs nothing.

    Open each target with locate() and STRICT: a link here is an attack, because the
    image would choose what is hidden in its place.

    Raises RootfsError, naming the path.
    """
    for path in masked:
        if (target := _find(root, path)) is None:
            continue
        if is_directory(target):
            flags = syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV
            _mount("tmpfs", target, "tmpfs", flags, path)
        else:
            null = locate(root, "/dev/null", resolve=STRICT)
            _mount(alias(null), target, None, syscalls.MS_BIND, path)
            os.close(null)
        os.close(target)
    for path in read_only:
        if (target := _find(root, path)) is None:
            continue
        _mount(alias(target), target, None, syscalls.MS_BIND | syscalls.MS_REC, path)
        os.close(target)
        make_read_only(root, path)


def pivot(root: str) -> None:
    """Make *root* this process's "/", and let the old root go.

    pivot_root(".", ".") from inside *root* puts the old root on top of the new one, at
    the same place: no directory has to be made for it. Detaching "." then takes the
    old root away with everything mounted in it (MNT_DETACH: although it is in use).
    End in "/" of the new root.

    Raises RootfsError with the reason that hides behind the kernel's "Invalid
    argument". pivot_root(2), NOTES.
    """
    try:
        os.chdir(root)
        syscalls.pivot_root(".", ".")
        syscalls.umount(".", syscalls.MNT_DETACH)
        os.chdir("/")
    except OSError as error:
        why = _why_no_pivot(root) if error.errno == 22 else reason(error)
        raise RootfsError(f"cannot pivot to {root}: {why}") from error


def make_read_only(root: str, path: str = "/") -> None:
    """Remount what is mounted at *path* inside *root* read-only."""
    try:
        target = locate(root, path)
        _remount(target, syscalls.MS_RDONLY)
        os.close(target)
    except OSError as error:
        raise RootfsError(f"cannot make {path} read-only: {reason(error)}") from error


def _remount(target: int, flags: int) -> None:
    """Add *flags* to the mount at *target*, keeping the flags that it has. mount(2), MS_REMOUNT."""
    has = os.fstatvfs(target).f_flag  # ST_NOSUID and so on are the same bits: statvfs(3)
    kept = has & (syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC | syscalls.MS_RDONLY)
    syscalls.mount(
        None, alias(target), None, syscalls.MS_REMOUNT | syscalls.MS_BIND | kept | flags
    )


def _find(root: str, path: str) -> int | None:
    try:
        return locate(root, path, resolve=STRICT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = "it is a link" if error.errno == 40 else reason(error)  # ELOOP
        raise RootfsError(f"cannot hide {path} in the container: {why}") from error


def _mount(source: str, target: int, fstype: str | None, flags: int, path: str) -> None:
    try:
        syscalls.mount(source, alias(target), fstype, flags)
    except OSError as error:
        raise RootfsError(f"cannot hide {path} in the container: {reason(error)}") from error


def _why(error: OSError, it: Mount) -> str:
    if isinstance(error, FileNotFoundError) and not os.path.exists(it.source):
        return f"{it.source} does not exist"
    if error.errno == 19:  # ENODEV
        return f"this kernel has no file system called {it.type}: see /proc/filesystems"
    return reason(error)


def _why_no_pivot(root: str) -> str:
    """Find the reason for pivot_root's EINVAL: it has one errno for four mistakes."""
    here = os.path.realpath(root)
    with open("/proc/self/mountinfo") as file:
        rows = [line.split() for line in file]
    points = {row[4]: row for row in rows}
    if here not in points:
        return "it is not a mount: bind it onto itself first"
    parents = {row[0]: row for row in rows}
    for row in (points[here], parents.get(points[here][1], points["/"])):
        if any(word.startswith("shared:") for word in row[6 : row.index("-")]):
            return f"the mount {row[4]} is shared: make the mounts private first"
    return "the kernel refuses this root (is the present root the initial ramfs?)"
