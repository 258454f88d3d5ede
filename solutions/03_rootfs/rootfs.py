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
import stat

from mini_docker import rootfs_options, syscalls
from mini_docker.errors import RootfsError, reason
from mini_docker.rootfs_paths import STRICT, alias, is_directory, locate, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# A remount sets all flags anew; these are asked for again if the mount has them.
KEPT = syscalls.MS_RDONLY | syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC


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
        # The specification lets either say that it is a bind. config.md, "Mounts".
        if {"bind", "rbind"} & set(self.options):
            self.type = "bind"
        elif type == "bind":
            self.options.append("bind")


def isolate(root: str) -> None:
    """Cut this mount namespace off from the host's, and make *root* a mount.

    First mark every mount, from "/" down, as private (MS_REC with MS_PRIVATE).
    On most systems they are shared: without this step each mount and unmount in
    here happens on the host as well. Then bind *root* onto itself, with all that
    is mounted below it (MS_BIND with MS_REC): pivot_root accepts only a mount.

    Raises RootfsError: "cannot make the mounts private", or "cannot bind the
    root" and its path, with the kernel's reason(). mount_namespaces(7).
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

    rootfs_options.parse() turns a mount's options into flags, propagation and
    data. It is a bind if its flags hold MS_BIND; a bind has no type (None).

    mount_point() finds the target inside *root*, makes it if it is missing, and
    returns a descriptor; the descriptor's alias() is the path to mount on. The
    target's own name could be a link that leads out of the root.

    Two things may follow, on a descriptor opened anew with locate(), because the
    first one stands for what is below the mount now. A bind ignores those of its
    flags that are in rootfs_options.ON_REMOUNT: if there are any, _remount()
    sets them. A propagation other than 0 is one more mount call with nothing
    else in it. Close the descriptors.

    Raises RootfsError with the text of _refusal() for what the kernel refuses.
    The first refusal ends it. mount(2).
    """
    for it in mounts:
        flags, propagation, data = rootfs_options.parse(it.options)
        bind = flags & syscalls.MS_BIND
        below = mount_point(root, it)
        try:
            syscalls.mount(it.source, alias(below), None if bind else it.type, flags, data)
            later = flags & rootfs_options.ON_REMOUNT if bind else 0
            if later or propagation:
                above = locate(root, it.target)
                if later:
                    _remount(above, later)
                if propagation:
                    syscalls.mount(None, alias(above), None, propagation)
                os.close(above)
        except OSError as error:
            raise RootfsError(_refusal(it, error)) from error
        finally:
            os.close(below)


def hide(root: str, masked: Iterable[str], read_only: Iterable[str]) -> None:
    """Put *masked* paths of *root* out of sight; write-protect *read_only* ones.

    _find() opens a path, or returns None if this kernel does not have it: then
    there is nothing to do. It refuses a path with a link in it: the image would
    choose what is hidden in its place. _cover() mounts on what _find() opened.

    Cover a masked directory with an empty tmpfs, with MS_RDONLY, and any other
    masked file with a bind of the host's /dev/null. Cover a read-only path with
    itself: bind the alias() of its descriptor, with all that is mounted below it,
    and then call make_read_only(). A bind alone changes nothing about who may
    write. Close the descriptors.

    Raises RootfsError, naming the path; the helpers see to that. mount(2).
    """
    for path in masked:
        target = _find(root, path)
        if target is None:
            continue
        if is_directory(target):
            _cover(target, "tmpfs", "tmpfs", syscalls.MS_RDONLY, path)
        else:
            _cover(target, "/dev/null", None, syscalls.MS_BIND, path)
        os.close(target)
    for path in read_only:
        target = _find(root, path)
        if target is None:
            continue
        _cover(target, alias(target), None, syscalls.MS_BIND | syscalls.MS_REC, path)
        os.close(target)
        make_read_only(root, path)


def pivot(root: str) -> None:
    """Make *root* this process's "/", and let the old root go.

    Make *root* the working directory, and pivot_root(".", "."): the old root
    comes to lie on top of the new one, at the same place, so no directory has to
    be made for it. Detaching "." then takes the old root away with everything
    mounted in it (MNT_DETACH: although it is in use). End in "/" of the new root.

    Raises RootfsError, "cannot pivot to" and *root*, with the kernel's reason().
    For EINVAL (errno 22), which pivot_root has for several mistakes,
    _why_no_pivot() finds out which it was. pivot_root(2), NOTES.
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
        target = locate(root, path, resolve=STRICT)
        _remount(target, syscalls.MS_RDONLY)
        os.close(target)
    except OSError as error:
        raise RootfsError(f"cannot make {path} read-only: {reason(error)}") from error


def mount_point(root: str, it: Mount) -> int:
    """Open the place inside *root* where *it* belongs; return an O_PATH descriptor.

    What is missing of it is made: a directory, or a file if *it* binds a file. Nothing is
    made for a bind whose source does not exist: that is a RootfsError. So is a link that
    leads to the place of a proc or sysfs: the masks would not lie over what they hide.
    """
    directory = True
    what = f"{it.source} at {it.target}"
    try:
        if it.type == "bind":
            directory = stat.S_ISDIR(os.stat(it.source).st_mode)
        found = place(root, it.target, directory)
        if it.type in ("proc", "sysfs"):
            os.close(found)
            found = locate(root, it.target, resolve=STRICT)
    except OSError as error:
        why = "a link leads there" if error.errno == 40 else reason(error)  # ELOOP
        raise RootfsError(f"cannot mount {what}: {why}") from error
    return found


def _remount(target: int, flags: int) -> None:
    """Add *flags* to the mount at *target*, keeping those that it has. mount(2)."""
    flags |= os.fstatvfs(target).f_flag & KEPT  # the same bits: statvfs(3)
    flags |= syscalls.MS_REMOUNT | syscalls.MS_BIND
    syscalls.mount(None, alias(target), None, flags)


def _find(root: str, path: str) -> int | None:
    """Open *path* inside *root*; None if it is not there, RootfsError if a link leads to it."""
    try:
        return locate(root, path, resolve=STRICT)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = "it is a link" if error.errno == 40 else reason(error)  # ELOOP
        raise RootfsError(f"cannot hide {path} in the container: {why}") from error


def _cover(target: int, source: str, fstype: str | None, flags: int, path: str) -> None:
    """Mount *source* on the descriptor *target*; *path* is its name, for the RootfsError."""
    try:
        syscalls.mount(source, alias(target), fstype, flags)
    except OSError as error:
        raise RootfsError(f"cannot hide {path} in the container: {reason(error)}") from error


def _refusal(it: Mount, error: OSError) -> str:
    """Say in one line what the kernel's *error* means for the mount *it*. mount(2), ERRORS."""
    why = reason(error)
    if error.errno == 19:  # ENODEV
        why = f"this kernel has no file system called {it.type}: see /proc/filesystems"
    elif error.errno == 22:  # EINVAL
        why = f"{why.lower()}: {rootfs_options.why_invalid(it.type, it.options)}"
    return f"cannot mount {it.source} ({it.type}) at {it.target}: {why}"


def _why_no_pivot(root: str) -> str:
    """Find the reason for pivot_root's EINVAL: it has one errno for four mistakes."""
    with open("/proc/self/mountinfo") as file:  # proc(5): numbers, parent's number, ..., place
        rows = [line.split() for line in file]
    places = {row[4]: row for row in rows}  # where mounts lie on each other, the topmost
    here = os.path.realpath(root).replace("\\", "\\134").replace(" ", "\\040")
    if here not in places:
        return "it is not a mount: bind it onto itself first"
    numbers = {row[0]: row for row in rows}
    for row in (places[here], numbers.get(places[here][1], places["/"])):
        if any(word.startswith("shared:") for word in row[6 : row.index("-")]):
            return f"the mount {row[4]} is shared: make the mounts private first"
    return "the kernel refuses this root (is the present root the initial ramfs?)"
