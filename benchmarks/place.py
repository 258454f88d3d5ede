"""A place to measure in, of which nothing is left: not when it is interrupted, nor when killed.

Two processes. The outer one, Place, stays on the machine. It starts the inner one
(inside.py) as process 1 of a pid namespace, in mount and network namespaces of its own:
when it ends, however it ends, the kernel kills every daemon, monitor and container in
there and forgets the mounts. Each of the two dies with the other.

What has no namespace is the tree of control groups. All engines make theirs below one
group with our pid in its name, and the outer process removes it. If that is killed with
-9, a group without processes remains, which the next run removes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import IO, Self

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PREFIX = "mini-docker-bench-"
CGROUPS = "/sys/fs/cgroup"
DIRECTORY = "/run/bench"  # inside; podman takes no long paths
PATIENCE = 10.0  # seconds that the kernel gets to end what was killed
# What engines write beside the directories that they are told to use ends up in memory.
COVERED = ("/etc", "/var")


class Place:
    """The outer process's view: a control group, and the inner process."""

    def __init__(self) -> None:
        self.group = f"{PREFIX}{os.getpid()}"
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        _tidy_up_after_predecessors()
        return self

    def start(self, *words: str) -> IO[str]:
        """Start inside.py with *words*, and return its standard output."""
        environment = {**os.environ, "LC_ALL": "C"}
        inner = [sys.executable, "-m", "benchmarks.inside", self.group, *words]
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        # Each word is there for a kill: of us, then of unshare.
        argv = ["setpriv", "--pdeathsig", "KILL", *unshare, "--propagation", "private", *inner]
        self.process = subprocess.Popen(
            argv,
            env=environment,
            cwd=REPO,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the outer process
        )
        assert self.process.stdout
        return self.process.stdout

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # whoever is impatient: this has to be done
        if self.process:
            self.process.kill()
            self.process.wait()
        remove_groups(self.group)


def remove_groups(name: str) -> None:
    """Remove the control group *name*, and all below it, from every hierarchy.

    Its processes are being killed by the kernel, and a group goes after the last of them:
    so this tries for as long as PATIENCE. Raises OSError if that was not enough.
    """
    give_up = time.monotonic() + PATIENCE
    for top in _hierarchies():
        while os.path.isdir(f"{top}/{name}"):
            try:
                for directory, _, _ in os.walk(f"{top}/{name}", topdown=False):
                    os.rmdir(directory)
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)


def _hierarchies() -> list[str]:
    """Return where control groups may be: the one tree of v2, or several on v1."""
    inner = [entry.path for entry in os.scandir(CGROUPS) if entry.is_dir()]
    return [CGROUPS, *inner]


def _tidy_up_after_predecessors() -> None:
    """Remove the groups of runs that were killed with -9."""
    names = {name for top in _hierarchies() for name in os.listdir(top) if name.startswith(PREFIX)}
    for name in names:
        pid = name.removeprefix(PREFIX)
        if pid.isdecimal() and not os.path.exists(f"/proc/{pid}"):
            remove_groups(name)


def furnish() -> None:
    """Inside: make DIRECTORY, on a file system in memory, and let no engine write elsewhere.

    Memory serves all alike and does not wait for a disk. Called in a mount namespace of
    our own, whose mounts nobody else sees.
    """
    _mount("tmpfs", "tmpfs", "/run")
    for path in COVERED:
        upper, work = f"{DIRECTORY}/cover{path}", f"{DIRECTORY}/work{path}"
        os.makedirs(upper)
        os.makedirs(work)
        _mount("overlay", "overlay", path, "-o", f"lowerdir={path},upperdir={upper},workdir={work}")


def _mount(kind: str, source: str, *words: str) -> None:
    subprocess.run(["mount", "-t", kind, source, *words], check=True)
