"""`lab doctor`: is this machine fit for the course? Each line says what is, or what to do.

It changes nothing. Something that only makes a part of the course poorer is a warning;
what makes containers impossible is an error, and the exit status is then 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from course import machine
from mini_docker import syscalls

KERNEL = (5, 8)  # clone3 with new namespaces, openat2, pidfd, and cgroup v2's freezer
PYTHON = (3, 11)
SETUP = "run  sudo scripts/setup"
VM = "use the VM:  vagrant up"
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
MARKS = {"ok": ("✔", "green"), "warning": ("!", "yellow"), "error": ("✘", "red")}


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    what: str
    level: str  # "ok", "warning" or "error"
    words: str  # what was found; for a warning or an error, what is wrong
    remedy: str = ""


def findings() -> list[Finding]:
    """Look at everything that the course needs."""
    return [check() for check in CHECKS]


def report(console: Console) -> int:
    """Print a line for each finding; return 1 if one of them is an error."""
    found = findings()
    for it in found:
        mark, style = MARKS[it.level]
        line = Text.assemble((mark, style), f" {it.what}: {it.words}")
        if it.remedy:
            line.append(f"; {it.remedy}", "bold")
        console.print(line, soft_wrap=True)
    return int(any(it.level == "error" for it in found))


def _kernel() -> Finding:
    found = os.uname()
    if found.sysname != "Linux":
        return Finding("kernel", "error", f"{found.sysname} makes no containers", VM)
    numbers = found.release.split("-")[0].split(".")
    words = f"Linux {found.release}, {found.machine}"
    if tuple(int(n) for n in numbers[:2] if n.isdecimal()) < KERNEL:
        wanted = ".".join(map(str, KERNEL))
        return Finding("kernel", "error", f"{words} is older than {wanted}", VM)
    return Finding("kernel", "ok", words)


def _python() -> Finding:
    words = "Python " + ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return Finding("python", "error", f"{words} is older than 3.11", VM)
    return Finding("python", "ok", words)


def _namespaces() -> Finding:
    kinds = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}
    lacking = kinds - set(os.listdir("/proc/self/ns"))
    if lacking:
        return Finding("namespaces", "error", f"this kernel lacks {', '.join(sorted(lacking))}", VM)
    return Finding("namespaces", "ok", "all eight kinds")


def _capabilities() -> Finding:
    if machine.missing("root"):
        return Finding("root", "ok", "an ordinary user; most of mini-docker wants sudo")
    held, _, _ = syscalls.capget()
    for name, number in {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12, "CAP_MKNOD": 27}.items():
        if not held >> number & 1:
            return Finding("root", "error", f"this root has no {name} (a container?)", VM)
    return Finding("root", "ok", "root, with the capabilities that an engine needs")


def _user_namespaces() -> Finding:
    """Labs 1 to 3 can be graded without sudo, where an ordinary user may be root in a namespace."""
    what = "user namespaces"
    if not machine.missing("root"):
        restricted = APPARMOR.exists() and APPARMOR.read_text().strip() == "1"
        words = "root needs none" + ("; AppArmor forbids them to others" if restricted else "")
        return Finding(what, "ok", words)
    if not machine.missing("user-namespaces"):
        return Finding(what, "ok", "an ordinary user may make them")
    name = "kernel.apparmor_restrict_unprivileged_userns=0"
    if not APPARMOR.exists():
        name = "kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000"
    remedy = f"run  sudo sysctl {name}  or grade with  sudo lab check"
    return Finding(what, "warning", "forbidden to ordinary users here", remedy)


def _mknod() -> Finding:
    """A machine root that may not make nodes sits in a container; a user binds the host's."""
    why = machine.missing("mknod")
    if why and not machine.missing("real-root"):
        return Finding("device nodes", "warning", why, VM)
    return Finding("device nodes", "ok", why or "mknod works")


def _cgroups() -> Finding:
    if not (why := machine.missing("cgroup-v2")):
        return Finding("cgroups", "ok", "version 2, with memory, cpu and pids")
    if not machine.missing("cgroup-v1"):
        words = "version 1; lab 4 is about version 2 and is graded in part only"
        boot = "boot with  systemd.unified_cgroup_hierarchy=1  or use the VM"
        return Finding("cgroups", "warning", words, boot)
    return Finding("cgroups", "error", why, VM)


def _overlay() -> Finding:
    if why := machine.missing("overlay"):
        return Finding("overlay", "error", why, "run  sudo modprobe overlay  or use the VM")
    return Finding("overlay", "ok", "the layers of an image can be stacked")


def _nftables() -> Finding:
    why = machine.missing("nftables")
    return Finding("nftables", "warning", why, SETUP) if why else Finding("nftables", "ok", "nft")


def _busybox() -> Finding:
    path = shutil.which("busybox", path="/usr/bin:/bin:/usr/local/bin")
    if path is None:
        return Finding("busybox", "error", "it is not installed", SETUP)
    if b"PT_INTERP" in _segments(path):
        words = f"{path} needs libraries, and a container of ours has none"
        return Finding("busybox", "error", words, "run  sudo apt-get install busybox-static")
    return Finding("busybox", "ok", f"{path}, static")


def _segments(path: str) -> bytes:
    """Return b"PT_INTERP" if the ELF file at *path* names a dynamic loader. elf(5)."""
    header = Path(path).read_bytes()[:4096]
    if header[:4] != b"\x7fELF" or header[4] != 2:
        return b""
    start = int.from_bytes(header[32:40], sys.byteorder)
    size = int.from_bytes(header[54:56], sys.byteorder)
    count = int.from_bytes(header[56:58], sys.byteorder)
    kinds = [int.from_bytes(header[start + n * size :][:4], sys.byteorder) for n in range(count)]
    return b"PT_INTERP" if 3 in kinds else b""


def _commands() -> Finding:
    path = shutil.which("mini-docker")
    if path is None:
        return Finding("commands", "warning", "mini-docker is not in your PATH", SETUP)
    done = subprocess.run([path, "version"], capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        return Finding("commands", "error", f"mini-docker does not run: {why}", SETUP)
    return Finding("commands", "ok", f"{path}, and lab")


CHECKS: list[Callable[[], Finding]] = [
    _kernel,
    _python,
    _namespaces,
    _capabilities,
    _user_namespaces,
    _mknod,
    _cgroups,
    _overlay,
    _nftables,
    _busybox,
    _commands,
]
