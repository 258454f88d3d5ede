"""The list of what runs."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measure import Job, Reading
from benchmarks.peers import Peer

NAMES = [f"bench-ps-{number}" for number in range(50)]


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `ps` with 50 containers."""
    argv = peer.list_containers()
    if argv is None:
        return None
    stack.callback(peer.remove, NAMES)
    peer.start_idle(NAMES)
    return lambda: peer.timed(argv)


JOB = Job(title="`ps` with 50 containers", unit="ms", prepare=prepare)
