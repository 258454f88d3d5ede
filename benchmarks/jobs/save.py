"""An image into an archive."""

from __future__ import annotations

import os
from contextlib import ExitStack

from benchmarks import sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `save` of an image that came with plain layers: all write as many bytes."""
    if not isinstance(peer, Engine):
        return None
    peer.take(sample.at(peer.inside.directory).plain)
    stack.callback(peer.drop)
    path = f"{peer.inside.directory}/saved-{peer.name}.tar"
    argv = peer.argv("save", "-o", path, sample.REFERENCE)

    def read() -> float:
        spent = peer.timed(argv)
        os.unlink(path)  # podman writes over no archive
        return spent

    return read


JOB = Job(
    title="`save` of 196 MB",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.6, "docker"),),
    rounds=5,
    warm_up=1,
)
