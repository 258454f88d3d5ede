"""The floor: programs that make namespaces and little else."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable

from benchmarks.command import Failed
from benchmarks.peers import IDLE, Inside, Peer

PATIENCE = 10.0  # seconds


class Unshare(Peer):
    """unshare and nsenter: new namespaces and a chroot; no limits, no /dev, no pivot_root."""

    name = "unshare"
    program = "unshare"
    package = "util-linux"

    def __init__(self, inside: Inside) -> None:
        super().__init__(inside)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        super().start()
        self.probe()

    def run_true(self) -> list[str]:
        return self._unshare("true")

    def start_idle(self, names: Iterable[str]) -> bool:
        for name in names:
            self.running[name] = subprocess.Popen(
                self._unshare(*IDLE),
                env=self.inside.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        return True

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            process = self.running.pop(name)
            process.kill()  # and with it, --kill-child, what it started
            process.wait()

    def exec_true(self, name: str) -> list[str]:
        target = ["--target", self._child(self.running[name].pid)]
        kinds = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root"]
        return ["nsenter", *target, *kinds, "/bin/true"]

    def _unshare(self, *words: str) -> list[str]:
        kinds = ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]
        return ["unshare", *kinds, "--root", self.inside.rootfs, "--mount-proc=/proc", *words]

    def _child(self, pid: int) -> str:
        """Return the pid of the child of *pid*, once it runs the program."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                child = file.read().strip()
            if child:
                with open(f"/proc/{child}/comm") as file:
                    if file.read().strip() == IDLE[0]:
                        return child
            time.sleep(0.01)
        raise Failed("unshare did not start its child")


class Bubblewrap(Peer):
    """bwrap: the same with pivot_root, a /dev and a seccomp filter if asked for; no limits."""

    name = "bwrap"
    program = "bwrap"
    package = "bubblewrap"

    def start(self) -> None:
        super().start()
        self.probe()

    def run_true(self) -> list[str]:
        mounts = ["--bind", self.inside.rootfs, "/", "--proc", "/proc", "--dev", "/dev"]
        return ["bwrap", "--unshare-all", *mounts, "true"]
