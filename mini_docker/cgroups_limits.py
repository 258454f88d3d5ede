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

# What Docker says of a limit for which this kernel has no file. The first line whose
# beginning of a file's name fits counts.
_UNMOUNTED = "or the cgroup is not mounted."
ABSENT = (
    ("memory.swap.", f"swap limit capabilities {_UNMOUNTED} Memory limited without swap."),
    ("memory.memsw.", f"swap limit capabilities {_UNMOUNTED} Memory limited without swap."),
    (
        "memory.swappiness",
        f"memory swappiness capabilities {_UNMOUNTED} Memory swappiness discarded.",
    ),
    ("memory.oom_control", "OomKillDisable. OomKillDisable discarded."),
    ("memory.low", f"memory soft limit capabilities {_UNMOUNTED} Limitation discarded."),
    ("memory.soft", f"memory soft limit capabilities {_UNMOUNTED} Limitation discarded."),
    ("memory.", f"memory limit capabilities {_UNMOUNTED} Limitation discarded."),
    ("cpu.shares", f"CPU shares {_UNMOUNTED} Shares discarded."),
    ("cpu.weight", f"CPU shares {_UNMOUNTED} Shares discarded."),
    ("cpu.", "CPU CFS scheduler. CPU period/quota discarded."),
    ("cpuset.", f"cpuset {_UNMOUNTED} Cpuset discarded."),
    ("pids.", f"PIDs limit capabilities {_UNMOUNTED} PIDs limit discarded."),
    ("io.max", f"Block I/O limits {_UNMOUNTED} Block I/O limits discarded."),
    (
        "blkio.throttle.read_bps",
        f"BPS Block I/O read limit {_UNMOUNTED} Block I/O BPS read limit discarded.",
    ),
    (
        "blkio.throttle.write_bps",
        f"BPS Block I/O write limit {_UNMOUNTED} Block I/O BPS write limit discarded.",
    ),
    (
        "blkio.throttle.read_iops",
        f"IOPS Block read limit {_UNMOUNTED} Block I/O IOPS read limit discarded.",
    ),
    (
        "blkio.throttle.write_iops",
        f"IOPS Block write limit {_UNMOUNTED} Block I/O IOPS write limit discarded.",
    ),
    ("io.", f"Block I/O weight {_UNMOUNTED} Weight discarded."),
    ("blkio.", f"Block I/O weight {_UNMOUNTED} Weight discarded."),
    ("", "this limit. It is discarded."),
)


def files_v2(resources: dict[str, Any], bfq: bool = True) -> list[tuple[str, str]]:
    """Return (file, text) for each limit in *resources*, for cgroup v2.

    *bfq* tells that the scheduler of this name shares out the disks: it reads
    io.bfq.weight, counted as in version 1; the others read io.weight.

    >>> files_v2({"memory": {"limit": 67108864, "swap": 134217728}})
    [('memory.max', '67108864'), ('memory.swap.max', '67108864')]
    """
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    found: list[tuple[str, str]] = []
    limit, swap = _memory_and_swap(memory)
    if limit:
        found.append(("memory.max", _or_max(limit)))
    if swap:
        found.append(("memory.swap.max", _or_max(swap - limit if min(swap, limit) > 0 else -1)))
    if memory.get("reservation"):
        found.append(("memory.low", _or_max(memory["reservation"])))
    # Version 2 has no such files: the names stand here so that nothing is dropped in silence.
    if memory.get("swappiness") is not None:
        found.append(("memory.swappiness", str(memory["swappiness"])))
    if memory.get("disableOOMKiller"):
        found.append(("memory.oom_control", "1"))
    if cpu.get("shares"):
        found.append(("cpu.weight", str(weight_of_shares(cpu["shares"]))))
    if cpu.get("quota") or cpu.get("period"):
        period = cpu.get("period") or DEFAULT_PERIOD
        found.append(("cpu.max", f"{_or_max(cpu.get('quota') or -1)} {period}"))
    found += _cpuset(cpu) + _pids(resources) + _io_v2(resources.get("blockIO", {}), bfq)
    return found + sorted(resources.get("unified", {}).items())


def _io_v2(block: dict[str, Any], bfq: bool) -> list[tuple[str, str]]:
    found = []
    name = "io.bfq.weight" if bfq else "io.weight"
    weights = [("", block["weight"])] if block.get("weight") else []
    weights += [(f"{_device(row)} ", row["weight"]) for row in block.get("weightDevice", [])]
    for device, weight in weights:
        found.append((name, f"{device}{weight if bfq else io_weight(weight)}"))
    for throttle, (key, _) in THROTTLES.items():
        for row in block.get(throttle, []):
            found.append(("io.max", f"{_device(row)} {key}={row['rate'] or 'max'}"))
    return found


def files_v1(resources: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (file, text) for each limit in *resources*, for cgroup v1."""
    memory, cpu = resources.get("memory", {}), resources.get("cpu", {})
    block = resources.get("blockIO", {})
    limit, swap = _memory_and_swap(memory)
    pairs = [
        ("memory.limit_in_bytes", limit),
        ("memory.memsw.limit_in_bytes", swap),
        ("memory.soft_limit_in_bytes", memory.get("reservation")),
        ("cpu.shares", cpu.get("shares")),
        ("cpu.cfs_period_us", cpu.get("period")),
        ("cpu.cfs_quota_us", cpu.get("quota")),
        ("blkio.bfq.weight", block.get("weight")),
    ]
    found = [(name, str(value)) for name, value in pairs if value]
    if memory.get("swappiness") is not None:
        found.append(("memory.swappiness", str(memory["swappiness"])))
    if memory.get("disableOOMKiller"):
        found.append(("memory.oom_control", "1"))
    found += _cpuset(cpu) + _pids(resources)
    for row in block.get("weightDevice", []):
        found.append(("blkio.bfq.weight_device", f"{_device(row)} {row['weight']}"))
    for throttle, (_, file) in THROTTLES.items():
        for row in block.get(throttle, []):
            found.append((file, f"{_device(row)} {row['rate']}"))
    return found


def discarded(name: str) -> str:
    """Return Docker's sentence for a limit that has no file *name* here.

    >>> discarded("pids.max")[:52]
    'Your kernel does not support PIDs limit capabilities'
    """
    words = next(words for beginning, words in ABSENT if name.startswith(beginning))
    return f"Your kernel does not support {words} (There is no {name}.)"


def weight_of_shares(shares: int) -> int:
    """Return the cpu.weight, 1 to 10000, for version 1's *shares*, 2 to 262144.

    Ends meet ends, and the default 1024 meets the default 100. The curve through the
    three is a parabola of logarithms, as in runc from 1.3.2 and crun from 1.23; their
    elder versions drew a straight line, on which 1024 shares weighed 39.

    >>> weight_of_shares(2), weight_of_shares(1024), weight_of_shares(262144)
    (1, 100, 10000)
    """
    from math import ceil, log2

    if shares <= 2:
        return 1
    power = log2(min(shares, 262144))
    return min(10000, ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34)))


def io_weight(weight: int) -> int:
    """Return the io.weight, 1 to 10000, for version 1's *weight*, 10 to 1000: a straight line.

    >>> io_weight(10), io_weight(500), io_weight(1000)
    (1, 4950, 10000)
    """
    return 1 + (max(10, min(1000, weight)) - 10) * 9999 // 990


def numbers(text: str) -> set[int]:
    """Return the processors or memory nodes that the list *text* stands for.

    >>> sorted(numbers("0-2,7"))
    [0, 1, 2, 7]

    CgroupError if *text* is not a list in the form of cpuset(7), "Formats".
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdecimal() and int(end) < MOST_CPUS for end in ends):
            raise CgroupError(f"invalid list {text!r}: write numbers and ranges, such as 0-2,7")
        if int(ends[0]) > int(ends[1]):
            raise CgroupError(f"invalid list {text!r}: a range goes from the smaller to the larger")
        found.update(range(int(ends[0]), int(ends[1]) + 1))
    return found


def cpu_list(text: str) -> str:
    """Return the list of processors or memory nodes *text* as the kernel will show it.

    >>> cpu_list("3,0,1")
    '0-1,3'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers(text)):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{low}-{high}" if low < high else str(low) for low, high in runs)


def _memory_and_swap(memory: dict[str, Any]) -> tuple[int, int]:
    """Return the limits for memory and for memory plus swap; 0 for unset, -1 for none."""
    limit, swap = memory.get("limit") or 0, memory.get("swap") or 0
    if 0 < swap < limit:
        raise CgroupError(
            f"the limit for memory plus swap, {swap}, is below the one for memory, {limit}"
        )
    return limit, swap


def _cpuset(cpu: dict[str, Any]) -> list[tuple[str, str]]:
    return [(f"cpuset.{key}", cpu_list(cpu[key])) for key in ("cpus", "mems") if cpu.get(key)]


def _pids(resources: dict[str, Any]) -> list[tuple[str, str]]:
    limit = resources.get("pids", {}).get("limit")
    return [] if limit is None else [("pids.max", _or_max(limit or -1))]


def _or_max(value: int) -> str:
    return "max" if value < 0 else str(value)


def _device(device: dict[str, Any]) -> str:
    return f"{device['major']}:{device['minor']}"
