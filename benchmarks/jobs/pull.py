"""An image from a registry, of which nothing is there before.

skopeo fetches without unpacking, and tar unpacks without fetching: they are the floor.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks import registry, sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `pull` of an image, which is removed after each."""
    image = sample.at(peer.inside.directory)
    argv = peer.pull(image)
    if argv is None:
        return None
    registry.start(peer.inside).fill(image)

    def read() -> float:
        spent = peer.timed(argv)
        peer.drop()
        return spent

    return read


JOB = Job(
    title="`pull` of 196 MB, unpacked",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.4, "docker"),),
    rounds=5,
    warm_up=1,
    needs=(registry.PROGRAM, registry.PACKAGE),
)
