"""Limits: from the words of an OCI config to the files of either cgroup version.

The input is ``linux.resources`` of config.json (config-linux.md, "Control groups"),
whose units are those of version 1: memory in bytes, swap as memory plus swap, cpu
shares from 2 to 262144.
"""

from __future__ import annotations

from mini_docker.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

THROTTLES = {  # OCI's name: the key in io.max, and the file of version 1
    "throttleReadBpsDevice": ("rbps", "blkio.throttle.read_bps_device"),
    "throttleWriteBpsDevice": ("wbps", "blkio.throttle.write_bps_device"),
    "throttleReadIOPSDevice": ("riops", "blkio.throttle.read_iops_device"),
    "throttleWriteIOPSDevice": ("wiops", "blkio.throttle.write_iops_device"),
}
DEFAULT_PERIOD = 100_000  # microseconds, the kernel's own
MOST_CPUS = 8192


def files_v2(resources: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (file, text) for each limit in *resources*, for cgroup v2.

    >>> files_v2({"memory": {"limit": 67108864, "swap": 134217728}})
    [('memory.max', '67108864'), ('memory.swap.max', '67108864')]
    """
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    found: list[tuple[str, str]] = []
    limit, swap = memory.get("limit"), memory.get("swap")
    if limit:
        found.append(("memory.max", _or_max(limit)))
    if swap:
        alone = swap - limit if swap > 0 and limit and limit > 0 else -1
        found.append(("memory.swap.max", _or_max(alone)))
    if memory.get("reservation"):
        found.append(("memory.low", str(memory["reservation"])))
    if cpu.get("shares"):
        found.append(("cpu.weight", str(weight_of_shares(cpu["shares"]))))
    if cpu.get("quota") or cpu.get("period"):
        period = cpu.get("period") or DEFAULT_PERIOD
        found.append(("cpu.max", f"{_or_max(cpu.get('quota') or -1)} {period}"))
    found += _cpuset(cpu)
    if "limit" in resources.get("pids", {}):
        found.append(("pids.max", _or_max(resources["pids"]["limit"] or -1)))
    block = resources.get("blockIO", {})
    if block.get("weight"):
        # The proportional controllers: bfq counts as version 1 did, io.cost from 1 to 10000.
        found.append(("io.bfq.weight", str(block["weight"])))
    for device in block.get("weightDevice", []):
        found.append(("io.bfq.weight", f"{_device(device)} {device['weight']}"))
    for name, (key, _) in THROTTLES.items():
        for device in block.get(name, []):
            found.append(("io.max", f"{_device(device)} {key}={device['rate']}"))
    return found


def files_v1(resources: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (file, text) for each limit in *resources*, for cgroup v1."""
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    block = resources.get("blockIO", {})
    pairs = [
        ("memory.limit_in_bytes", memory.get("limit")),
        ("memory.memsw.limit_in_bytes", memory.get("swap")),
        ("memory.soft_limit_in_bytes", memory.get("reservation")),
        ("memory.swappiness", memory.get("swappiness")),
        ("cpu.shares", cpu.get("shares")),
        ("cpu.cfs_period_us", cpu.get("period")),
        ("cpu.cfs_quota_us", cpu.get("quota")),
    ]
    found = [(name, str(value)) for name, value in pairs if value is not None and value != 0]
    if memory.get("swappiness") == 0:
        found.append(("memory.swappiness", "0"))
    if memory.get("disableOOMKiller"):
        found.append(("memory.oom_control", "1"))
    found += _cpuset(cpu)
    if "limit" in resources.get("pids", {}):
        found.append(("pids.max", _or_max(resources["pids"]["limit"] or -1)))
    if block.get("weight"):
        found.append(("blkio.bfq.weight", str(block["weight"])))
    for device in block.get("weightDevice", []):
        found.append(("blkio.bfq.weight_device", f"{_device(device)} {device['weight']}"))
    for name, (_, file) in THROTTLES.items():
        for device in block.get(name, []):
            found.append((file, f"{_device(device)} {device['rate']}"))
    return found


def weight_of_shares(shares: int) -> int:
    """Return the cpu.weight, 1 to 10000, for version 1's *shares*, 2 to 262144.

    The two ends meet and the way between is straight, as runc and crun map it:
    config-linux.md leaves the formula to the runtime.

    >>> weight_of_shares(2), weight_of_shares(1024), weight_of_shares(262144)
    (1, 39, 10000)
    """
    shares = max(2, min(262144, shares))
    return 1 + (shares - 2) * 9999 // 262142


def cpu_list(text: str) -> str:
    """Return the list of processors or memory nodes *text* as the kernel will show it.

    >>> cpu_list("3,0,1")
    '0-1,3'

    CgroupError if *text* is not a list in the form of cpuset(7), "Formats".
    """
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = (first, last if dash else first)
        if not all(end.isdecimal() and int(end) < MOST_CPUS for end in ends):
            raise CgroupError(f"invalid list {text!r}: write numbers and ranges, such as 0-2,7")
        numbers.update(range(int(ends[0]), int(ends[1]) + 1))
    if not numbers:
        raise CgroupError(f"invalid list {text!r}: a range goes from the smaller to the larger")
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{low}-{high}" if low < high else str(low) for low, high in runs)


def _cpuset(cpu: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f"cpuset.{key}", cpu_list(cpu[key])) for key in ("cpus", "mems") if cpu.get(key)]


def _or_max(value: int) -> str:
    return "max" if value < 0 else str(value)


def _device(device: dict[str, Any]) -> str:
    return f"{device['major']}:{device['minor']}"
