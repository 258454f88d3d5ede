"""Which cgroup version this machine has, and where its file systems are mounted.

A directory under /sys/fs/cgroup is a cgroup only if such a file system is mounted there: below
a tmpfs mkdir succeeds as well, and limits nothing. proc_pid_mountinfo(5).

    v2       /sys/fs/cgroup is cgroup2 itself
    v1       a tmpfs, with one mount of the old kind for each controller
    hybrid   as v1, and a cgroup2 mount at unified that the controllers are not in

An ordinary user may make groups only below one that was delegated to it: systemd does that,
for version 2. cgroups(7), "Cgroups delegation: delegating a hierarchy to a less privileged user".
"""

from __future__ import annotations

import os

from mini_docker.errors import CgroupError

BASE = "/sys/fs/cgroup"
MOUNTS = "/proc/self/mountinfo"
OWN = "/proc/self/cgroup"  # which groups the caller is in. cgroups(7)


class Tree:
    """The cgroup file systems of this machine."""

    __slots__ = ("base", "trees", "unified", "version")

    def __init__(self, version: str, unified: str, trees: dict[str, str]) -> None:
        self.base: str | None = ""  # the group that we may make groups below; None: there is none
        self.version = version  # "v2", "v1" or "hybrid"
        self.unified = unified  # the cgroup2 mount, or ""
        self.trees = trees  # controller: mount, of version 1


_here: Tree | None = None  # mounts do not move during one command


def present() -> Tree:
    """Return the tree of this machine, looked for once in a process."""
    global _here
    if _here is None:
        _here = find()
        mount = next(iter(_here.trees.values()), _here.unified)
        if not os.access(mount, os.W_OK):
            _here.base = delegated(_here.unified) if _here.version == "v2" else None
    return _here


def delegated(unified: str) -> str | None:
    """Return the topmost group above the caller that the caller may make groups in, or None.

    Moving a process from one group to another takes the right to write to cgroup.procs of
    a group above both. cgroup-v2.rst, "Delegation".
    """
    with open(OWN) as file:
        own = next((line.rstrip("\n")[3:] for line in file if line.startswith("0::/")), "/")
    path = ""
    for name in filter(None, own.split("/")):
        path = f"{path}/{name}"
        files = ("", "/cgroup.procs", "/cgroup.subtree_control")
        if all(os.access(f"{unified}{path}{file}", os.W_OK) for file in files):
            return path
    return None


def find(base: str = BASE) -> Tree:
    """Look at the file systems at *base*; CgroupError if no cgroup is mounted there."""
    kinds = _mounts()
    if kinds.get(base) == "cgroup2":
        return Tree("v2", base, {})
    try:
        names = os.listdir(base)
    except OSError as error:
        raise CgroupError(f"cannot use {base}: {error.strerror}; is it mounted?") from error
    trees: dict[str, str] = {}
    unified = ""
    for name in names:
        path = f"{base}/{name}"
        if path not in kinds:  # cpu and cpuacct may be links to cpu,cpuacct
            path = os.path.realpath(path)
        kind = kinds.get(path)
        if kind == "cgroup2":
            unified = path
        elif kind == "cgroup":
            trees.update(dict.fromkeys(name.split(","), path))
    if not trees and not unified:
        raise CgroupError(f"no cgroup file system is mounted below {base}")
    return Tree("hybrid" if unified else "v1", unified, trees)


def _mounts() -> dict[str, str]:
    """Return where what kind of file system is mounted; where two lie on each other, the upper."""
    with open(MOUNTS, "rb") as file:
        rows = file.read().split(b"\n")
    found = {}
    for row in rows:
        before, _, after = row.partition(b" - ")
        if after:
            found[os.fsdecode(before.split(b" ", 5)[4])] = after.split(b" ", 1)[0].decode()
    return found
