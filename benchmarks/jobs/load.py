"""An image out of an archive, of which nothing is there before."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `load` of the same archive for all; the image is removed after each."""
    if not isinstance(peer, Engine):
        return None
    argv = peer.argv("load", "-i", sample.at(peer.inside.directory).plain)

    def read() -> float:
        spent = peer.timed(argv)
        peer.drop()
        return spent

    return read


JOB = Job(
    title="`load` of 196 MB",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.6, "docker"),),
    rounds=5,
    warm_up=1,
)
