"""The files of a log: one that grows, and those before it, which were put aside.

    NAME        the present one: opened to append
    NAME.1      the one before it, and so on up to NAME.(max-file - 1)
    NAME.2.gz   the same, compressed; its comment is the inode that it had before
    NAME.gz.tmp being compressed, by a child of ours
    NAME.new    the next one, for the moment of the change

A file is put aside before the first entry that finds it full; with max-file=1 it is removed.
All that happens by renames, the oldest first, so that at every moment each entry is in one
file: who is killed in between leaves a gap in the numbers, which nobody minds.

Docker: daemon/logger/loggerutils/logfile.go.
"""

from __future__ import annotations

import os
import time

from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Boundary = Callable[[bytes, int], int]  # where the entry ends that holds this byte
    Note = Callable[[int, str], bytes]  # an entry that says how many bytes are lost, and why

DEFAULT = "json-file"
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
PAUSE = 10**9  # nanoseconds before a disk that was full is tried again


def path(directory: str, driver: str) -> str:
    """Return where *driver* keeps the log of the container in *directory*; "" is nowhere.

    Raises ConfigError for a driver that there is not.

    >>> path("/c/12ab", "json-file")
    '/c/12ab/12ab-json.log'
    """
    if driver == DEFAULT:
        return f"{directory}/{os.path.basename(directory)}-json.log"
    if driver == "local":
        return f"{directory}/local-logs/container.log"
    if driver != "none":
        raise ConfigError(f'error looking up logging plugin {driver}: plugin "{driver}" not found')
    return ""


class File:
    """One log, open to be written."""

    __slots__ = (
        "boundary", "child", "compress", "count", "descriptor", "error", "limit", "lost", "note",
        "path", "place", "size", "spoiled", "tried",
    )  # fmt: skip

    def __init__(self, path: str, limit: int, count: int, compress: bool) -> None:
        self.path = path
        self.limit = limit  # bytes; 0 is none
        self.count = count
        self.compress = compress
        self.child = self.place = 0  # who compresses, and the number of the file in question
        self.lost = self.tried = 0
        self.spoiled = False  # nothing can be added to it: it is put aside first
        self.error = ""
        self.boundary: Boundary = lambda data, at: data.index(b"\n", at) + 1
        self.note: Note = lambda lost, error: b""
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            self.descriptor = os.open(path, FLAGS, 0o600)
            self.size = os.fstat(self.descriptor).st_size
        except OSError as error:
            raise ConfigError(f"cannot open the log {path}: {reason(error)}") from error

    def tail(self, count: int) -> bytes:
        """Return its last *count* bytes; fewer, if it has no more."""
        return os.pread(self.descriptor, count, max(0, self.size - count))

    def append(self, data: bytes) -> None:
        """Write *data*, whole entries, putting files aside at their limit."""
        if self.child:
            self.reap()
        if self.lost and not self._recover(len(data)):
            return
        done, total = 0, len(data)
        while done < total:
            try:
                if self.spoiled or (self.limit and self.size >= self.limit):
                    self.rotate()
                part = data if not done else data[done:]
                room = self.limit - self.size
                if self.limit and len(part) > room:
                    part = part[: self.boundary(part, room - 1)]
                self._put(part)
            except OSError as error:
                self.lost, self.error = self.lost + total - done, reason(error)
                self.tried = time.monotonic_ns()
                return
            done += len(part)

    def _put(self, data: bytes) -> None:
        """Write *data*, all or nothing: half an entry would spoil the next one, too."""
        written = 0
        try:
            while written < len(data):
                written += os.write(self.descriptor, data[written:] if written else data)
        except OSError:
            if written:
                os.ftruncate(self.descriptor, os.fstat(self.descriptor).st_size - written)
            raise
        # Others may have emptied the file: with O_APPEND the position is where it ends now.
        self.size = os.lseek(self.descriptor, 0, os.SEEK_CUR)

    def _recover(self, more: int) -> bool:
        """Say in the log what is missing from it; if that is not possible yet, lose *more*."""
        if time.monotonic_ns() - self.tried >= PAUSE or not more:
            try:
                self._put(self.note(self.lost, self.error))
                self.lost = 0
                return True
            except OSError:
                self.tried = time.monotonic_ns()
        self.lost += more
        return False

    def rotate(self) -> None:
        """Put the present file aside and begin a new one."""
        folder, name = os.path.split(self.path)
        descriptor = os.open(f"{self.path}.new", FLAGS, 0o600)  # if this fails, all stays
        try:
            self._shift(folder, name)
            os.rename(f"{self.path}.new", self.path)
        except OSError:
            os.close(descriptor)
            raise
        os.close(self.descriptor)
        self.descriptor, self.size, self.spoiled = descriptor, 0, False
        if self.child:
            self.place += 1
        elif self.compress:
            self.begin()

    def _shift(self, folder: str, name: str) -> None:
        """Give each file that was put aside the next number, the last one up to nobody."""
        present = set(os.listdir(folder))
        for number in range(self.count - 1, 0, -1):
            for suffix in ("", ".gz"):
                old = f"{name}.{number}{suffix}"
                if old not in present:
                    continue
                if number == self.count - 1:
                    os.unlink(f"{folder}/{old}")
                else:
                    os.rename(f"{folder}/{old}", f"{folder}/{name}.{number + 1}{suffix}")
        if self.count > 1 and name in present:
            os.rename(self.path, f"{self.path}.1")

    def begin(self) -> None:
        """Let a child compress the newest file that was put aside and is not compressed yet."""
        present = set(os.listdir(os.path.dirname(self.path)))
        name = os.path.basename(self.path)
        for number in range(1, self.count):
            if f"{name}.{number}" in present:
                from mini_docker import logs_compress

                self.child = logs_compress.spawn(f"{self.path}.{number}", f"{self.path}.gz.tmp")
                self.place = number
                return

    def reap(self) -> None:
        """If the child has ended, put what it made in place."""
        pid, status = os.waitpid(self.child, os.WNOHANG)
        if not pid:
            return
        self.child = 0
        if status:  # killed, or the disk is full: the file stays as it is, until the next one
            return
        plain = f"{self.path}.{self.place}"
        try:
            if self.place < self.count:
                os.rename(f"{self.path}.gz.tmp", f"{plain}.gz")
                os.unlink(plain)
            else:
                os.unlink(f"{self.path}.gz.tmp")
        except OSError:
            return  # both are complete: who reads takes one of them
        self.begin()

    def close(self) -> None:
        """End; what is being compressed stays as it is."""
        if self.lost:
            self._recover(0)
        if self.child:
            self.reap()
        if self.child:
            os.kill(self.child, 9)
            os.waitpid(self.child, 0)
            self.child = 0
            if os.path.exists(temporary := f"{self.path}.gz.tmp"):
                os.unlink(temporary)
        os.close(self.descriptor)

    def leave(self) -> bytes:
        """End, and return what a File in this process, perhaps after an exec, has to know."""
        os.close(self.descriptor)
        return b"%d %d %d %s" % (
            self.child,
            self.place,
            self.lost,
            self.error.encode().hex().encode(),
        )

    def resume(self, before: bytes) -> None:
        """Go on where leave() returned *before*."""
        child, place, lost, error = before.split(b" ")
        self.child, self.place, self.lost = int(child), int(place), int(lost)
        self.error = bytes.fromhex(error.decode()).decode()
