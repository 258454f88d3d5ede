"""Many containers that stay: how long until the last of them runs."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import IDLE, Engine, Peer

NAMES = [f"bench-start-{number}" for number in range(50)]


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time 50 times `run -d`, one after the other."""
    if not isinstance(peer, Engine):
        return None
    engine = peer

    def read() -> float:
        spent = 0.0
        for name in NAMES:
            run = engine.argv("run", "-d", "--name", name, *engine.options())
            spent += engine.timed([*run, "busybox", *IDLE])
        engine.remove(NAMES)
        return spent

    return read


JOB = Job(
    title="50 times `run -d`, no network",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.15, "docker"),),
    rounds=5,
    warm_up=0,
    pause=2.0,  # fifty network namespaces have to go
)
