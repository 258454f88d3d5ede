"""One more process in a container that runs."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer

NAME = "bench-exec"


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `exec NAME true`."""
    if not peer.start_idle([NAME]):
        return None
    stack.callback(peer.remove, [NAME])
    argv = peer.exec_true(NAME)
    return (lambda: peer.timed(argv)) if argv else None


JOB = Job(
    title="`exec NAME true`",
    unit="ms",
    prepare=prepare,
    targets=(Target(1.0, "runc"),),
)
