"""What a load has in memory, at most."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer
from benchmarks.peers.docker import Docker


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Read the largest resident size of a `load`; docker's is in a daemon, which stays."""
    if not isinstance(peer, Engine) or isinstance(peer, Docker):
        return None
    argv = peer.argv("load", "-i", sample.at(peer.inside.directory).plain)

    def read() -> float:
        most = peer.peak(argv)
        peer.drop()
        return most

    return read


JOB = Job(
    title="memory of a `load` of 196 MB, at most",
    unit="MB",
    prepare=prepare,
    targets=(Target(100),),
    rounds=3,
    warm_up=0,
)
