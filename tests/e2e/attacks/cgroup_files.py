"""Control groups: write their files, make one, mount another hierarchy.

A hierarchy of version 1 names a program that the kernel starts, on the host and as root, when
a group empties: release_agent. Here nothing is written: files are opened, and closed.
"""

from __future__ import annotations

import os

from tests.e2e.attacks.attempt import attempt, libc, say

ROOT = "/sys/fs/cgroup"


def mount() -> str:
    """Mount the hierarchy of version 2."""
    import ctypes

    os.makedirs("/tmp/cgroup", exist_ok=True)
    if libc.mount(b"cgroup", b"/tmp/cgroup", b"cgroup2", 0, None):
        raise OSError(ctypes.get_errno(), "mount")
    return str(libc.umount2(b"/tmp/cgroup", 2))


def make() -> str:
    """Make a group, and remove it."""
    name = f"hostile-{os.getpid()}"
    above = next((d for d in (f"{ROOT}/memory", f"{ROOT}/unified") if os.path.isdir(d)), ROOT)
    os.mkdir(f"{above}/{name}")
    os.rmdir(f"{above}/{name}")
    return "made"


def opened(directory: str) -> set[str]:
    """Return the names of the files in *directory* that can be opened for writing."""
    found = set()
    for name in os.listdir(directory):
        try:
            os.close(os.open(f"{directory}/{name}", os.O_WRONLY))
        except OSError:
            continue
        found.add(name)
    return found


def main() -> None:
    """Try all of it."""
    directories = [entry.path for entry in os.scandir(ROOT) if entry.is_dir()]
    say("opened", " ".join(sorted(set().union(*map(opened, [ROOT, *directories])))))
    attempt("make", make)
    attempt("mount", mount)
    with open("/proc/self/cgroup") as file:
        say("seen", file.read().replace("\n", " "))


if __name__ == "__main__":
    main()
