"""Look after a container from its start to its end, and write down both.

The same few lines serve a container in the foreground, where the command that the
user typed looks after it, and a detached one, where a child of that command does:
the monitor, one for each container.
"""

from __future__ import annotations

import os
import sys

from mini_docker import cgroups_tree, container, containers, processes, swap, timestamps
from mini_docker.errors import MiniDockerError, NotFound, ProcessError
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from mini_docker.containers import Container

MONITORS = "/mini-docker/monitors"
PATIENCE = 1.0  # seconds
LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def run(it: Container, stdin: bool) -> int:
    """Start *it* in the foreground, forward signals, and return its exit code."""
    processes.block()
    null = -1 if stdin else os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    pid = _start(it, (0 if stdin else null, 1, 2))
    return look_after(it, pid)


def detach(it: Container, life: Lock) -> None:
    """Start *it* with a monitor of its own, and return once the container runs.

    Raises what went wrong in the start. The monitor inherits the container's lock, *life*.
    Once the container runs it becomes a fresh interpreter (monitor.py), which keeps its pid
    and its child and needs a third less memory than this one.
    """

    def monitor(_report: int) -> int:
        os.setsid()
        processes.block()
        join_monitors()
        log = os.open(f"{it.store.directory(it.id)}/output.log", LOG_FLAGS, 0o600)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        pid = _start(it, (null, log, log))
        os.set_inheritable(life.descriptor, True)
        become_monitor(pid, it.store.root, it.id)

    processes.spawn(monitor)
    try:
        # A monitor that is killed early closes its report as one that has succeeded does.
        if containers.load(it.store, it.id).status() == "created":
            raise ProcessError(f"container {it.id[:12]} did not start: its monitor was killed")
    except NotFound:
        return  # it had --rm, and has ended already


def join_monitors() -> None:
    """Move the calling monitor out of the control group of the command that started it.

    systemd counts a unit or a login session as running while a process is in its group,
    and ends what is left there. A monitor has to outlive both.
    """
    base = None if swap.locked("cgroups") else cgroups_tree.present().base
    if base is not None:
        group = cgroups_tree.Group(base + MONITORS)
        group.create()
        group.join()


def become_monitor(pid: int, *words: str) -> NoReturn:
    """Become a fresh interpreter that waits for our child *pid*: see monitor.py for *words*."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for stream in (0, 1, 2):  # a pipe that the caller reads must not stay open here
        os.dup2(null, stream)
    os.chdir("/")
    module = os.path.join(os.path.dirname(__file__), "monitor.py")
    argv = [sys.executable, "-ISE", module, str(pid), *words]
    os.execve(sys.executable, argv, dict(os.environ))


def _start(it: Container, streams: tuple[int, int, int]) -> int:
    """Start the container, note its process, and write its new state down."""
    directory = it.store.directory(it.id)
    begin = container.Start(
        directory, it.config(), streams, lambda pid: containers.note(it.store, it.id, pid)
    )
    begin.init = bool(it.record["HostConfig"].get("Init"))
    try:
        pid = container.start(begin)
    except MiniDockerError as error:
        containers.forget(it.store, it.id)
        with it.change():
            it.update(ExitCode=error.exit_code, Error=str(error))
        raise
    for warning in begin.warnings:
        print(f"WARNING: {warning}", file=sys.stderr)
    with it.change():
        it.update(Status="running", Pid=pid, StartedAt=timestamps.now(), Error="", ExitCode=0)
    return pid


def look_after(it: Container, pid: int) -> int:
    """Wait for the container's process 1, write its end down, and clean up."""
    return end(it, processes.init(pid))


def end(it: Container, code: int) -> int:
    """Write down that the container has ended with *code*, and clean up; return *code*.

    A container with --rm takes its state with it, so that is written only for a `wait`
    that has been asking: it gets a moment to read.
    """
    waiters = f"{it.store.directory(it.id)}/waiters"
    if not it.record["HostConfig"].get("AutoRemove"):
        with it.change():
            containers.finish(it, code)
        return code
    if os.path.exists(waiters):
        with it.change():
            containers.finish(it, code)
        Lock(waiters).wait(PATIENCE)
    else:
        container.end(it.config())
    containers.remove(it)
    return code
