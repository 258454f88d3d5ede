"""Compress a log that was put aside, in a process of its own.

The comment in the head of the file is the inode of what was compressed: who has been reading
that file finds out what it has become. RFC 1952.
"""

from __future__ import annotations

import os

SIZE = 2**18  # bytes of one read
MAGIC = b"\x1f\x8b\x08\x10"  # gzip, deflate, and a comment follows
HEAD = MAGIC + bytes(5) + b"\xff"  # no time, no level, whatever system
NICE = 19
PARENT_DEATH = 1  # PR_SET_PDEATHSIG


class Packer:
    """Compresses the files that were put aside of the log at *path*, *count* in all, one by one."""

    __slots__ = ("child", "count", "path", "place")

    def __init__(self, path: str, count: int) -> None:
        self.path = path
        self.count = count
        self.child = 0  # who compresses, if anybody does
        self.place = 0  # the number of the file in question

    def shift(self) -> None:
        """All files have the next number now."""
        if self.child:
            self.place += 1
        else:
            self._begin()

    def _begin(self) -> None:
        """Let a child compress the newest file that is not compressed yet, if there is one."""
        folder, name = os.path.split(self.path)
        present = set(os.listdir(folder))
        for number in range(1, self.count):
            if f"{name}.{number}" in present:
                self.child = spawn(f"{self.path}.{number}", f"{self.path}.gz.tmp")
                self.place = number
                return

    def reap(self) -> None:
        """If the child has ended, put what it made in place, and let it go on."""
        if not self.child:
            return
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
        self._begin()

    def stop(self) -> None:
        """End the child; the file that it was at stays as it is."""
        self.reap()
        if self.child:
            os.kill(self.child, 9)
            os.waitpid(self.child, 0)
            self.child = 0
            if os.path.exists(temporary := f"{self.path}.gz.tmp"):
                os.unlink(temporary)


def spawn(source: str, target: str) -> int:
    """Let a child compress the file *source* into *target*; return its pid.

    It ends with 0 if *target* is whole. It is killed if we are.
    """
    # Opened here: by the time the child runs another file may have that name.
    parent, file = os.getpid(), os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    pid = os.fork()
    if pid:
        os.close(file)
        return pid
    try:
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (1, 2):
            os.dup2(null, stream)
        os.dup2(file, 0)
        os.closerange(3, 2**30)  # the container's lock and its clients are not ours to hold
        from mini_docker import syscalls

        syscalls.prctl(PARENT_DEATH, 9)
        if os.getppid() == parent:
            os.nice(NICE)
            compress(0, target)
            os._exit(0)
    finally:
        os._exit(1)


def compress(source: int, target: str) -> None:
    """Write the file that *source* is a descriptor of, compressed, to *target*, with its time."""
    import zlib

    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with (
        open(source, "rb", closefd=False) as file,
        open(os.open(target, flags, 0o600), "wb") as out,
    ):
        found = os.fstat(file.fileno())
        out.write(HEAD + b"%d\0" % found.st_ino)
        checksum = size = 0
        while data := file.read(SIZE):
            checksum, size = zlib.crc32(data, checksum), size + len(data)
            out.write(deflate.compress(data))
        out.write(deflate.flush())
        out.write(checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little"))
        out.flush()
        os.utime(out.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
