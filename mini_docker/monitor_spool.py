"""A spool: what a client has not taken yet, in a file that nobody else sees.

A client that does not read must hold nobody up, and must not make its monitor grow. So what
it misses goes to a file without a name in the container's directory: the kernel frees it
with its last descriptor, whoever is killed. It holds messages one after the other, each with
a head: its kind, and its length in four bytes, the lowest first.

What has been taken gives its space back: a hole is punched into the file, whose end moves on.
That is what fallocate(2) does with FALLOC_FL_PUNCH_HOLE; Python has no name for it, but there
is an ioctl as well, of Linux 5.6. Where it fails, only a spool that is empty gives space back.
"""

from __future__ import annotations

import fcntl
import os
import sys

FS_IOC_UNRESVSP = 0x40305829  # <linux/falloc.h>; its argument: struct space_resv, 48 bytes
PIECE = 2**20  # bytes; as many are given back at a time
HEAD = 5  # bytes
FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Spool:
    """Messages for one client, first in, first out."""

    __slots__ = ("begin", "descriptor", "end", "freed", "limit")

    def __init__(self, directory: str, limit: int) -> None:
        """Make one in *directory* that is full with *limit* bytes that nobody has taken yet."""
        path = f"{directory}/spool-{os.getpid()}-{os.urandom(4).hex()}"
        self.descriptor = os.open(path, FLAGS, 0o600)
        os.unlink(path)
        self.begin = self.end = 0
        self.freed = 0  # bytes at the start of the file that take no space
        self.limit = limit

    def full(self) -> bool:
        """Say whether nothing more should be put in, until something has been taken."""
        return self.end - self.freed >= self.limit

    def put(self, kind: bytes, data: bytes) -> bool:
        """Append a message, to a full one as well; say whether it could be written."""
        head = kind + len(data).to_bytes(4, "little")
        try:
            written = os.pwritev(self.descriptor, [head, data], self.end)
        except OSError:
            return False
        if written != HEAD + len(data):  # a full disk: what is beyond the end counts for nothing
            return False
        self.end += written
        return True

    def first(self) -> tuple[bytes, bytes] | None:
        """Return the oldest message, which stays; None if there is none."""
        if self.begin == self.end:
            return None
        head = os.pread(self.descriptor, HEAD, self.begin)
        length = int.from_bytes(head[1:], "little")
        return head[:1], os.pread(self.descriptor, length, self.begin + HEAD)

    def drop(self, length: int) -> None:
        """Forget the oldest message, whose data has *length* bytes."""
        self.begin += HEAD + length
        if self.begin == self.end:  # all is taken: give the space back
            self.begin = self.end = self.freed = 0
            os.ftruncate(self.descriptor, 0)
        elif self.begin - self.freed >= PIECE:
            self._punch()

    def _punch(self) -> None:
        """Give back the space of what has been taken so far."""
        # l_type, l_whence (SEEK_SET) and padding; l_start; l_len; the rest is not looked at.
        numbers = (0, self.freed, self.begin - self.freed)
        where = b"".join(number.to_bytes(8, sys.byteorder) for number in numbers)
        try:
            fcntl.ioctl(self.descriptor, FS_IOC_UNRESVSP, where + bytes(24))
        except OSError:
            return
        self.freed = self.begin

    def state(self) -> list[int]:
        """Return what restore() takes, after the descriptor."""
        return [self.begin, self.end, self.freed, self.limit]

    def restore(self, descriptor: int, begin: int, end: int, freed: int, limit: int) -> None:
        """Go on with the file *descriptor* in place of a new one."""
        self.descriptor, self.limit = descriptor, limit
        self.begin, self.end, self.freed = begin, end, freed

    def close(self) -> None:
        """Let the file go."""
        os.close(self.descriptor)
