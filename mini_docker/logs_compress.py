"""Compress the logs that were put aside, in a process of its own.

It goes on until all are, whether their writer still lives or not, so a quiet container has
no file that waits for its next line. Who compresses holds a lock on NAME.gz.tmp, so there is
one at most. Names change in two places, here and where a file is put aside (logs_files.py),
and both hold a lock on the directory meanwhile.

The comment in the head of the file is the inode of what was compressed: who has been reading
that file finds out what it has become. RFC 1952.
"""

from __future__ import annotations

import fcntl
import os

from mini_docker import descriptors, monitor_report
from mini_docker.errors import reason

SIZE = 2**18  # bytes of one read
MAGIC = b"\x1f\x8b\x08\x10"  # gzip, deflate, and a comment follows
HEAD = MAGIC + bytes(5) + b"\xff"  # no time, no level, whatever system
NICE = 19


class Packer:
    """Lets the files be compressed that were put aside of the log at *path*.

    What fails is told in the file *report*, and tried again the next time.
    """

    __slots__ = ("path", "report", "temporary")

    def __init__(self, path: str, report: str) -> None:
        self.path = path
        self.report = report
        self.temporary = f"{path}.gz.tmp"

    def hold(self) -> int:
        """Wait for the lock on the directory; it is held until what is returned is closed."""
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        descriptor = os.open(os.path.dirname(self.path), flags)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def begin(self) -> None:
        """Unless somebody is at it, let a process compress what there is. Raise nothing."""
        try:
            out = self._claim() if self._aside() else -1
            if out < 0:
                return  # whoever is at it takes this one as well
            try:
                self._detach(out)
            finally:
                os.close(out)
        except OSError as error:
            self._tell(error)

    def _aside(self) -> list[int]:
        """Return the numbers of the files that are not compressed, the newest first."""
        folder, name = os.path.split(self.path)
        words = [other.removeprefix(f"{name}.") for other in os.listdir(folder)]
        ours = [word for word in words if word.isascii() and word.isdigit() and word[0] != "0"]
        return sorted(map(int, ours))

    def _claim(self) -> int:
        """Return the new file, open and locked; -1 if somebody else has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            out = os.open(self.temporary, flags, 0o600)
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.stat(self.temporary).st_ino == os.fstat(out).st_ino:
                    return out
            except BlockingIOError:
                os.close(out)
                return -1
            except FileNotFoundError:
                pass
            os.close(out)  # it has been put in place since we opened it

    def _detach(self, out: int) -> None:
        """Let a grandchild of ours work, which nobody has to wait for."""
        import zlib  # noqa: F401  # the child has it then, whatever it can open

        if pid := os.fork():
            os.waitpid(pid, 0)
            return
        try:
            null = os.open("/dev/null", os.O_RDWR)
            for stream in (1, 2):
                os.dup2(null, stream)
            os.dup2(out, 0)
            # The container's lock and its clients are not ours to hold.
            descriptors.close_all_but((0, 1, 2))
            os.setsid()
            if not os.fork():
                os.nice(NICE)
                self._work(0)
        except Exception as error:
            self._tell(error)
        finally:
            os._exit(0)

    def _work(self, out: int) -> None:
        """Compress into *out*, and others after it, until nothing is left."""
        while out >= 0:
            lock = self.hold()
            left = self._aside()
            if not left:
                os.unlink(self.temporary)  # under the lock: who puts aside now finds nobody at it
                return
            source = os.open(f"{self.path}.{left[0]}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.close(lock)
            try:
                compress(source, out)
            except OSError:
                os.unlink(self.temporary)  # the disk may be full: it needs the room
                raise
            lock = self.hold()
            if self._put(os.fstat(source).st_ino):
                os.close(out)
                out = self._claim()
            os.close(lock)
            os.close(source)

    def _put(self, inode: int) -> bool:
        """Put the new file in place of that with *inode*; say whether that is still there."""
        for number in self._aside():
            plain = f"{self.path}.{number}"
            if os.stat(plain).st_ino == inode:
                os.rename(self.temporary, f"{plain}.gz")
                os.unlink(plain)
                return True
        return False

    def _tell(self, error: Exception) -> None:
        """Write down what went wrong, unless that is the last that was written."""
        if isinstance(error, FileNotFoundError) and not os.path.exists(self.path):
            return  # the container has been removed
        why = reason(error) if isinstance(error, OSError) else repr(error)
        text = f"cannot compress what was put aside of {self.path}: {why}\n"
        monitor_report.say(self.report, text)


def compress(source: int, out: int) -> None:
    """Write the file *source*, compressed, to *out*, with its time; both are descriptors."""
    import zlib

    os.ftruncate(out, 0)
    deflate, checksum, size = zlib.compressobj(6, zlib.DEFLATED, -15), 0, 0
    found = os.fstat(source)
    with open(out, "wb", closefd=False) as target:
        target.seek(0)
        target.write(HEAD + b"%d\0" % found.st_ino)
        while data := os.read(source, SIZE):
            checksum, size = zlib.crc32(data, checksum), size + len(data)
            target.write(deflate.compress(data))
        target.write(deflate.flush())
        target.write(checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))
    os.utime(out, ns=(found.st_atime_ns, found.st_mtime_ns))
