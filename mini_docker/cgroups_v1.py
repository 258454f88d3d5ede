"""Control groups, version 1: a tree of its own for each controller.

The verbs are those of cgroups.py; the nouns differ. One group is a directory of the
same name in every tree, and the files have other names: memory.limit_in_bytes,
cpu.cfs_quota_us, freezer.state. *trees* maps a controller to its mount here.
cgroup-v1/*.rst in the kernel's documentation.
"""

from __future__ import annotations

import os
import time

from mini_docker import cgroups, cgroups_limits
from mini_docker.errors import CgroupError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NO_LIMIT = 2**62  # bytes; version 1 shows "no limit" as the largest number of pages


def create(trees: Mapping[str, str], path: str) -> None:
    """Make the group *path* in every tree; CgroupError, naming the directory."""
    for mount in set(trees.values()):
        group = mount
        for name in path.strip("/").split("/"):
            above, group = group, f"{group}/{name}"
            try:
                os.mkdir(group, 0o755)
            except FileExistsError:
                pass
            except OSError as error:
                raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
            if mount == trees.get("cpuset"):
                _inherit_cpuset(above, group)


def _inherit_cpuset(above: str, group: str) -> None:
    """Fill a new cpuset from its parent: an empty one takes no process. cpusets.rst."""
    for name in "cpuset.cpus", "cpuset.mems":
        if not cgroups.read(group, name):
            cgroups.write(group, name, cgroups.read(above, name))


def apply(trees: Mapping[str, str], path: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    """Write *limits*, pairs of a file and its text, each in its controller's tree.

    Return a sentence for each that does not hold, as cgroups.apply does.
    """
    warnings = []
    waiting = list(limits)
    for attempt in range(2):
        refused = []
        for name, wanted in waiting:
            group = f"{trees.get(name.partition('.')[0], '/nowhere')}/{path.strip('/')}"
            try:
                warnings += _apply_one(group, name, wanted)
            except CgroupError:
                # memory.limit must stay below memory.memsw at every moment: which of the
                # two goes first depends on whether they grow or shrink. So ask once more.
                if attempt:
                    raise
                refused.append((name, wanted))
        waiting = refused
    return warnings


def _apply_one(group: str, name: str, wanted: str) -> list[str]:
    if not os.path.exists(f"{group}/{name}"):
        return [cgroups_limits.discarded(name)]
    cgroups.write(group, name, wanted)
    kept = cgroups.read(group, name)
    if cgroups.holds(wanted, kept) or _unlimited(wanted, kept):
        return []
    return [f"{group}/{name} holds {kept!r} where {wanted!r} was asked for"]


def _unlimited(wanted: str, kept: str) -> bool:
    """Say whether *wanted* takes a limit away, and *kept* shows none."""
    if wanted == "-1":
        return kept.isdecimal() and int(kept) >= NO_LIMIT
    # A rate of 0: the device's line goes. oom_control shows more than was written.
    device, _, rate = wanted.rpartition(" ")
    return rate == "0" and not any(line.startswith(f"{device} ") for line in kept.splitlines())


def join(trees: Mapping[str, str], path: str) -> None:
    """Move the calling thread, the only one of its process, into the group in every tree.

    cgroup.procs would do as well and takes forty times as long: it stops all forks of
    the machine for each tree.
    """
    for mount in set(trees.values()):
        cgroups.write(f"{mount}/{path.strip('/')}", "tasks", "0")


def freeze(trees: Mapping[str, str], path: str, frozen: bool = True) -> None:
    """Stop every process of the group, or let them run again; return when that is so."""
    if "freezer" not in trees:
        raise CgroupError("cannot pause: the freezer controller is not mounted")
    group = f"{trees['freezer']}/{path.strip('/')}"
    state = "FROZEN" if frozen else "THAWED"
    give_up = time.monotonic() + cgroups.FREEZE_DEADLINE
    cgroups.write(group, "freezer.state", state)
    while cgroups.read(group, "freezer.state") != state:
        if time.monotonic() > give_up:
            cgroups.write(group, "freezer.state", "THAWED" if frozen else "FROZEN")
            raise CgroupError(f"cannot make {group} {state}: not done in time")
        time.sleep(0.001)
        cgroups.write(group, "freezer.state", state)  # a fork may have slipped through


def statistics(trees: Mapping[str, str], path: str) -> dict[str, int]:
    """Return what the group uses: the keys and units of cgroups.statistics."""
    at = {name: f"{mount}/{path.strip('/')}" for name, mount in trees.items()}
    memory = at.get("memory", "")
    cache = cgroups.table(memory, "memory.stat").get("total_inactive_file", 0)
    limit = cgroups.number(memory, "memory.limit_in_bytes")
    transferred = {"Read": 0, "Write": 0}
    for line in cgroups.text(at.get("blkio", ""), _SERVICE_BYTES).splitlines():
        words = line.split()
        if len(words) == 3 and words[1] in transferred:
            transferred[words[1]] += int(words[2])
    return {
        "cpu": cgroups.number(at.get("cpuacct", ""), "cpuacct.usage"),
        "memory": max(0, cgroups.number(memory, "memory.usage_in_bytes") - cache),
        "limit": 0 if limit >= NO_LIMIT else limit,
        "pids": cgroups.number(at.get("pids", ""), "pids.current"),
        "read": transferred["Read"],
        "written": transferred["Write"],
    }


_SERVICE_BYTES = "blkio.throttle.io_service_bytes_recursive"


def processes(trees: Mapping[str, str], path: str) -> list[int]:
    """Return the pids of all processes in the group and below, as any one tree shows them."""
    pids: set[int] = set()
    for mount in set(trees.values()):
        pids.update(cgroups.processes(f"{mount}/{path.strip('/')}"))
    return sorted(pids)


def kill(trees: Mapping[str, str], path: str) -> None:
    """Send SIGKILL once to every process of the group and below.

    They are stopped meanwhile, so that few can fork away. Then the groups are let go, all
    of them: under version 1 a stopped process does not even die.
    """
    top = f"{trees['freezer']}/{path.strip('/')}" if "freezer" in trees else ""
    stops = [directory for directory, _, _ in os.walk(top)] if top else []
    if stops:
        cgroups.write(top, "freezer.state", "FROZEN")
    send_kill(processes(trees, path))
    for directory in stops:
        cgroups.write(directory, "freezer.state", "THAWED")


def send_kill(pids: Iterable[int]) -> None:
    """Send SIGKILL to each of *pids* that still exists."""
    for pid in pids:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            continue


def remove(trees: Mapping[str, str], path: str) -> None:
    """Remove the group, which has no processes any more, from every tree."""
    for mount in set(trees.values()):
        cgroups.remove(f"{mount}/{path.strip('/')}")
