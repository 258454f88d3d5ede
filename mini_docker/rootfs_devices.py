"""/dev: the nodes and links that every program expects. config-linux.md, "Default Devices"."""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import syscalls
from mini_docker.errors import RootfsError, reason
from mini_docker.rootfs_paths import STRICT, alias, locate

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


def make_devices(root: str) -> None:
    """Put the default nodes and links into the tmpfs that is mounted at /dev in *root*.

    The tmpfs is new, so what has a name in it already is a mount that the user asked
    for, such as a device of the host's: it stays.

    Raises RootfsError, naming what could not be made.
    """
    name = ""
    before = os.umask(0)
    try:
        directory = locate(root, "/dev", resolve=STRICT)
        there = set(os.listdir(alias(directory)))
        for name in NODES.keys() - there:
            _node(name, directory)
        for name in LINKS.keys() - there:
            os.symlink(LINKS[name], name, dir_fd=directory)
        os.close(directory)
    except OSError as error:
        why = "it is a link" if error.errno == errno.ELOOP else reason(error)
        what = f"make /dev/{name}" if name else "use /dev"
        raise RootfsError(f"cannot {what} in {root}: {why}") from error
    finally:
        os.umask(before)


def _node(name: str, directory: int) -> None:
    """Make the device *name*, or bind the host's, which is the same, where mknod is refused.

    The kernel refuses it in a user namespace. mknod(2), user_namespaces(7).
    """
    try:
        os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(*NODES[name]), dir_fd=directory)
    except PermissionError:
        _bind(name, directory)


def _bind(name: str, directory: int) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o666, dir_fd=directory))
    target = os.open(name, syscalls.O_PATH | os.O_CLOEXEC, dir_fd=directory)
    try:
        syscalls.mount(f"/dev/{name}", alias(target), None, syscalls.MS_BIND)
    finally:
        os.close(target)
