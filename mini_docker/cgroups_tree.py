"""One control group of this machine, whichever version of cgroups it has: cgroups_present.py."""

from __future__ import annotations

import os
import time

from mini_docker import cgroups, cgroups_limits, cgroups_v1
from mini_docker.cgroups_present import Tree, present
from mini_docker.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KILL_DEADLINE = 10.0  # seconds
NOT_DELEGATED = (
    "that takes a session to which systemd has delegated one (cgroup v2; try: "
    "systemd-run --user --scope mini-docker ...)"
)


class Group:
    """One control group of this machine, named by its path, such as "/mini-docker/4fa6"."""

    __slots__ = ("directory", "path", "tree")

    def __init__(self, path: str, tree: Tree | None = None) -> None:
        if ".." in path.split("/") or not path.strip("/"):
            raise CgroupError(f"invalid cgroup path {path!r}: name a group below the root")
        self.path = path
        self.tree = tree or present()
        self.directory = f"{self.tree.unified}/{path.strip('/')}"  # of version 2

    def create(self) -> None:
        """Make the group, with every controller that can be had."""
        base = self.tree.base or ""
        if self.tree.version == "v2":
            cgroups.create(self.tree.unified + base, self.path.removeprefix(base))
        else:
            cgroups_v1.create(self.tree.trees, self.path)

    def exists(self) -> bool:
        """Say whether the group is there, in one tree at least."""
        mounts = {self.tree.unified, *self.tree.trees.values()} - {""}
        return any(os.path.isdir(f"{mount}/{self.path.strip('/')}") for mount in mounts)

    def join(self) -> None:
        """Move the calling process into the group."""
        if self.tree.version == "v2":
            cgroups.join(self.directory)
        else:
            cgroups_v1.join(self.tree.trees, self.path)

    def apply(self, resources: dict[str, Any]) -> list[str]:
        """Set the limits of an OCI *resources* object; return a warning for each not held."""
        self._refuse_absent(resources.get("cpu", {}))
        if self.tree.version == "v2":
            bfq = os.path.exists(f"{self.directory}/io.bfq.weight")
            return cgroups.apply(self.directory, cgroups_limits.files_v2(resources, bfq))
        files = cgroups_limits.files_v1(resources)
        return cgroups_v1.apply(self.tree.trees, self.path, files)

    def _refuse_absent(self, cpu: dict[str, Any]) -> None:
        """Refuse processors and memory nodes that are not here.

        Version 2 takes any that could be plugged in, and then uses the parent's.
        """
        root = self.tree.trees.get("cpuset", self.tree.unified)
        for key, what in (("cpus", "CPUs"), ("mems", "memory nodes")):
            here = cgroups.text(root, f"cpuset.{key}.effective") or cgroups.text(
                root, f"cpuset.{key}"
            )
            wanted = cpu.get(key)
            if wanted and here and cgroups_limits.numbers(wanted) - cgroups_limits.numbers(here):
                raise CgroupError(
                    f"Requested {what} are not available - requested {wanted}, available: {here}"
                )

    def freeze(self, frozen: bool = True) -> None:
        """Stop every process in the group, or let them run on."""
        if self.tree.version == "v2":
            cgroups.freeze(self.directory, frozen)
        else:
            cgroups_v1.freeze(self.tree.trees, self.path, frozen)

    def statistics(self) -> dict[str, int]:
        """Return what the group uses: see cgroups.statistics."""
        if self.tree.version == "v2":
            return cgroups.statistics(self.directory)
        return cgroups_v1.statistics(self.tree.trees, self.path)

    def processes(self) -> list[int]:
        """Return the pids in the group and below it; none if it does not exist."""
        if self.tree.version == "v2":
            return cgroups.processes(self.directory)
        return cgroups_v1.processes(self.tree.trees, self.path)

    def killed_for_memory(self) -> bool:
        """Say whether the kernel has killed a process here for want of memory."""
        if self.tree.version == "v2":
            return cgroups.table(self.directory, "memory.events").get("oom_kill", 0) > 0
        group = f"{self.tree.trees.get('memory', '')}/{self.path.strip('/')}"
        return cgroups.table(group, "memory.oom_control").get("oom_kill", 0) > 0

    def kill(self) -> None:
        """Send SIGKILL to everything in the group until nothing is left in it.

        They may fork as fast as we kill. Version 2 has cgroup.kill, which takes all of
        them at one moment (Linux 5.14); otherwise we go round until none is left.
        """
        give_up = time.monotonic() + KILL_DEADLINE
        while pids := self.processes():
            if self.tree.version != "v2":
                cgroups_v1.kill(self.tree.trees, self.path)
            elif os.path.exists(f"{self.directory}/cgroup.kill"):
                cgroups.write(self.directory, "cgroup.kill", "1")
            else:
                cgroups_v1.send_kill(pids)
            if time.monotonic() > give_up:
                raise CgroupError(f"cannot empty {self.path}: process {pids[0]} does not end")
            time.sleep(0.001)

    def remove(self) -> None:
        """Remove the group, once nothing is in it."""
        if self.tree.version == "v2":
            cgroups.remove(self.directory)
        else:
            cgroups_v1.remove(self.tree.trees, self.path)


def of(config: dict[str, Any], verb: str) -> Group:
    """Return the group of the container of *config*; CgroupError if it has none to *verb*."""
    if path := config["linux"].get("cgroupsPath"):
        return Group(path)
    raise CgroupError(
        f"cannot {verb} a container without a control group: for an ordinary user {NOT_DELEGATED}"
    )


def move_in(group: Group) -> None:
    """Move the caller into *group*, which another command has made.

    CgroupError, with what to do, if that command had a group delegated and this one has not.
    """
    try:
        group.join()
    except CgroupError as error:
        if present().base is not None:
            raise
        raise CgroupError(
            f"cannot move into the container's control group from here: {NOT_DELEGATED}"
        ) from error
