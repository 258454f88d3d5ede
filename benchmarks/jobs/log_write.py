"""A container that writes much: what its engine needs to keep it."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.measure import Job, Reading, Target
from benchmarks.peers import Engine, Peer

NAME = "bench-log"
LINE = "2026-01-02 03:04:05 INFO request 4711 from 10.1.2.3: GET /static/app.css 200 1234 bytes"
WRITE = f"yes '{LINE}' | head -c 200000000"  # bytes, about a hundred a line


def start(peer: Engine) -> float:
    """Run the container to its end; return the milliseconds that it took."""
    flags = ["-d", "--name", NAME, "--log-driver", "json-file", *peer.options()]
    began = peer.timed(peer.argv("run", *flags, "busybox", "sh", "-c", WRITE))
    return began + peer.timed(peer.argv("wait", NAME))


def prepare(peer: Peer, stack: ExitStack) -> Reading | None:
    """Time `run -d` and `wait` together."""
    if not isinstance(peer, Engine):
        return None
    engine = peer

    def read() -> float:
        spent = start(engine)
        engine.remove([NAME])
        return spent

    return read


JOB = Job(
    title="200 MB of log lines, json-file",
    unit="ms",
    prepare=prepare,
    targets=(Target(0.6, "docker"),),
    rounds=5,
    warm_up=1,
)
