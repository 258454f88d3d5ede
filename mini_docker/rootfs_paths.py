"""Paths inside a root that may be hostile: nothing here follows a link out of it.

An image can hold ``/proc -> /etc`` or ``/dev -> /../../dev``. The kernel itself
resolves such a path as if the root were "/" already, when openat2 is told
RESOLVE_IN_ROOT; the descriptor it returns then stands for the place, whatever
happens to the names. openat2(2).
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import syscalls
from mini_docker.errors import RootfsError, reason

RESOLVE = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
STRICT = RESOLVE | syscalls.RESOLVE_NO_SYMLINKS
LINKS = 40  # how many links one path may lead through: as the kernel, path_resolution(7)


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

    The last part is made as a directory, or as an empty file if *directory* is false,
    with the modes 755 and 644. A link whose target is missing counts as its target:
    images have an /etc/resolv.conf that leads to a file of a running system.

    Raises RootfsError if something of another type is in the way, or the links go in
    circles.
    """
    path = path.rstrip("/") or "/"
    try:
        try:
            found = locate(root, path)
        except FileNotFoundError:
            found = locate(root, _make(root, path, directory))
    except OSError as error:
        raise RootfsError(f"cannot use {path} in {root}: {reason(error)}") from error
    return _typed(found, path, directory)


def alias(descriptor: int) -> str:
    """Return a path for mount(2) that stands for *descriptor*, whatever its names are."""
    return f"/proc/self/fd/{descriptor}"


def is_directory(descriptor: int) -> bool:
    """Say whether *descriptor* is open on a directory."""
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def _make(root: str, path: str, directory: bool) -> str:
    """Make what is missing of *path*; return a path to it whose parts all exist."""
    before = os.umask(0o022)
    done, links = "/", 0
    todo = _parts(path)
    try:
        if _make_last(root, path, directory):
            return path
        while todo:
            name = todo.pop()
            if _exists(root, f"{done}/{name}"):
                done = f"{done}/{name}"
                continue
            target = _make_one(root, done or "/", name, directory or bool(todo))
            links += target is not None
            if target is None:
                done = f"{done}/{name}"
            elif links > LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            else:  # go on where the link leads
                todo += _parts(target)
                done = "/" if target.startswith("/") else done
    finally:
        os.umask(before)
    return done


def _make_last(root: str, path: str, directory: bool) -> bool:
    """Make *path* if only its last part is missing, as most often; say whether it was so."""
    parent, _, last = path.rpartition("/")
    try:
        return last not in ("", ".", "..") and not _make_one(root, parent or "/", last, directory)
    except FileNotFoundError:
        return False


def _exists(root: str, path: str) -> bool:
    try:
        os.close(locate(root, path))
    except FileNotFoundError:
        return False
    return True


def _make_one(root: str, parent: str, name: str, directory: bool) -> str | None:
    """Make *name* in *parent*; if a link of that name is there already, return its target."""
    above = locate(root, parent)
    try:
        if directory:
            os.mkdir(name, 0o755, dir_fd=above)
        else:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o644, dir_fd=above))
    except FileExistsError:
        return os.readlink(name, dir_fd=above)
    finally:
        os.close(above)
    return None


def _parts(path: str) -> list[str]:
    """Return the names in *path*, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _typed(descriptor: int, path: str, directory: bool) -> int:
    if is_directory(descriptor) == directory:
        return descriptor
    os.close(descriptor)
    wrong, right = ("file", "directory") if directory else ("directory", "file")
    raise RootfsError(f"cannot use {path} in the container: it is a {wrong}, not a {right}")
