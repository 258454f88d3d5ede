"""Reach for a process outside: trace it, look into its files and memory, take its descriptors.

process.py PID          its working directory holds a file "decoy"
"""

from __future__ import annotations

import os
import sys
from functools import partial

from tests.e2e.attacks.attempt import X86_64, attempt, read, syscall

SEIZE = 0x4206
PTRACE, READV = (101, 310) if X86_64 else (117, 270)
GETFD = 438


def main() -> None:
    """Try all of it."""
    pid = int(sys.argv[1])
    attempt("signal", lambda: os.kill(pid, 0))
    attempt("trace", lambda: syscall(PTRACE, SEIZE, pid, 0, 0))
    for path in ("cwd/decoy", "environ", "maps", "root/etc/passwd"):
        attempt(path, partial(read, f"/proc/{pid}/{path}", 10))
    attempt("memory", lambda: os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR)))
    attempt("exe", lambda: os.close(os.open(f"/proc/{pid}/exe", os.O_RDONLY)))
    attempt("descriptors", lambda: os.listdir(f"/proc/{pid}/fd"))
    attempt("namespace", lambda: os.close(os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)))
    attempt("descriptor", lambda: os.close(syscall(GETFD, os.pidfd_open(pid), 0, 0)))


if __name__ == "__main__":
    main()
