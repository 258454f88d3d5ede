"""Docker with a daemon of its own: of the distribution's package, or docker-ce."""

from __future__ import annotations

import subprocess
import time

from benchmarks.command import Failed
from benchmarks.peers import Absent, Engine

PATIENCE = 60.0  # seconds for the daemon's start


class Docker(Engine):
    """dockerd and docker."""

    name = "docker"
    program = "docker"
    package = "docker.io"
    monitor = b"containerd-shim"
    daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # A client alone, for a daemon elsewhere, is no peer.
        self.need("dockerd", self.package)
        self.need("docker", self.package)
        with open(self._path("dockerd.log"), "wb") as log:
            self.daemon = subprocess.Popen(
                self._dockerd(), env=self.inside.environment, stdout=log, stderr=log
            )
        self._wait()
        try:
            self.call(*self.argv("import", "-", "busybox"), stdin=f"{self.inside.rootfs}.tar")
        except Failed as error:
            raise Absent(str(error)) from error
        self.probe()

    def stop(self) -> None:
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait()

    def version(self) -> str:
        return self.call(*self.argv("version", "--format", "{{.Server.Version}}"))

    def argv(self, *words: str) -> list[str]:
        return ["docker", "--host", f"unix://{self._path('docker.sock')}", *words]

    def options(self) -> list[str]:
        return ["--network", "none"]

    def _path(self, name: str) -> str:
        return f"{self.inside.directory}/{name}"

    def _dockerd(self) -> list[str]:
        places = {
            "--host": f"unix://{self._path('docker.sock')}",
            "--data-root": self._path("docker"),
            "--exec-root": self._path("docker-run"),
            "--pidfile": self._path("docker.pid"),
            "--cgroup-parent": self.inside.group,
        }
        words = [word for pair in places.items() for word in pair]
        # No network of its own, and no systemd to ask for control groups.
        words += ["--bridge", "none", "--iptables=false", "--ip6tables=false"]
        return ["dockerd", *words, "--exec-opt", "native.cgroupdriver=cgroupfs"]

    def _wait(self) -> None:
        assert self.daemon
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                self.version()
                return
            except Failed as error:
                if self.daemon.poll() is not None:
                    raise Absent(f"dockerd has ended: {self._last_words()}") from error
                if time.monotonic() > give_up:
                    raise Absent(f"dockerd does not answer within {PATIENCE:.0f} s") from error
            time.sleep(0.1)

    def _last_words(self) -> str:
        with open(self._path("dockerd.log"), errors="replace") as file:
            lines = file.read().split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
