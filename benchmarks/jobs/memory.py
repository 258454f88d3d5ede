"""What stays in memory beside an idle detached container: the process that watches it.

Memory that processes share is divided among them (PSS, proc(5), smaps_rollup): so one
among twenty says what the next one costs.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.command import Failed
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer

NAMES = [f"bench-memory-{number}" for number in range(20)]
SETTLED = 30.0  # seconds until all of them are what they stay: ours become smaller


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Read the memory of one monitor of twenty, on the average, in megabytes."""
    if peer.monitors() is None:
        return None
    peer.start_idle(NAMES)
    stack.callback(peer.remove, NAMES)
    give_up = time.monotonic() + SETTLED
    while len(peer.monitors() or []) < len(NAMES) and time.monotonic() < give_up:
        time.sleep(0.1)
    time.sleep(1.0)  # the last of them has just begun
    return lambda: mean(peer)


def mean(peer: Peer) -> float:
    """Return the mean PSS of the monitors of *peer*."""
    pids = peer.monitors() or []
    if len(pids) != len(NAMES):
        raise Failed(f"{len(NAMES)} containers have {len(pids)} monitors")
    return sum(map(proportional_set_size, pids)) / len(pids)


def proportional_set_size(pid: int) -> float:
    """Return the PSS of process *pid* in megabytes of 10**6 bytes."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        line = next(line for line in file if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024 / 1e6


JOB = Job(
    title="memory (PSS) of the monitor of an idle container, among 20",
    unit="MB",
    prepare=prepare,
    targets=(Target(3.5),),
    rounds=3,
)
