"""Podman, with the runtime that it prefers and has."""

from __future__ import annotations

import os

from benchmarks.command import Failed
from benchmarks.peers import Absent, Engine


class Podman(Engine):
    """podman, which has no daemon; conmon stays beside each container."""

    name = "podman"
    program = "podman"
    package = "podman"
    monitor = b"conmon\0"
    insecure = ("--tls-verify=false",)
    runtime: str = ""

    def start(self) -> None:
        super().start()
        # crun is what it takes by itself, and crun refuses some trees of control groups.
        reasons = []
        for self.runtime in ("crun", "runc"):
            try:
                self.need(self.runtime, self.runtime)
                image = f"{self.inside.rootfs}.tar"
                self.call(*self.argv("import", "-", "busybox"), stdin=image)
                self.probe()
                return
            except (Failed, Absent) as error:
                reasons.append(str(error))
        raise Absent("; ".join(reasons))

    def version(self) -> str:
        return f"{super().version()} with {self.runtime}"

    def argv(self, *words: str) -> list[str]:
        places = {
            "--root": os.path.join(self.inside.directory, f"podman-{self.runtime}"),
            "--runroot": os.path.join(self.inside.directory, f"podman-{self.runtime}-run"),
            "--tmpdir": os.path.join(self.inside.directory, f"podman-{self.runtime}-tmp"),
            "--cgroup-manager": "cgroupfs",
            "--storage-driver": "overlay",
            "--events-backend": "file",
            "--runtime": self.runtime,
        }
        return ["podman", *(word for pair in places.items() for word in pair), *words]
