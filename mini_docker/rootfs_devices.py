"""/dev: the nodes and links that every program expects. config-linux.md, "Default Devices"."""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import syscalls
from mini_docker.errors import RootfsError, reason
from mini_docker.rootfs_paths import STRICT, alias, locate, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# name: major and minor number. mem(4), tty(4).
NODES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
    "ptmx": "pts/ptmx",
}


def make_devices(root: str, nodes: Iterable[dict[str, Any]] = ()) -> None:
    """Put the default nodes and links into the tmpfs that is mounted at /dev in *root*.

    The tmpfs is new, so what has a name in it already is a mount that the user asked
    for, such as a device of the host's: it stays. Then make *nodes*, entries of
    linux.devices of config.json, at their paths.

    Raises RootfsError, naming what could not be made.
    """
    name = ""
    before = os.umask(0)
    try:
        directory = locate(root, "/dev", resolve=STRICT)
        there = set(os.listdir(alias(directory)))
        for name in NODES.keys() - there:
            device = stat.S_IFCHR | 0o666, os.makedev(*NODES[name])
            _node(name, directory, device, f"/dev/{name}")
        for name in LINKS.keys() - there:
            os.symlink(LINKS[name], name, dir_fd=directory)
        os.close(directory)
        for row in nodes:
            _add(root, row)
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else reason(error)
        what = f"make /dev/{name}" if name else "use /dev"
        raise RootfsError(f"cannot {what} in {root}: {why}") from error
    finally:
        os.umask(before)


def _add(root: str, row: dict[str, Any]) -> None:
    """Make the device *row* of linux.devices in *root*.

    Its directory is made if it is missing. A file of the image's in its place would pass for
    the device: that is a refusal, also of a link.
    """
    path = row["path"]
    parent, _, name = path.rpartition("/")
    if parent == "/dev" and (name in NODES or name in LINKS):
        return
    kind = stat.S_IFBLK if row["type"] == "b" else stat.S_IFCHR
    device = kind | row.get("fileMode", 0o666), os.makedev(row["major"], row["minor"])
    directory = place(root, parent or "/", directory=True)
    try:
        if _node(name, directory, device, row.get("source", path)):
            owner = row.get("uid", 0), row.get("gid", 0)
            os.chown(name, *owner, dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if not (error.errno == errno.EEXIST and _is_there(name, directory, device)):
            why = "something else is there" if error.errno == errno.EEXIST else reason(error)
            raise RootfsError(f"cannot make the device {path}: {why}") from error
    finally:
        os.close(directory)


def _is_there(name: str, directory: int, device: tuple[int, int]) -> bool:
    """Say whether *name* is the device already, such as by a mount that the user asked for."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    return (stat.S_IFMT(status.st_mode), status.st_rdev) == (stat.S_IFMT(device[0]), device[1])


def _node(name: str, directory: int, device: tuple[int, int], source: str) -> bool:
    """Make *device*, mode and number, or bind the host's, *source*, where mknod is refused.

    The kernel refuses it in a user namespace. Return whether the node is our own: a bound
    one is the host's, and so is its owner. mknod(2), user_namespaces(7).
    """
    try:
        os.mknod(name, device[0], device[1], dir_fd=directory)
    except PermissionError:
        _bind(name, directory, source)
        return False
    return True


def _bind(name: str, directory: int, source: str) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o666, dir_fd=directory))
    target = os.open(name, syscalls.O_PATH | os.O_CLOEXEC, dir_fd=directory)
    try:
        syscalls.mount(source, alias(target), None, syscalls.MS_BIND)
    finally:
        os.close(target)
