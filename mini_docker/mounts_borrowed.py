"""A mount out of another container: the /dev/shm that ``--ipc container:NAME`` shares.

A bind takes only mounts of the caller's own namespace. So the caller steps into the other
mount namespace, copies the mount there, which gives a descriptor, and comes back with it.
In there "/" is that container's root: no link in it leads out. open_tree(2), move_mount(2).
"""

from __future__ import annotations

import os

from mini_docker import syscalls, syscalls_mounts
from mini_docker.errors import RootfsError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


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
            return syscalls_mounts.open_tree(f"/{path}")
        finally:
            syscalls.setns(here, syscalls.CLONE_NEWNS)
            os.close(here)
            os.close(there)
    except OSError as error:
        raise RootfsError(f"cannot share {source}: {reason(error)}") from error


def attach(descriptor: int, place: str) -> None:
    """Mount the copy *descriptor* on the directory *place*, and close it."""
    try:
        syscalls_mounts.move_mount(descriptor, place)
        os.close(descriptor)
    except OSError as error:
        raise RootfsError(f"cannot share a mount at {place}: {reason(error)}") from error
