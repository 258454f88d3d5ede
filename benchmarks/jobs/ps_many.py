"""The list of many containers, of which none runs."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import OURS, Engine, Peer

NAMES = [f"bench-many-{number}" for number in range(500)]


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `ps -a` with 500 containers. Only ours: the others take minutes to make them."""
    if not isinstance(peer, Engine) or peer.name != OURS:
        return None
    engine = peer
    stack.callback(engine.remove, NAMES)
    for name in NAMES:
        engine.call(*engine.argv("create", "--name", name, *engine.options(), "busybox", "true"))
    return lambda: engine.timed(engine.argv("ps", "-a"))


JOB = Job(
    title="`ps -a` with 500 containers",
    unit="ms",
    prepare=prepare,
    targets=(Target(200),),
    rounds=10,
)
