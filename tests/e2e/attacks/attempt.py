"""What the attack programs share: system calls by number, and one line for each attempt.

They run inside a container, with nothing but the standard library beside them.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable

X86_64 = os.uname().machine == "x86_64"
libc = ctypes.CDLL(None, use_errno=True)


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Make the system call *number*; OSError if the kernel refuses."""
    boxed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *boxed))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def attempt(name: str, action: Callable[[], object]) -> bool:
    """Try *action*, and print what it came to: the errno's name, or "done" and its result."""
    try:
        found = action()
    except OSError as error:
        say(name, errno.errorcode.get(error.errno or 0, str(error.errno)))
        return False
    say(name, f"done {found}".replace("\n", " "))
    return True


def say(name: str, what: str) -> None:
    """Print one result."""
    print(name, what, sep="\t", flush=True)


def write(path: str, text: bytes = b"") -> int:
    """Open *path* for writing, and write *text* if there is any; nothing is made or cut off."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        return os.write(descriptor, text) if text else 0
    finally:
        os.close(descriptor)


def read(path: str, most: int = 4096) -> bytes:
    """Return the first bytes of *path*."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)
