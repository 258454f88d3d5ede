"""An image from a registry, of which all is there already."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import registry, sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `pull` of a tag that stands for what it stood for before."""
    if not isinstance(peer, Engine):
        return None
    image = sample.at(peer.inside.directory)
    registry.start(peer.inside).fill(image)
    argv = peer.pull(image)
    peer.call(*argv)
    stack.callback(peer.drop)
    return lambda: peer.timed(argv)


JOB = Job(
    title="`pull` of a tag that is here already",
    unit="ms",
    prepare=prepare,
    targets=(Target(1.0, "docker"),),
    needs=(registry.PROGRAM, registry.PACKAGE),
)
