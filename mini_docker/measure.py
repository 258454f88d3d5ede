"""What containers use: samples of their control groups, and rates from two of them."""

from __future__ import annotations

import os
import time

from mini_docker import cgroups_tree, swap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container


class Sample:
    """What one container used at one moment."""

    __slots__ = ("at", "received", "sent", "used")

    def __init__(self, at: float, used: dict[str, int], received: int, sent: int) -> None:
        self.at = at  # seconds of a clock that only goes forward
        self.used = used  # see cgroups.statistics
        self.received = received  # bytes, over all interfaces but the loopback
        self.sent = sent


def sample(it: Container) -> Sample:
    """Take a sample of *it*; all zero if it is not running."""
    if not it.running():
        return Sample(time.monotonic(), {}, 0, 0)
    swap.require("cgroups", what="stats")
    group = cgroups_tree.of(it.config(), "measure")
    received, sent = traffic(it.pid())
    return Sample(time.monotonic(), group.statistics(), received, sent)


def cpu_percent(first: Sample, second: Sample) -> float:
    """Return the processor time between two samples, in percent of one processor."""
    elapsed = second.at - first.at
    used = second.used.get("cpu", 0) - first.used.get("cpu", 0)
    return max(0.0, used / 1e9 / elapsed * 100) if elapsed > 0 else 0.0


def memory_limit(used: dict[str, int]) -> int:
    """Return the limit in bytes: the container's own, or all that the machine has."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = used.get("limit", 0)
    return min(limit, machine) if limit else machine


def traffic(pid: int) -> tuple[int, int]:
    """Return bytes received and sent in the network namespace of *pid*, without loopback.

    /proc/PID/net/dev: two lines of headings, then NAME: and sixteen numbers. proc(5).
    """
    received = sent = 0
    try:
        with open(f"/proc/{pid}/net/dev") as file:
            for line in file.readlines()[2:]:
                name, _, numbers = line.partition(":")
                fields = numbers.split()
                if name.strip() != "lo":
                    received += int(fields[0])
                    sent += int(fields[8])
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return received, sent
