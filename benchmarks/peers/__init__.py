"""The programs that are compared, one file for each kind.

A Peer knows the command lines that do one and the same job in its words. What a program
does not do, it answers with None.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.command import Failed, call, peak, timed
from benchmarks.sample import REFERENCE, Sample

OURS = "mini-docker"
IDLE = ("sleep", "100000")  # what a container runs that is only there


class Absent(Exception):
    """This program cannot take part; the message is the reason, in one line."""


@dataclass(frozen=True)
class Inside:
    """Where the inner process works: see place.py."""

    directory: str
    group: str  # the control group for everything, "/name"
    rootfs: str  # a busybox, made like our image
    environment: dict[str, str]


class Peer:
    """One program, or ours."""

    name = ""
    program = ""  # what has to be installed
    package = ""  # the Debian package that it is in

    def __init__(self, inside: Inside) -> None:
        self.inside = inside

    def start(self) -> None:
        """Get ready to measure; Absent, with the reason, if that is not possible."""
        self.need(self.program, self.package)

    def stop(self) -> None:
        """End what start() began."""

    def version(self) -> str:
        """Return the version in a few words."""
        return self.call(self.program, "--version").splitlines()[0].split()[-1]

    def run_true(self) -> list[str] | None:
        """Return the command line that runs `true` in a new container, and removes it."""
        return None

    def start_idle(self, names: Iterable[str]) -> bool:
        """Start a detached container for each of *names*; False if there is no such thing."""
        return False

    def remove(self, names: Iterable[str]) -> None:
        """End and remove those containers."""

    def exec_true(self, name: str) -> list[str] | None:
        """Return the command line that runs `true` in the idle container *name*."""
        return None

    def list_containers(self) -> list[str] | None:
        """Return the command line that lists the containers."""
        return None

    def monitors(self) -> list[int] | None:
        """Return the pids of the processes that stay beside idle containers."""
        return None

    # --- images: that of benchmarks/sample.py, under its one name

    def take(self, source: str) -> bool:
        """Load the archive *source*, to push or save it; False if there is no such thing."""
        return False

    def drop(self) -> None:
        """Remove the image."""

    def push(self, sample: Sample) -> list[str] | None:
        """Return the command line that pushes the image, which is there."""
        return None

    def pull(self, sample: Sample) -> list[str] | None:
        """Return the command line that pulls the image, and unpacks it."""
        return None

    def unpack(self, sample: Sample, directory: str) -> list[str] | None:
        """Return the command line that unpacks the layers of *sample* to *directory*."""
        return None

    # --- for the above, and for jobs

    def need(self, program: str, package: str) -> None:
        """Raise Absent unless *program* is installed."""
        if not shutil.which(program, path=self.inside.environment["PATH"]):
            raise Absent(f"{program} is not installed (Debian package {package})")

    def call(self, *argv: str, stdin: str = os.devnull) -> str:
        """Run a command that is not timed, and return what it says. Failed, if it does."""
        return call(argv, self.inside.environment, stdin)

    def timed(self, argv: list[str]) -> float:
        """Run a command and return the milliseconds that it took."""
        return timed(argv, self.inside.environment, f"{self.inside.directory}/output")

    def peak(self, argv: list[str]) -> float:
        """Run a command and return the megabytes that it had in memory at most."""
        return peak(argv, self.inside.environment)

    def probe(self) -> None:
        """Raise Absent if this program cannot run a container here, with its own reason."""
        argv = self.run_true()
        try:
            if argv:
                self.call(*argv)
        except Failed as error:
            raise Absent(str(error)) from error


class Engine(Peer):
    """A program with docker's command line."""

    monitor = b""  # what the command line of a monitor has in it
    insecure: tuple[str, ...] = ()  # the flag that lets it speak to a registry without TLS

    def argv(self, *words: str) -> list[str]:
        """Return the command line for `docker WORDS...`."""
        return [self.program, *words]

    def options(self) -> list[str]:
        """Return the flags that every `run` has here: no network, and our control group."""
        return ["--network", "none", "--cgroup-parent", self.inside.group]

    def run_true(self) -> list[str]:
        return self.argv("run", "--rm", *self.options(), "busybox", "true")

    def start_idle(self, names: Iterable[str]) -> bool:
        for name in names:
            self.call(*self.argv("run", "-d", "--name", name, *self.options(), "busybox", *IDLE))
        return True

    def remove(self, names: Iterable[str]) -> None:
        rest = list(names)
        while rest:  # dockerd can get stuck with fifty at once
            self.call(*self.argv("rm", "-f", *rest[:10]))
            rest = rest[10:]

    def exec_true(self, name: str) -> list[str]:
        return self.argv("exec", name, "true")

    def list_containers(self) -> list[str]:
        return self.argv("ps")

    def take(self, source: str) -> bool:
        self.call(*self.argv("load", "-i", source))
        return True

    def drop(self) -> None:
        self.call(*self.argv("rmi", "-f", REFERENCE))

    def push(self, sample: Sample) -> list[str]:
        return self.argv("push", *self.insecure, REFERENCE)

    def pull(self, sample: Sample) -> list[str]:
        return self.argv("pull", *self.insecure, REFERENCE)

    def monitors(self) -> list[int]:
        return [pid for pid in _processes() if self.monitor in _command_line(pid)]


def _processes() -> list[int]:
    """Return the pids of all processes of this pid namespace but our own."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and name != "1"]


def _command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""
