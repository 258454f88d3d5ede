"""Take readings of several programs in turn, so that a noisy minute is noisy for all of them."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.command import Failed
from benchmarks.peers import OURS, Absent, Peer

ROUNDS = 20
PAUSE = 0.1  # seconds before a reading
WARM_UP = 2  # rounds that fill caches and are not counted

Reading = Callable[[], float]


@dataclass(frozen=True)
class Target:
    """At most *limit* times what *peer* takes; without a peer at most *limit* of the unit."""

    limit: float
    peer: str = ""


@dataclass(frozen=True)
class Job:
    """Something to measure: the JOB of each file in benchmarks/jobs.

    prepare(peer, stack) sets the stage for *peer*, leaves on *stack* what will clear it,
    and returns a function that takes one reading; None if this is nothing that *peer* does.
    It may raise Failed.
    """

    title: str
    unit: str  # "ms", "MB"
    prepare: Callable[[Peer, ExitStack], Reading | None]
    targets: tuple[Target, ...] = ()
    rounds: int | None = None  # at most: for a reading that varies little, or takes long
    warm_up: int = WARM_UP
    pause: float = PAUSE
    needs: tuple[str, str] | None = None  # a program beside the peers, and its Debian package


@dataclass
class Result:
    """What came out of a job: readings by peer, and why some have none."""

    readings: dict[str, list[float]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def measure(job: Job, peers: Sequence[Peer], rounds: int) -> Result:
    """Take readings of *job* from all *peers* that do it. Raises Failed if ours cannot.

    There are none, and the reason, if what the job needs is not installed.
    """
    result = Result()
    if job.needs:
        try:
            peers[0].need(*job.needs)
        except Absent as reason:
            result.failed = {job.needs[0]: str(reason)}
            return result
    ready: dict[str, Reading] = {}
    stacks = {peer.name: ExitStack() for peer in peers}
    for peer in peers:
        with _failing(result, peer.name):
            reading = job.prepare(peer, stacks[peer.name])
            if reading:
                ready[peer.name] = reading
    interleave(ready, min(job.rounds or rounds, rounds), result, job.warm_up, job.pause)
    for name, stack in stacks.items():
        with _failing(result, name):
            stack.close()
    return result


def interleave(
    ready: Mapping[str, Reading],
    rounds: int,
    result: Result,
    warm_up: int = WARM_UP,
    pause: float = PAUSE,
) -> None:
    """Take *rounds* readings of each in *ready*, a round at a time, into *result*.

    Whoever comes after another has its leftovers to bear: the kernel takes namespaces apart
    after the command's end, a daemon writes its books. So there is a *pause* before each, and
    the order is drawn anew for each round, the same way in every run. One that fails is
    left out from then on.
    """
    result.readings = {name: [] for name in ready}
    lot = random.Random(0)
    for number in range(-warm_up, rounds):
        for name in lot.sample(list(ready), len(ready)):
            if name in result.failed:
                continue
            time.sleep(pause)
            with _failing(result, name):
                value = ready[name]()
                if number >= 0:
                    result.readings[name].append(value)


@contextlib.contextmanager
def _failing(result: Result, name: str) -> Iterator[None]:
    """Note that *name* failed, and drop its readings; ours may not fail."""
    try:
        yield
    except Failed as error:
        if name == OURS:
            raise
        result.failed[name] = str(error)
        result.readings.pop(name, None)
