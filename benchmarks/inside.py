"""The inner process: start the peers, measure, and print what came out as one JSON object.

    python -m benchmarks.inside GROUP ROUNDS PEERS JOBS

PEERS and JOBS are lists of names with commas. It runs as process 1 of a pid namespace:
place.py says why.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import sys
import tarfile

from benchmarks import measure, place
from benchmarks.command import Failed
from benchmarks.peers import Absent, Inside, Peer
from benchmarks.peers.docker import Docker
from benchmarks.peers.floor import Bubblewrap, Unshare
from benchmarks.peers.ours import Ours
from benchmarks.peers.podman import Podman
from benchmarks.peers.runtimes import Crun, Runc
from benchmarks.peers.tools import Skopeo, Tar
from mini_docker import images_busybox

# Ours first: its image is made, and the table compares it with those below.
PEERS: tuple[type[Peer], ...] = (
    *(Ours, Runc, Crun, Docker, Podman, Skopeo, Tar, Bubblewrap, Unshare),
)
# The distribution's programs before anything of the same name in /usr/local.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


def main(group: str, rounds: str, names: str, jobs: str) -> int:
    """Measure, and return the exit code."""
    # The machine's other work waits for us; what we start inherits that, and so do daemons.
    with contextlib.suppress(PermissionError):
        os.nice(-20)
    place.furnish()
    inside = _prepare(place.DIRECTORY, f"/{group}")
    peers, absent = _start(inside, names.split(","))
    results = {}
    try:
        versions = {peer.name: peer.version() for peer in peers}
        for name in jobs.split(","):
            job = importlib.import_module(f"benchmarks.jobs.{name}").JOB
            _say(f"measuring {name}: {', '.join(versions)}")
            results[name] = dataclasses.asdict(measure.measure(job, peers, int(rounds)))
    finally:
        for peer in peers:
            peer.stop()
    print(json.dumps({"versions": versions, "absent": absent, "jobs": results}))
    return 0


def _prepare(directory: str, group: str) -> Inside:
    """Make the busybox that all are given, as a directory and as an archive."""
    rootfs = f"{directory}/busybox"
    images_busybox.fill(rootfs, images_busybox.find_program())
    with tarfile.open(f"{rootfs}.tar", "w") as archive:
        archive.add(rootfs, ".")
    # Not the student's modules, and nobody's settings.
    environment = {"PATH": PATH, "HOME": directory, "LC_ALL": "C", "MINI_DOCKER_PROGRESS": ""}
    return Inside(directory, group, rootfs, environment)


def _start(inside: Inside, names: list[str]) -> tuple[list[Peer], dict[str, str]]:
    """Start the peers called *names*; return those that take part, and why others do not."""
    peers, absent = [], {}
    for kind in PEERS:
        if kind.name not in names:
            continue
        peer = kind(inside)
        try:
            peer.start()
        except Absent as reason:
            if kind is Ours:
                raise
            absent[peer.name] = str(reason)
            peer.stop()
        else:
            peers.append(peer)
    return peers, absent


def _say(text: str) -> None:
    print(f"scripts/bench: {text}", file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (Failed, Absent) as error:
        _say(str(error))
        sys.exit(1)
