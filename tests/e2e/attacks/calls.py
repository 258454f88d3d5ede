"""System calls that reach beyond a container, each with arguments that do no harm.

The kernel looks at the caller's rights before it looks at these arguments. So EPERM is the
wall; any other answer, such as EINVAL, comes from behind it.
"""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import Any

from tests.e2e.attacks.attempt import X86_64, attempt, syscall

BAD = -1  # no file, no address
NEWNS, NEWUSER, CHILD = 0x20000, 0x10000000, 17
CLONE = 56 if X86_64 else 220

Row = tuple[Any, ...]  # its name, number on x86_64, number on aarch64, arguments
CAPABILITY: tuple[Row, ...] = (  # a capability that the container lacks
    ("acct", 163, 89, b"/nonexistent"),
    ("adjtimex", 159, 171, (0x4000).to_bytes(208, "little")),  # ADJ_TICK to 0
    ("delete_module", 176, 106, b"nonexistent", 0),
    ("finit_module", 313, 273, BAD, b"", 0),
    ("fsopen", 430, 430, b"nonexistent", 0),
    ("init_module", 175, 105, None, 0, b""),
    ("mount", 165, 40, b"x", b"/tmp", b"nonexistent", 0, None),
    ("mount_setattr", 442, 442, BAD, b"/", 0, bytes(32), 32),
    ("open_tree", 428, 428, -100, b"/", 1),
    ("pivot_root", 155, 41, b"/nonexistent", b"/nonexistent"),
    ("reboot", 169, 142, 0, 0, 0),
    ("sethostname", 170, 161, b"x", BAD),
    ("settimeofday", 164, 170, None, None),
    ("swapoff", 168, 225, b"/nonexistent"),
    ("swapon", 167, 224, b"/nonexistent", 0),
    ("syslog", 103, 116, 9, None, 0),
    ("umount2", 166, 39, b"/tmp", 0),
    ("unshare mounts", 272, 97, NEWNS),
    ("vhangup", 153, 58),
)
ON_X86_64: tuple[Row, ...] = (("ioperm", 173, 0, 0, 1, 1), ("iopl", 172, 0, 3))
SECCOMP: tuple[Row, ...] = (  # open to everybody, as far as capabilities go: the filter is the wall
    ("add_key", 248, 217, b"user", b"x", b"x", 1, 0x7FFFFFFF),
    ("bpf", 321, 280, 9999, None, 0),
    ("clock_settime", 227, 112, 0, b"\xff" * 16),
    ("io_uring_setup", 425, 425, 0, None),
    ("keyctl", 250, 219, 9999),
    ("move_mount", 429, 429, BAD, b"", BAD, b"", 4),
    ("perf_event_open", 298, 241, None, 0, BAD, BAD, 0),
    ("personality", 135, 92, 0x0040000),
    ("quotactl", 179, 60, 0x800007 << 8, b"/nonexistent", 0, None),
    ("request_key", 249, 218, b"user", b"nonexistent", None, 0),
    ("setns", 308, 268, BAD, 0),
    ("unshare user", 272, 97, NEWUSER),
    ("userfaultfd", 323, 282, 0x7FFFFFFF),
)


def clone() -> str:
    """Fork into a new user namespace."""
    pid = syscall(CLONE, NEWUSER | CHILD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "a child"


def main() -> None:
    """Try every call, the unshares last: they change the caller."""
    attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM).close())
    attempt("clone user", clone)
    rows = [*CAPABILITY, *SECCOMP, *(ON_X86_64 if X86_64 else ())]
    rows.sort(key=lambda row: row[0].startswith("unshare"))
    for name, on_x86_64, on_aarch64, *arguments in rows:
        number = on_x86_64 if X86_64 else on_aarch64
        attempt(name, partial(syscall, number, *arguments))


if __name__ == "__main__":
    main()
