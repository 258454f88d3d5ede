"""What has a name that no directory holds: abstract Unix sockets, System V shared memory.

outside.py SOCKET KEY
"""

from __future__ import annotations

import socket
import sys

from tests.e2e.attacks.attempt import attempt, libc


def connect() -> bytes:
    """Connect to the abstract socket, and read."""
    with socket.socket(socket.AF_UNIX) as it:
        it.settimeout(5)
        it.connect(f"\0{sys.argv[1]}")
        return it.recv(100)


def segment() -> str:
    """Find the shared memory."""
    import ctypes

    if libc.shmget(int(sys.argv[2]), 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    return "found"


def main() -> None:
    """Try all of it."""
    attempt("socket", connect)
    attempt("memory", segment)


if __name__ == "__main__":
    main()
