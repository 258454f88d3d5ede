"""The files of a log: one that grows, and those before it, which were put aside.

    NAME        the present one: opened to append
    NAME.1      the one before it, and so on up to NAME.(max-file - 1)
    NAME.2.gz   the same, compressed; its comment is the inode that it had before
    NAME.gz.tmp being compressed, by a process of its own: logs_compress.py
    NAME.new    the next one, for the moment of the change

A file is put aside before the first entry that finds it full; with max-file=1 it is removed.
All that happens by renames, the oldest first, so that at every moment each entry is in one
file: who is killed in between leaves a gap in the numbers, which nobody minds.

Docker: daemon/logger/loggerutils/logfile.go.
"""

from __future__ import annotations

import os
import stat
import time

from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.logs_compress import Packer

    # Where in some entries the last one ends that is whole before this byte, and the next one.
    Boundary = Callable[[bytes, int], tuple[int, int]]
    Note = Callable[[int, str], bytes]  # an entry that says how many bytes are lost, and why

DEFAULT = "json-file"
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
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


def by_line(data: bytes, at: int) -> tuple[int, int]:
    """Return where the last line ends within the first *at* bytes, and where the next one does."""
    return data.rfind(b"\n", 0, at) + 1, data.index(b"\n", at) + 1


def must_be_file(descriptor: int) -> int:
    """Return *descriptor*; OSError, and it is closed, if it is not that of a regular file.

    A named pipe in a log's place would hold up whoever writes, and a device never end.
    """
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError("it is not a regular file")


class File:
    """One log, open to be written."""

    __slots__ = (
        "boundary", "count", "descriptor", "error", "limit", "lost", "note", "noted", "packer",
        "path", "size", "spoiled", "tried",
    )  # fmt: skip

    def __init__(self, path: str, limit: int, count: int, report: str) -> None:
        """Take what File is about; *report* is where its Packer tells what failed, "" is none."""
        self.path = path
        self.limit = limit  # bytes; 0 is none
        self.count = count
        self.packer: Packer | None = None
        self.lost = self.tried = 0  # bytes that the disk did not take; when that was
        self.noted = -1  # where the entry begins that says so, the last of the file
        self.spoiled = False  # nothing can be added to it: it is put aside first
        self.error = ""
        self.boundary: Boundary = by_line
        self.note: Note = lambda lost, error: b""
        if report:
            from mini_docker import logs_compress

            self.packer = logs_compress.Packer(path, report)
        try:
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            self.descriptor = must_be_file(os.open(path, FLAGS, 0o600))
            self.size = os.fstat(self.descriptor).st_size
        except OSError as error:
            raise ConfigError(f"cannot open the log {path}: {reason(error)}") from error

    def tail(self, count: int) -> bytes:
        """Return its last *count* bytes; fewer, if it has no more."""
        return os.pread(self.descriptor, count, max(0, self.size - count))

    def append(self, data: bytes) -> None:
        """Write *data*, whole entries, putting files aside at their limit."""
        if self.lost:
            if time.monotonic_ns() - self.tried < PAUSE:
                self.lost += len(data)
                return
            self._say()
        done, total, before = 0, len(data), self.lost
        while done < total:
            part = data if not done else data[done:]
            try:
                kept, part = self._take(part)
            except OSError as error:
                kept, self.error = 0, reason(error)
            done += kept
            if kept < len(part):
                self._lose(total - done, before if not done else 0)
                return
        self.lost, self.noted = 0, -1

    def _take(self, data: bytes) -> tuple[int, bytes]:
        """Write what this file still takes of *data*; return how much it did, and of what."""
        if self.spoiled or (self.limit and self.size >= self.limit):
            self.rotate()
        room = self.limit - self.size
        if self.limit and len(data) > room:
            data = data[: self.boundary(data, room - 1)[1]]
        return self._put(data), data

    def _put(self, data: bytes) -> int:
        """Write *data*, or as many whole entries of it as the disk takes; return their size.

        Half an entry would spoil the next one, too. What is lost first makes room for a note.
        """
        written = 0
        try:
            while written < len(data):
                written += os.write(self.descriptor, data[written:] if written else data)
        except OSError as error:
            self.error = reason(error)
            spare = 0 if self.lost else len(self.note(0, self.error))
            kept = self.boundary(data, max(0, written - spare))[0]
            size = os.fstat(self.descriptor).st_size
            os.ftruncate(self.descriptor, size - written + kept)
            written = kept
        # Others may have emptied the file, so we ask how long it is.
        self.size = os.lseek(self.descriptor, 0, os.SEEK_END)
        return written

    def _lose(self, count: int, before: int) -> None:
        """Say that *count* bytes are lost, and *before* them others, of which a note may tell."""
        if not before:
            self.noted = -1
        self.lost = before + count
        self.tried = time.monotonic_ns()
        self._say()

    def _say(self) -> None:
        """Let the last entry of the file say how much is lost, in place of what it said before."""
        text = self.note(self.lost, self.error)
        try:
            # Others may have emptied the file: what it said went with the rest.
            if 0 <= self.noted <= os.fstat(self.descriptor).st_size:
                os.ftruncate(self.descriptor, self.noted)
            begin = os.lseek(self.descriptor, 0, os.SEEK_END)
            self.noted = begin if self._put(text) else -1
        except OSError:
            self.noted = -1  # there is no room for that either

    def rotate(self) -> None:
        """Put the present file aside and begin a new one."""
        folder, name = os.path.split(self.path)
        # If this fails, all stays.
        descriptor = must_be_file(os.open(f"{self.path}.new", FLAGS, 0o600))
        try:
            self._shift(folder, name)
            os.rename(f"{self.path}.new", self.path)
        except OSError:
            os.close(descriptor)
            raise
        os.close(self.descriptor)
        self.descriptor, self.size, self.spoiled = descriptor, 0, False
        self.noted = -1
        if self.packer:
            self.packer.begin()

    def _shift(self, folder: str, name: str) -> None:
        """Give each file that was put aside the next number, the last one up to nobody."""
        lock = self.packer.hold() if self.packer else -1
        try:
            self._rename(folder, name)
        finally:
            if lock >= 0:
                os.close(lock)

    def _rename(self, folder: str, name: str) -> None:
        """Do so while nobody else changes a name."""
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

    def close(self) -> None:
        """End; what is not compressed yet is so without us."""
        if self.lost:
            self._say()
        os.close(self.descriptor)
        if self.packer:
            self.packer.begin()

    def leave(self) -> bytes:
        """End, and return what a File in this process, perhaps after an exec, has to know."""
        os.close(self.descriptor)
        error = self.error.encode().hex().encode()
        return b"%d %d %s" % (self.lost, self.noted, error)

    def resume(self, before: bytes) -> None:
        """Go on where leave() returned *before*."""
        *numbers, error = before.split(b" ")
        self.lost, self.noted = map(int, numbers)
        self.error = bytes.fromhex(error.decode()).decode()
