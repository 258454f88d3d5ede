"""The kernel's files: open every one of /proc for writing, read what must not be read.

    kernel_files.py named       only those of NAMED: also outside of a container, as the control
    kernel_files.py all         every file of /proc, but not those of processes

Nothing is written, but for core_pattern, which gets the value that it has.
"""

from __future__ import annotations

import os
import sys
from functools import partial

from tests.e2e.attacks.attempt import attempt, read, say, write

PATTERN = "/proc/sys/kernel/core_pattern"
NAMED = (
    "/proc/sysrq-trigger",
    PATTERN,
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/irq/default_smp_affinity",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/uevent_seqnum",
)
SECRET = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/proc/acpi")
SECRET_DIRECTORIES = ("/sys/firmware", "/proc/scsi")


def open_all() -> str:
    """Return the files of /proc that have a use for writing, and can be opened for it."""
    opened = []
    for directory, folders, names in os.walk("/proc"):
        if directory == "/proc":
            folders[:] = [name for name in folders if not name.isdecimal()]
            folders[:] = [name for name in folders if name not in ("self", "thread-self")]
        for name in names:
            try:
                if os.stat(f"{directory}/{name}").st_mode & 0o222:
                    os.close(os.open(f"{directory}/{name}", os.O_WRONLY | os.O_NONBLOCK))
                    opened.append(f"{directory}/{name}")
            except OSError:
                continue
    return " ".join(opened)


def peek(path: str) -> object:
    """Return what can be seen of *path*."""
    return os.listdir(path) if os.path.isdir(path) else read(path, 16)


def mounts() -> str:
    """Return the mounts below /sys that are not read-only."""
    with open("/proc/self/mountinfo") as file:
        rows = [line.split() for line in file]
    rows = [row for row in rows if row[4].startswith("/sys")]
    return " ".join(row[4] for row in rows if "ro" not in row[5].split(","))


def main() -> None:
    """Try all of it."""
    for path in NAMED:
        if os.path.exists(path):
            attempt(path, partial(write, path))
    attempt("core_pattern", lambda: write(PATTERN, read(PATTERN)))
    for path in (*SECRET, *SECRET_DIRECTORIES):
        if os.path.exists(path):
            attempt(path, partial(peek, path))
    if sys.argv[1] == "all":
        say("opened", open_all())
        say("writable mounts", mounts())


if __name__ == "__main__":
    main()
