"""A spool: what a client has not taken yet, in a file that nobody else sees.

A client that does not read must hold nobody up, and must not make its monitor grow. So what
it misses goes to a file without a name in the container's directory: the kernel frees it
with its last descriptor, whoever is killed. It holds messages one after the other, each with
a head: its kind, and its length in four bytes, the lowest first.
"""

from __future__ import annotations

import os

HEAD = 5  # bytes
FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Spool:
    """Messages for one client, first in, first out."""

    __slots__ = ("begin", "descriptor", "end", "limit")

    def __init__(self, directory: str, limit: int) -> None:
        """Make one in *directory* for at most *limit* bytes that nobody has taken yet."""
        path = f"{directory}/spool-{os.getpid()}-{os.urandom(4).hex()}"
        self.descriptor = os.open(path, FLAGS, 0o600)
        os.unlink(path)
        self.begin = self.end = 0
        self.limit = limit

    def put(self, kind: bytes, data: bytes) -> bool:
        """Append a message; say whether there was room for it."""
        head = kind + len(data).to_bytes(4, "little")
        if self.end + HEAD + len(data) > self.limit:
            return False
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
            self.begin = self.end = 0
            os.ftruncate(self.descriptor, 0)

    def close(self) -> None:
        """Let the file go."""
        os.close(self.descriptor)
