"""A mount out of another container: the /dev/shm that ``--ipc container:NAME`` shares.

A bind takes only mounts of the caller's own namespace. So the caller steps into the other
mount namespace, copies the mount there, which gives a descriptor, and comes back with it.
In there "/" is that container's root: no link in it leads out. open_tree(2), move_mount(2).
"""

from __future__ import annotations

import os

from mini_docker import syscalls
from mini_docker.errors import RootfsError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_OPEN_TREE, _MOVE_MOUNT = 428, 429  # on every architecture
_CLONE = 1
_HERE = -100  # AT_FDCWD
_FROM_DESCRIPTOR = 4  # MOVE_MOUNT_F_EMPTY_PATH


def take(source: str) -> Callable[[str], str]:
    """Copy the mount *source*; return what mounts the copy on a directory, and returns that.

    It is mounted later: while our mounts are still shared, the host would see it.
    """
    descriptor = copy(source)

    def put(place: str) -> str:
        attach(descriptor, place)
        return place

    return put


def copy(source: str) -> int:
    """Return a descriptor of a copy of the mount *source*, such as /proc/4321/root/dev/shm.

    The caller ends in its own mount namespace, with "/" as working directory.
    """
    process, _, path = source.removeprefix("/proc/").partition("/root/")
    try:
        here = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        there = os.open(f"/proc/{process}/ns/mnt", os.O_RDONLY)
        syscalls.setns(there, syscalls.CLONE_NEWNS)
        try:
            arguments = _HERE, os.fsencode(f"/{path}"), _CLONE | os.O_CLOEXEC
            return syscalls.checked("syscall", _OPEN_TREE, *arguments)
        finally:
            syscalls.setns(here, syscalls.CLONE_NEWNS)
            os.close(here)
            os.close(there)
    except OSError as error:
        raise RootfsError(f"cannot share {source}: {reason(error)}") from error


def attach(descriptor: int, place: str) -> None:
    """Mount the copy *descriptor* on the directory *place*, and close it."""
    try:
        target = _HERE, os.fsencode(place), _FROM_DESCRIPTOR
        syscalls.checked("syscall", _MOVE_MOUNT, descriptor, b"", *target)
        os.close(descriptor)
    except OSError as error:
        raise RootfsError(f"cannot share a mount at {place}: {reason(error)}") from error
