"""A long log, read back."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.jobs import log_write
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `logs` of a container that has written 200 MB, into a file."""
    if not isinstance(peer, Engine):
        return None
    stack.callback(peer.remove, [log_write.NAME])
    log_write.start(peer)
    argv = peer.argv("logs", log_write.NAME)
    return lambda: peer.timed(argv)


JOB = Job(
    title="`logs` of 200 MB, json-file",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.3, "docker"),),
    rounds=5,
    warm_up=1,
)
