"""Paths inside a root that may be hostile: nothing here follows a link out of it.

An image can hold ``/proc -> /etc`` or ``/dev -> /../../dev``. The kernel itself
resolves such a path as if the root were "/" already, when openat2 is told
RESOLVE_IN_ROOT; the descriptor it returns then stands for the place, whatever
happens to the names. openat2(2).
"""

from __future__ import annotations

import os
import stat

from mini_docker import syscalls
from mini_docker.errors import RootfsError, reason

RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
STRICT = RESOLVE | syscalls.RESOLVE_NO_SYMLINKS


def locate(root: str, path: str, flags: int = syscalls.O_PATH, resolve: int = RESOLVE) -> int:
    """Open *path* as a process with the root directory *root* would see it; return a descriptor.

    Raises OSError: ENOENT if it is not there, ELOOP if *resolve* forbids a link on the
    way. The caller closes the descriptor.
    """
    base = os.open(root, syscalls.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return syscalls.openat2(base, path, flags, resolve)
    finally:
        os.close(base)


def place(root: str, path: str, directory: bool) -> int:
    """Open *path* inside *root*, making what is missing of it; return an O_PATH descriptor.

    The last part is made as a directory, or as an empty file if *directory* is false.
    Raises RootfsError if something of another type is in the way.
    """
    try:
        return _typed(locate(root, path), path, directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RootfsError(f"cannot use {path} in {root}: {reason(error)}") from error
    parent, name = os.path.split(path.rstrip("/"))
    above = place(root, parent or "/", directory=True)
    try:
        if directory:
            os.mkdir(name, 0o755, dir_fd=above)
        else:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o644, dir_fd=above))
    except FileExistsError:  # a link whose target is missing
        raise RootfsError(f"cannot use {path} in {root}: it is a dangling link") from None
    except OSError as error:
        raise RootfsError(f"cannot make {path} in {root}: {reason(error)}") from error
    finally:
        os.close(above)
    return locate(root, path)


def alias(descriptor: int) -> str:
    """Return a path for mount(2) that stands for *descriptor*, whatever its names are."""
    return f"/proc/self/fd/{descriptor}"


def is_directory(descriptor: int) -> bool:
    """Say whether *descriptor* is open on a directory."""
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def _typed(descriptor: int, path: str, directory: bool) -> int:
    if is_directory(descriptor) == directory:
        return descriptor
    os.close(descriptor)
    wrong, right = ("file", "directory") if directory else ("directory", "file")
    raise RootfsError(f"cannot use {path} in the container: it is a {wrong}, not a {right}")
