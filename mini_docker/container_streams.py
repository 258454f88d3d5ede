"""A container's streams, in the hands of the user that its program runs as."""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import swap

TERMINALS = range(136, 144)  # major numbers of slaves: admin-guide/devices.txt of the kernel


def give(uid: int) -> None:
    """Let user *uid* open the caller's streams anew, such as /dev/stderr: they are root's so far.

    That is for pipes and for the terminal of the caller's session. A file or a named pipe that
    the user of the engine has passed in stays whose it is; a pipe without a name is told by
    the kernel's own file system, which holds no others. The caller may still change owners.
    """
    if swap.locked("streams"):
        return  # then all of them are the user's
    reader, writer = os.pipe()
    pipes = os.fstat(reader).st_dev
    os.close(reader)
    os.close(writer)
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
