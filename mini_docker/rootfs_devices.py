"""/dev: the nodes and links that every program expects. config-linux.md, "Default Devices"."""

from __future__ import annotations

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

    In a user namespace the kernel refuses mknod. The host's own node is then bound in
    its place: it is the same device. mknod(2), user_namespaces(7).
    """
    directory = locate(root, "/dev", resolve=STRICT)
    before = os.umask(0)
    try:
        for name, (major, minor) in NODES.items():
            try:
                device = os.makedev(major, minor)
                os.mknod(name, stat.S_IFCHR | 0o666, device, dir_fd=directory)
            except PermissionError:
                _bind(name, directory)
        for name, target in LINKS.items():
            os.symlink(target, name, dir_fd=directory)
    except OSError as error:
        raise RootfsError(f"cannot make /dev/{name}: {reason(error)}") from error
    finally:
        os.umask(before)
        os.close(directory)


def _bind(name: str, directory: int) -> None:
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    os.close(os.open(name, flags, 0o666, dir_fd=directory))
    target = os.open(name, syscalls.O_PATH | os.O_CLOEXEC, dir_fd=directory)
    try:
        syscalls.mount(f"/dev/{name}", alias(target), None, syscalls.MS_BIND)
    finally:
        os.close(target)
