"""A build of ten steps, each of which is carried out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer

STEPS = 10
NAME = "bench-build"


def context(peer: Peer) -> str:
    """Make the directory that *peer* builds from: one Dockerfile; return it."""
    folder = f"{peer.inside.directory}/{NAME}-{peer.name}"
    os.makedirs(folder, exist_ok=True)
    runs = [f"RUN echo {number} >/file-{number}" for number in range(1, STEPS)]
    with open(f"{folder}/Dockerfile", "w") as file:
        file.write("\n".join(["FROM busybox", *runs, ""]))
    return folder


def argv(peer: Engine, *words: str) -> Sequence[str]:
    """Return the command line that builds from the directory that is the last of *words*."""
    return peer.argv("build", *peer.options(), "-t", NAME, *words)


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `build --no-cache`; the images stay, and hold nobody up."""
    if not isinstance(peer, Engine):
        return None
    words = list(argv(peer, "--no-cache", context(peer)))
    stack.callback(lambda: peer.call(*peer.argv("rmi", "-f", NAME)))
    return lambda: peer.timed(words)


JOB = Job(
    title=f"`build` of {STEPS} steps, nothing cached",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.25, "docker"),),
    rounds=10,
    warm_up=1,
)
