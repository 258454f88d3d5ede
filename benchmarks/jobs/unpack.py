"""The files of layers that lie there already, by gzip."""

from __future__ import annotations

import shutil
from contextlib import ExitStack

from benchmarks import sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time the unpacking of all layers, each to a new directory of its own."""
    directory = f"{peer.inside.directory}/unpacked-{peer.name}"
    argv = peer.unpack(sample.at(peer.inside.directory), directory)
    if argv is None:
        return None

    def read() -> float:
        spent = peer.timed(argv)
        shutil.rmtree(directory)
        return spent

    return read


JOB = Job(
    title="unpacking the layers of 196 MB",
    unit="ms",
    prepare=prepare,
    targets=(Target(1.3, "tar"),),
    rounds=10,
    warm_up=1,
)
