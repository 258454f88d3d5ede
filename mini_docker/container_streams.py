"""A container's streams: what may become one, and in whose hands it is then.

A descriptor is more than a way to read or write. Through /proc/self/fd its holder gets at the
file itself: opens it anew for writing, gives it other rights, keeps it. So no file of the host
is a stream in a container, not even its /dev/null. proc_pid_fd(5).
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import swap
from mini_docker.errors import StateError, reason

NULL = os.makedev(1, 3)
TERMINALS = range(136, 144)  # major numbers of slaves: admin-guide/devices.txt of the kernel


def harmless(streams: tuple[int, ...]) -> bool:
    """Say whether a container may be given *streams*: each a pipe without a name, or /dev/null."""
    pipes = _pipes()
    for stream in streams:
        found = os.fstat(stream)
        if not _null(found) and not (stat.S_ISFIFO(found.st_mode) and found.st_dev == pipes):
            return False
    return True


def take(streams: tuple[int, int, int]) -> None:
    """Make *streams* the 0, 1 and 2 of the caller, who is in the container's root.

    For the host's /dev/null it takes the container's. StateError if that has made another
    thing of it, and is to write there; nothing to read is nothing to read.
    """
    for number, stream in enumerate(streams):
        if _null(os.fstat(stream)):
            stream = _own_null(number)
        os.dup2(stream, number, inheritable=True)


def _own_null(number: int) -> int:
    """Open the /dev/null of the caller's root, for stream *number*."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    why = "it is another thing"
    try:
        descriptor = os.open("/dev/null", flags)
        if _null(os.fstat(descriptor)):
            os.set_blocking(descriptor, True)
            return descriptor
    except OSError as error:
        why = reason(error)
    if number:
        raise StateError(f"cannot open the container's /dev/null: {why}")
    reader, writer = os.pipe()
    os.close(writer)
    return reader


def _null(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == NULL


def _pipes() -> int:
    """Return the device number of the file system of pipes without a name."""
    reader, writer = os.pipe()
    found = os.fstat(reader).st_dev
    os.close(reader)
    os.close(writer)
    return found


def give(uid: int) -> None:
    """Let user *uid* open the caller's streams anew, such as /dev/stderr: they are root's so far.

    That is for pipes and for the terminal of the caller's session. A file or a named pipe that
    the user of the engine has passed in stays whose it is; a pipe without a name is told by
    the kernel's own file system, which holds no others. The caller may still change owners.
    """
    if swap.locked("streams"):
        return  # then all of them are the user's
    pipes = _pipes()
    for stream in (0, 1, 2):
        found = os.fstat(stream)
        if stat.S_ISFIFO(found.st_mode):
            ours = found.st_dev == pipes
        else:
            ours = stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) in TERMINALS
        try:
            if ours:
                os.fchown(stream, uid, -1)
        except OSError as error:
            # EPERM: the stream is nobody's in this user namespace. EINVAL: no user of it has
            # this number; users.become() says so.
            if error.errno not in (errno.EPERM, errno.EINVAL):
                raise
