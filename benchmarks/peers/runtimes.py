"""runc and crun: the part of an engine that starts a container from a bundle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence

from benchmarks.peers import IDLE, Peer


class Runtime(Peer):
    """A runtime; the bundle is what its own `spec` writes, with our busybox as its root."""

    def start(self) -> None:
        super().start()
        self._bundle("once", ["true"])
        self.probe()

    def version(self) -> str:
        return self.call(self.program, "--version").splitlines()[0].split()[2].partition("+")[0]

    def run_true(self) -> list[str]:
        return self.argv("run", "--bundle", self._path("once"), "once")

    def start_idle(self, names: Iterable[str]) -> bool:
        for name in names:
            self._bundle(name, IDLE)
            # Into the file that timed() uses: a pipe would be held open by the container.
            self.timed(self.argv("run", "--detach", "--bundle", self._path(name), name))
        return True

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            self.call(*self.argv("delete", "--force", name))

    def exec_true(self, name: str) -> list[str]:
        return self.argv("exec", name, "true")

    def list_containers(self) -> list[str]:
        return self.argv("list")

    def argv(self, *words: str) -> list[str]:
        """Return the command line for `runc WORDS...`."""
        return [self.program, "--root", self._path("state"), *words]

    def _path(self, name: str) -> str:
        return f"{self.inside.directory}/{self.name}/{name}"

    def _bundle(self, name: str, args: Sequence[str]) -> None:
        path = f"{self._path(name)}/config.json"
        if not os.path.exists(path):
            os.makedirs(self._path(name))
            self.call("env", "-C", self._path(name), self.program, "spec")
        with open(path) as file:
            config = json.load(file)
        config["process"].update(args=list(args), terminal=False)
        config["root"]["path"] = self.inside.rootfs
        config["linux"]["cgroupsPath"] = f"{self.inside.group}/{self.name}-{name}"
        with open(path, "w") as file:
            json.dump(config, file)


class Runc(Runtime):
    """What docker and podman use."""

    name = program = package = "runc"


class Crun(Runtime):
    """The same in C."""

    name = program = package = "crun"
