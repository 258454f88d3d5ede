"""What a pull has in memory, at most."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import registry, sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer
from benchmarks.peers.docker import Docker
from benchmarks.peers.tools import Tar


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Read the largest resident size of a `pull`; docker's is in a daemon, which stays."""
    image = sample.at(peer.inside.directory)
    argv = peer.pull(image)
    if argv is None or isinstance(peer, Docker | Tar):
        return None
    registry.start(peer.inside).fill(image)

    def read() -> float:
        most = peer.peak(argv)
        peer.drop()
        return most

    return read


JOB = Job(
    title="memory of a `pull` of 196 MB, at most",
    unit="MB",
    prepare=prepare,
    targets=(Target(100),),
    rounds=3,
    warm_up=0,
    needs=(registry.PROGRAM, registry.PACKAGE),
)
