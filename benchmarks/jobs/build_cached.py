"""A build of ten steps that has been done before."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.jobs import build
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Build once, and time the same command again."""
    if not isinstance(peer, Engine):
        return None
    words = list(build.argv(peer, build.context(peer)))
    peer.call(*words)
    stack.callback(lambda: peer.call(*peer.argv("rmi", "-f", build.NAME)))
    return lambda: peer.timed(words)


JOB = Job(
    title=f"`build` of {build.STEPS} steps, all cached",
    unit="ms",
    prepare=prepare,
    targets=(Target(1.0, "docker"),),
)
