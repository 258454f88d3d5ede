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


def spawn(source: str, target: str) -> int:
    """Let a child compress the file *source* into *target*; return its pid.

    It ends with 0 if *target* is whole. It is killed if we are.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.closerange(3, 2**30)  # the container's lock and its clients are not ours to hold
        from mini_docker import syscalls

        syscalls.prctl(PARENT_DEATH, 9)
        if os.getppid() == parent:
            os.nice(NICE)
            compress(source, target)
            os._exit(0)
    finally:
        os._exit(1)


def compress(source: str, target: str) -> None:
    """Write the file *source*, compressed, to *target*, with its time."""
    import zlib

    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with open(source, "rb") as file, open(os.open(target, flags, 0o600), "wb") as out:
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
