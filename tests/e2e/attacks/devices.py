"""Make device nodes and open them: each word is a name, a type, two numbers: disk,b,7,0.

devices.py PATH WORD...         PATH is a device node that the image has brought along
"""

from __future__ import annotations

import os
import stat
import sys
from functools import partial

from tests.e2e.attacks.attempt import attempt, libc, read


def make(name: str, kind: str, major: str, minor: str) -> bytes:
    """Make one device in /tmp, and read from it."""
    path = f"/tmp/{name}-{os.getpid()}"
    mode = stat.S_IFBLK if kind == "b" else stat.S_IFCHR
    os.mknod(path, mode | 0o600, os.makedev(int(major), int(minor)))
    try:
        return read(path, 16)
    finally:
        os.unlink(path)


def mount(path: str) -> str:
    """Mount the device *path*, for reading only, on /mnt."""
    import ctypes

    os.makedirs("/tmp/mount", exist_ok=True)
    if libc.mount(os.fsencode(path), b"/tmp/mount", b"ext4", 1, None):
        raise OSError(ctypes.get_errno(), path)
    return "mounted"


def main() -> None:
    """Try all of it."""
    for word in sys.argv[2:]:
        parts = word.split(",")
        attempt(parts[0], partial(make, *parts))
    attempt("the image's own", lambda: read(sys.argv[1], 16))
    attempt("mount", lambda: mount(sys.argv[1]))


if __name__ == "__main__":
    main()
