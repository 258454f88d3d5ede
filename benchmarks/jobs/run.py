"""A whole container, from the command to its end."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `run --rm busybox true`."""
    argv = peer.run_true()
    return (lambda: peer.timed(argv)) if argv else None


JOB = Job(
    title="`run --rm busybox true`, no network",
    unit="ms",
    prepare=prepare,
    targets=(Target(1.0, "runc"), Target(0.15, "docker")),
)
