"""The life of a container in four commands."""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer

NAME = "bench-life"
OBEYS = "trap 'exit 0' TERM; sleep 100000 & wait"  # a process 1 without a handler is deaf
READY = 0.1  # seconds until the shell has its handler, not counted


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `create`, `start`, `stop` and `rm`, one after the other."""
    if not isinstance(peer, Engine):
        return None
    engine = peer

    def read() -> float:
        create = engine.argv("create", "--name", NAME, *engine.options())
        spent = engine.timed([*create, "busybox", "sh", "-c", OBEYS])
        spent += engine.timed(engine.argv("start", NAME))
        time.sleep(READY)
        spent += engine.timed(engine.argv("stop", NAME))
        return spent + engine.timed(engine.argv("rm", NAME))

    return read


JOB = Job(
    title="`create`, `start`, `stop`, `rm` of a container that obeys",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.25, "docker"),),
)
