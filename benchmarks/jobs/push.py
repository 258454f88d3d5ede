"""An image to a registry that has nothing of it.

Who keeps layers as they came sends them so; docker and podman compress them anew.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import registry, sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `push` of an image whose layers came by gzip."""
    image = sample.at(peer.inside.directory)
    argv = peer.push(image)
    if argv is None or not peer.take(image.packed):
        return None
    stack.callback(peer.drop)
    server = registry.start(peer.inside)

    def read() -> float:
        server.empty()
        return peer.timed(argv)

    return read


JOB = Job(
    title="`push` of 196 MB to an empty registry",
    unit="ms",
    prepare=prepare,
    targets=(Target(1.2, "skopeo"),),
    rounds=5,
    warm_up=1,
    needs=(registry.PROGRAM, registry.PACKAGE),
)
