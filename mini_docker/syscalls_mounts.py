"""The system calls for mounts that are not attached anywhere yet, in the manner of syscalls.py.

mount(2) does everything by path and at once. These take it apart: copy a mount, which gives
a descriptor; change it while nobody can see it; attach it. Linux 5.2, mount_setattr 5.12.
"""

from __future__ import annotations

import os
import struct

from mini_docker import syscalls

OPEN_TREE_CLONE = 1
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_IDMAP = 0x100000

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # on every architecture
_HERE = -100  # AT_FDCWD
_EMPTY_PATH = 0x1000  # AT_EMPTY_PATH
_FROM_DESCRIPTOR = 4  # MOVE_MOUNT_F_EMPTY_PATH


def open_tree(path: str, flags: int = 0) -> int:
    """Return a descriptor of a copy of the mount at *path*; AT_RECURSIVE: and of those below it.

    open_tree(2) with OPEN_TREE_CLONE.
    """
    flags |= OPEN_TREE_CLONE | os.O_CLOEXEC
    return syscalls.checked("syscall", _OPEN_TREE, _HERE, os.fsencode(path), flags)


def move_mount(descriptor: int, path: str) -> None:
    """Attach the mount *descriptor* at *path*. move_mount(2)."""
    target = _HERE, os.fsencode(path), _FROM_DESCRIPTOR
    syscalls.checked("syscall", _MOVE_MOUNT, descriptor, b"", *target)


def mount_setattr(
    descriptor: int, attributes: int, userns: int = 0, flags: int = 0, propagation: int = 0
) -> None:
    """Set *attributes*, MOUNT_ATTR_*, of the mount *descriptor*; with AT_RECURSIVE all below too.

    *propagation* is MS_PRIVATE or the like, 0 for what it is.

    For MOUNT_ATTR_IDMAP *userns* is an open /proc/PID/ns/user: an id on the disk then appears
    as what that namespace's maps turn it into. mount_setattr(2).
    """
    argument = struct.pack("4Q", attributes, 0, propagation, userns)
    flags |= _EMPTY_PATH
    syscalls.checked("syscall", _MOUNT_SETATTR, descriptor, b"", flags, argument, len(argument))
