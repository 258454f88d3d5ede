"""mini-docker update: change the limits of containers, also while they run."""

from __future__ import annotations

import os
import sys

from mini_docker import cgroups_tree, containers, events, operations_wait, records, settings, swap
from mini_docker.cli import run_checks, run_lifecycle, run_settings
from mini_docker.cli.each import each
from mini_docker.cli.options import Command, Flag
from mini_docker.cli.run_flags import FLAGS
from mini_docker.errors import Conflict, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

CHANGEABLE = {  # the flag: HostConfig's name
    "blkio-weight": "BlkioWeight",
    "cpu-period": "CpuPeriod",
    "cpu-quota": "CpuQuota",
    "cpu-shares": "CpuShares",
    "cpus": "NanoCpus",
    "cpuset-cpus": "CpusetCpus",
    "cpuset-mems": "CpusetMems",
    "memory": "Memory",
    "memory-reservation": "MemoryReservation",
    "memory-swap": "MemorySwap",
    "pids-limit": "PidsLimit",
    "restart": "RestartPolicy",
}
COMMAND = Command(
    "update",
    "Update configuration of one or more containers",
    "mini-docker update [OPTIONS] CONTAINER [CONTAINER...]",
    tuple(
        Flag(f.name, f.short, f.kind, f.metavar, None, f.help)
        for f in FLAGS
        if f.name in CHANGEABLE
    ),
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Change the limits of each container."""
    if not values.given:
        raise UsageError("you must provide one or more flags when using this command")
    if values.given != {"restart"}:
        swap.require("cgroups", what="update")
        run_checks.limits(values)
    changes = {CHANGEABLE[name]: getattr(values, name.replace("-", "_")) for name in values.given}
    if "restart" in values.given:
        swap.require("lifecycle", what="update --restart")
        changes["RestartPolicy"] = run_lifecycle.restart_policy(values.restart)
    if changes.get("PidsLimit") == 0:
        changes["PidsLimit"] = -1
    return each(store, values.arguments, lambda it: change(it, changes))


def change(it: containers.Container, changes: dict[str, Any]) -> None:
    """Change HostConfig by *changes*: in the kernel if it runs, and in its records.

    The kernel comes first: what it refuses is not written down.
    """
    with it.change():
        it.reload()  # somebody else may have changed it since it was found
        host = merge(it.record["HostConfig"], changes)
        new = settings.resources(host)
        config = it.config()
        if it.running() and set(changes) != {"RestartPolicy"}:
            group = cgroups_tree.of(config, "update")
            for warning in group.apply(settings.resources(_needed(host, changes))):
                print(f"WARNING: {warning}", file=sys.stderr)
        kept = {"devices": config["linux"]["resources"].get("devices", [])}
        config["linux"]["resources"] = {**kept, **new}
        directory = it.store.directory(it.id)
        record = {**it.record, "HostConfig": host}
        records.write(os.path.join(directory, "config.json"), config)
        records.write(os.path.join(directory, "container.json"), record)
    if it.status() == "restarting":
        operations_wait.tell(it)
    events.container(it, "update")


def merge(host: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return *host* with *changes*, if the two agree; UsageError in Docker's words if not."""
    new = {**host, **changes}
    if "RestartPolicy" in changes and host.get("AutoRemove"):
        raise Conflict(
            "Restart policy cannot be updated because AutoRemove is enabled for the container"
        )
    if new.get("NanoCpus") and (new.get("CpuQuota") or new.get("CpuPeriod")):
        raise UsageError(
            "Conflicting options: Nano CPUs and CPU quota or period exclude each other"
        )
    limit, swap_limit = new.get("Memory", 0), new.get("MemorySwap", 0)
    if "Memory" in changes and 0 < limit < run_settings.LEAST_MEMORY:
        raise UsageError("Minimum memory limit allowed is 6MB")
    if 0 < swap_limit < limit:
        raise UsageError(
            "Memory limit should be smaller than already set memoryswap limit, update the "
            "memoryswap at the same time"
        )
    if limit and "Memory" in changes and not swap_limit:
        new["MemorySwap"] = 2 * limit
    return new


def _needed(host: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return of *host* what the change touches: memory and swap, quota and period go together."""
    groups = ({"Memory", "MemorySwap"}, {"NanoCpus", "CpuQuota", "CpuPeriod"})
    wanted = set(changes)
    for group in groups:
        if wanted & group:
            wanted |= group
    return {key: value for key, value in host.items() if key in wanted}
