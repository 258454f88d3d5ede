"""mini-docker, as scripts/setup installed it."""

from __future__ import annotations

import sys

from benchmarks.peers import OURS, Engine
from benchmarks.place import REPO
from benchmarks.sample import Sample


class Ours(Engine):
    """This engine."""

    name = OURS
    program = f"{REPO}/bin/mini-docker"
    monitor = b"mini_docker/monitor.py"

    def start(self) -> None:
        self.call(*self.argv("image", "bootstrap", "busybox"))
        self.probe()

    def argv(self, *words: str) -> list[str]:
        return [self.program, "--root", f"{self.inside.directory}/ours", *words]

    def unpack(self, sample: Sample, directory: str) -> list[str]:
        return [sys.executable, "-IS", f"{REPO}/benchmarks/unpack.py", directory, *sample.layers]
