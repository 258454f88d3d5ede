"""Named properties of this machine: what a test, a session or the doctor may ask for.

A property is a name and a function that says why it is missing, or "" if it is here.
A test that lacks one is skipped with that name: `@pytest.mark.needs("cgroup-v2")`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mini_docker import syscalls

CGROUPS = "/sys/fs/cgroup"
CAP_MKNOD = 27  # capabilities(7)


def missing(name: str) -> str:
    """Return why this machine lacks the property *name*, or "" if it has it."""
    known = name.replace("_", "-")
    if known not in PROPERTIES:
        raise LookupError(f"there is no property {name}: they are {', '.join(PROPERTIES)}")
    return PROPERTIES[known]()


def add_marker(config: pytest.Config) -> None:
    """Make the marker `needs` known to pytest."""
    config.addinivalue_line("markers", "needs(property...): of the machine; see course/machine.py")


def skip_without_needs(item: pytest.Item) -> None:
    """Skip a test whose marker `needs` names a property that this machine lacks."""
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if why := missing(name):
                pytest.skip(f"needs {name}: {why}")


@cache
def slowness() -> int:
    """Return the factor for deadlines: an emulated machine starts programs 55 times slower."""
    with open("/proc/cpuinfo") as file:
        return 20 if "QEMU" in file.read(4096) else 1


def _root() -> str:
    return "" if os.geteuid() == 0 else "this is not root"


def _real_root() -> str:
    mapped = Path("/proc/self/uid_map").read_text().split()
    if os.geteuid() == 0 and mapped == ["0", "0", "4294967295"]:
        return ""
    return "this is not the machine's root: say sudo"


def _cgroup_v2() -> str:
    if _kind(CGROUPS) != syscalls.CGROUP2_SUPER_MAGIC:
        return f"{CGROUPS} is not a cgroup v2 file system"
    here = Path(CGROUPS, "cgroup.controllers").read_text().split()
    lacking = {"memory", "cpu", "pids"} - set(here)
    return f"cgroup v2 has no {min(lacking)} controller here" if lacking else ""


def _cgroup_v1() -> str:
    kinds = {name: _kind(f"{CGROUPS}/{name}") for name in ("memory", "pids", "freezer", "cpu")}
    lacking = [name for name, kind in kinds.items() if kind != syscalls.CGROUP_SUPER_MAGIC]
    return f"{CGROUPS}/{lacking[0]} is not a cgroup v1 file system" if lacking else ""


def _kind(path: str) -> int:
    try:
        return syscalls.filesystem_type(path)
    except OSError:
        return 0


def _overlay() -> str:
    if "overlay" in Path("/proc/filesystems").read_text().split():
        return ""
    # One that is a module is loaded by the kernel itself, at the first mount.
    modules = Path("/lib/modules", os.uname().release, "modules.dep")
    if modules.is_file() and "/overlay.ko" in modules.read_text():
        return ""
    return "this kernel has no overlay file system"


@cache
def _user_namespaces() -> str:
    """Try it as an ordinary user would: a fork maps itself to root and mounts something."""
    if os.geteuid() == 0:
        return ""  # root needs none
    pid = os.fork()
    if pid == 0:
        try:
            become_root()
            syscalls.unshare(syscalls.CLONE_NEWNS)
            syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
            os._exit(0)
        except OSError:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    return "this system forbids user namespaces (see lab doctor)" if status else ""


def become_root() -> None:
    """Enter a new user namespace in which the caller is root. user_namespaces(7)."""
    user, group = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def _mknod() -> str:
    held, _, _ = syscalls.capget()
    if held >> CAP_MKNOD & 1 and not _real_root():
        return ""
    return "mknod is not permitted: device nodes are bound instead"


def _swap() -> str:
    lines = Path("/proc/swaps").read_text().splitlines()
    return "" if len(lines) > 1 else "this machine has no swap space in use"


def _nftables() -> str:
    found = any(os.access(f"{place}/nft", os.X_OK) for place in ("/usr/sbin", "/sbin", "/usr/bin"))
    return "" if found else "nft is not installed"


def _newuidmap() -> str:
    lacking = [it for it in ("newuidmap", "newgidmap") if not os.access(f"/usr/bin/{it}", os.X_OK)]
    return f"{lacking[0]} is not installed (the package uidmap)" if lacking else ""


def _distribution() -> str:
    """The registry of the chapters' sessions, and what they speak to it with."""
    packages = {"docker-registry": "docker-registry", "htpasswd": "apache2-utils", "curl": "curl"}
    lacking = [package for name, package in packages.items() if shutil.which(name) is None]
    return f"the package {lacking[0]} is not installed" if lacking else ""


PROPERTIES: dict[str, Callable[[], str]] = {
    "root": _root,
    "real-root": _real_root,
    "cgroup-v2": _cgroup_v2,
    "cgroup-v1": _cgroup_v1,
    "overlay": _overlay,
    "user-namespaces": _user_namespaces,
    "mknod": _mknod,
    "swap": _swap,
    "nftables": _nftables,
    "newuidmap": _newuidmap,
    "distribution": _distribution,
}
