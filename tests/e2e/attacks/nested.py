"""Be root in a user namespace of our own, with all capabilities, and try the walls again."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from tests.e2e.attacks.attempt import X86_64, attempt, libc, say, syscall, write
from tests.e2e.attacks.calls import CAPABILITY

ALL = 0x10000000 | 0x20000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x02000000
REMOUNT_BIND = 32 | 4096
OWN = ("fsopen", "mount", "mount_setattr", "open_tree", "pivot_root", "umount2")  # its own mounts


def call(name: str, *arguments: bytes | int | None) -> int:
    """Call a function of libc; OSError if it fails."""
    import ctypes

    if getattr(libc, name)(*arguments):
        raise OSError(ctypes.get_errno(), name)
    return 0


def calls() -> None:
    """Try those calls again that reach further than a user namespace."""
    for name, on_x86_64, on_aarch64, *arguments in CAPABILITY:
        if name not in (*OWN, "unshare mounts", "sethostname", "vhangup"):
            attempt(name, partial(syscall, on_x86_64 if X86_64 else on_aarch64, *arguments))


def inside() -> None:
    """Try everything, as root of the nested namespaces."""
    os.makedirs("/tmp/nested", exist_ok=True)
    mount: Callable[..., int] = partial(call, "mount")
    tries: dict[str, Callable[[], object]] = {
        "mount tmpfs": lambda: mount(b"x", b"/tmp/nested", b"tmpfs", 0, None),
        "mount proc": lambda: mount(b"x", b"/tmp/nested", b"proc", 0, None),
        "mount sysfs": lambda: mount(b"x", b"/tmp/nested", b"sysfs", 0, None),
        "uncover kcore": lambda: call("umount2", b"/proc/kcore", 2),
        "remount sysctl": lambda: mount(b"", b"/proc/sys", None, REMOUNT_BIND, None),
        "remount sys": lambda: mount(b"", b"/sys", None, REMOUNT_BIND, None),
        "core_pattern": lambda: write("/proc/sys/kernel/core_pattern"),
        "mknod": lambda: os.mknod("/tmp/nested-disk", 0o060600, os.makedev(7, 0)),
    }
    for name, action in tries.items():
        attempt(name, action)
    calls()


def main() -> None:
    """Try all of it."""
    uid = os.getuid()
    if attempt("unshare", lambda: syscall(272 if X86_64 else 97, ALL)):
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", "0 0 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        pid = os.fork()  # into the new pid namespace
        if pid == 0:
            inside()
            os._exit(0)
        say("status", str(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    main()
