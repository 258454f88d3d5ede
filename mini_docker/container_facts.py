"""What the kernel holds for a container: read from /proc and the cgroup file systems.

Nothing here comes from the engine's records but the pid of process 1. What names itself in
there (programs, mount points, links) is the container's word: it is bounded in number and
length, and whoever shows it has to quote it.

proc(5), cgroups(7), namespaces(7), ip-address(8).
"""

from __future__ import annotations

import json
import os
import re
import subprocess

from mini_docker import cgroups_present, containers
from mini_docker.errors import MiniDockerError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.containers import Container

MOST = 200  # processes, mounts or links that are looked at
LARGEST = 2**20  # bytes of a file that are read
NAMESPACES = ("user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time")
V2_FILES = (
    *("memory.current", "memory.max", "memory.swap.max", "cpu.max", "cpu.weight"),
    *("cpuset.cpus", "pids.current", "pids.max", "io.max", "cgroup.freeze"),
)
V1_FILES = {  # by controller
    "memory": ("memory.usage_in_bytes", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
    "cpu": ("cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares"),
    "cpuset": ("cpuset.cpus",),
    "pids": ("pids.current", "pids.max"),
    "freezer": ("freezer.state",),
}


class Process:
    """A process, as /proc/PID/status and /proc/PID/cmdline have it."""

    __slots__ = ("command", "inside", "parent", "pid", "state", "uid")

    def __init__(self, pid: int) -> None:
        """Look at process *pid*; FileNotFoundError or ProcessLookupError if there is none."""
        fields = {}
        for line in _text(f"/proc/{pid}/status").splitlines():
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        words = _text(f"/proc/{pid}/cmdline").rstrip("\0").replace("\0", " ")
        self.pid = pid
        self.inside = int(fields["NSpid"].split()[-1])  # its number in its own pid namespace
        self.parent = int(fields["PPid"])
        self.uid = int(fields["Uid"].split()[0])
        self.state = fields["State"]  # such as "S (sleeping)"
        self.command = words or f"[{fields['Name']}]"


class Namespace:
    """A namespace of process 1, and who else is in it."""

    __slots__ = ("inode", "kind", "others", "shared")

    def __init__(self, kind: str, inode: int) -> None:
        self.kind = kind
        self.inode = inode
        self.shared = False  # with the engine: it is the host's
        self.others: list[str] = []  # names of containers that are in it too


class Mount:
    """A line of /proc/PID/mountinfo."""

    __slots__ = ("kind", "layers", "options", "point", "root", "source")

    def __init__(self, line: str) -> None:
        left, _, right = line.partition(" - ")
        fields, rest = left.split(" "), right.split(" ")  # a source may be empty
        self.root, self.point = _unescape(fields[3]), _unescape(fields[4])
        self.options = fields[5].split(",")
        self.kind, self.source = rest[0], _unescape(rest[1])
        self.layers = 0  # of an overlay; the topmost is the one that is written to
        if self.kind == "overlay":
            words = rest[2].split(",")
            lowers = [word for word in words if word.startswith(("lowerdir=", "lowerdir+="))]
            upper = any(word.startswith("upperdir=") for word in words)
            self.layers = sum(1 + word.count(":") for word in lowers) + upper


def processes(it: Container) -> list[Process]:
    """Return the processes of *it*, by pid: those in its control group, or in its namespace."""
    found = []
    for pid in pids(it)[:MOST]:
        try:
            found.append(Process(pid))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
    return found


def pids(it: Container) -> list[int]:
    """Return the pids, on the host, of the processes of *it*."""
    if it.config()["linux"].get("cgroupsPath"):
        found: set[int] = set()
        for mount, path in set(groups(it.pid()).values()):
            for below, _, names in os.walk(f"{mount}{path}"):
                if "cgroup.procs" in names:
                    found.update(map(int, _text(f"{below}/cgroup.procs").split()))
        if it.pid() in found:
            return sorted(found)
    theirs = inode(it.pid(), "pid")
    numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
    return [pid for pid in numbers if inode(pid, "pid") == theirs]


def groups(pid: int | str) -> dict[str, tuple[str, str]]:
    """Return the control groups of process *pid*: mount and path, by controller.

    The controller of version 2 is called "": there all are one group. Only those that hold
    limits: in a hybrid tree version 2 holds none.
    """
    tree = cgroups_present.find()
    found: dict[str, tuple[str, str]] = {}
    for line in _text(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            mount = tree.trees.get(name, "") if name else tree.unified
            if mount and path != "/" and (name or tree.version == "v2"):
                found[name] = mount, path
    return found


def own_groups(pid: int) -> dict[str, tuple[str, str]]:
    """Return those of groups() that process *pid* does not share with the engine."""
    ours = groups("self")
    return {name: place for name, place in groups(pid).items() if ours.get(name) != place}


def limits(pid: int) -> list[tuple[str, str]]:
    """Return files of the control groups of process *pid* alone, and what they hold."""
    found = []
    for controller, (mount, path) in own_groups(pid).items():
        for name in V1_FILES.get(controller, ()) if controller else V2_FILES:
            if os.path.exists(f"{mount}{path}/{name}"):
                found.append((name, " ".join(_text(f"{mount}{path}/{name}").split())))
    return found


def inode(pid: int | str, kind: str) -> int:
    """Return the number of the namespace of *kind* that process *pid* is in; 0 if it is gone."""
    try:
        return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
    except OSError:
        return 0


def namespaces(it: Container) -> list[Namespace]:
    """Return the namespaces of process 1 of *it*; which containers share them; or the host."""
    others = [
        other for other in containers.listing(it.store)[0] if other.running() and other.id != it.id
    ]
    found = []
    for kind in NAMESPACES:
        one = Namespace(kind, inode(it.pid(), kind))
        if one.inode:
            one.shared = inode("self", kind) == one.inode
            if not one.shared:
                one.others = [o.name() for o in others if inode(o.pid(), kind) == one.inode]
            found.append(one)
    return found


def mounts(pid: int) -> list[Mount]:
    """Return what process *pid* has mounted."""
    lines = _text(f"/proc/{pid}/mountinfo").split("\n")[:-1]  # whole ones
    return [Mount(line) for line in lines[:MOST]]


def links(pid: int = 0) -> list[dict[str, Any]]:
    """Return the network links in the namespace of process *pid*, or here, as `ip -j` has them."""
    enter = ["nsenter", f"--net=/proc/{pid}/ns/net"] if pid else []
    try:
        done = subprocess.run(
            [*enter, "ip", "-j", "-d", "address"], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        packages = {"ip": "iproute2", "nsenter": "util-linux"}
        install = packages.get(str(error.filename), "iproute2")
        raise NotFound(f"there is no program {error.filename!r} here: install {install}") from None
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise MiniDockerError(f"cannot list the links of process {pid or 'self'}: {why[0]}")
    found = json.loads(done.stdout or "[]")
    return [link for link in found if link.get("ifname")][:MOST]


def _text(path: str) -> str:
    """Return the text of a file of the kernel's; bytes that are no UTF-8 are replaced."""
    with open(path, "rb") as file:
        return file.read(LARGEST).decode(errors="replace")


def _unescape(text: str) -> str:
    r"""Return *text* of mountinfo with its blanks: they are \040 there, and a backslash \134."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
