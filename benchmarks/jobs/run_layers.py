"""A container of an image with many layers, against one with few.

A difference has no ratio to another engine's: so ours alone is here.
"""

from __future__ import annotations

import itertools
from contextlib import ExitStack

from benchmarks import sample
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer
from benchmarks.peers.ours import Ours

FEW, MANY = 2, 40


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Read by how much `run --rm IMAGE true` takes longer with MANY layers than with FEW."""
    if not isinstance(peer, Ours):
        return None
    lines = {}
    for count in (FEW, MANY):
        peer.take(sample.stack(peer.inside.directory, f"{peer.inside.rootfs}.tar", count))
        stack.callback(peer.call, *peer.argv("rmi", "-f", f"bench-{count}"))
        lines[count] = peer.argv("run", "--rm", *peer.options(), f"bench-{count}", "true")
    turns = itertools.cycle(((FEW, MANY), (MANY, FEW)))

    def read() -> float:
        spent = {count: peer.timed(lines[count]) for count in next(turns)}
        return spent[MANY] - spent[FEW]

    return read


JOB = Job(
    title=f"`run --rm` of an image with {MANY} layers, longer than with {FEW} by",
    unit="ms",
    prepare=prepare,
    targets=(Target(3.0),),
)
