"""A build whose context is large, and has not changed."""

from __future__ import annotations

import functools
import os
import random
from contextlib import ExitStack

from benchmarks.jobs import build
from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer

FILES, SIZE = 20_000, 200_000_000  # bytes in all
FOLDERS = 200
POOL = 2**21  # bytes, of which files are cut


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `build` of COPY . /context, done before; of tar, `tar c | sha256sum` of the same."""
    folder = context(peer.inside.directory)
    if peer.name == "tar":
        script = f"tar -cf - -C {folder} . | sha256sum"
        return lambda: peer.timed(["sh", "-c", script])
    if not isinstance(peer, Engine):
        return None
    words = list(build.argv(peer, folder))
    peer.call(*words)
    stack.callback(lambda: peer.call(*peer.argv("rmi", "-f", build.NAME)))
    return lambda: peer.timed(words)


@functools.cache
def context(directory: str) -> str:
    """Make the context below *directory*, once for all; return where it is."""
    folder = f"{directory}/context"
    lot = random.Random(0)
    pool = lot.randbytes(POOL)
    weights = [lot.lognormvariate(0, 1) for _ in range(FILES)]
    unit = SIZE / sum(weights)
    for number in range(FOLDERS):
        os.makedirs(f"{folder}/{number:03}")
    for number, weight in enumerate(weights):
        start, size = lot.randrange(POOL // 2), min(int(weight * unit), POOL // 2)
        with open(f"{folder}/{number % FOLDERS:03}/{number:05}", "wb") as file:
            file.write(pool[start : start + size])
    with open(f"{folder}/Dockerfile", "w") as file:
        file.write("FROM busybox\nCOPY . /context\n")
    return folder


JOB = Job(
    title="`build` with an unchanged context of 200 MB in 20,000 files",
    unit="ms",
    prepare=prepare,
    targets=(Target(2.0, "tar"),),
    rounds=5,
    warm_up=1,
)
