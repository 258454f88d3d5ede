"""Look after a container from its start to its end, and write down both.

The same few lines serve a container in the foreground, where the command that the
user typed looks after it, and a detached one, where a child of that command does:
the monitor, one for each container.
"""

from __future__ import annotations

import os
import sys

from mini_docker import container, containers, processes, timestamps
from mini_docker.errors import MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container


def run(it: Container, stdin: bool) -> int:
    """Start *it* in the foreground, forward signals, and return its exit code."""
    processes.block()
    null = -1 if stdin else os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    pid = _start(it, (0 if stdin else null, 1, 2))
    return _look_after(it, pid)


def detach(it: Container) -> None:
    """Start *it* with a monitor of its own, and return once the container runs.

    Raises what went wrong in the start. The monitor inherits the container's lock.
    """

    def monitor(report: int) -> int:
        os.setsid()
        processes.block()
        directory = it.store.directory(it.id)
        log = os.open(
            f"{directory}/output.log",
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC,
            0o600,
        )
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        pid = _start(it, (null, log, log))
        for stream in (0, 1, 2):  # a pipe that the caller reads must not stay open here
            os.dup2(null, stream)
        os.close(log)
        os.close(report)
        os.chdir("/")
        _look_after(it, pid)
        return 0

    processes.spawn(monitor)


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


def _look_after(it: Container, pid: int) -> int:
    """Wait for the container's process 1, write its end down, and clean up."""
    code = processes.init(pid)
    with it.change():
        containers.finish(it, code)
    if it.record["HostConfig"].get("AutoRemove"):
        _let_waiters_read(it)
        containers.remove(it)
    return code


def _let_waiters_read(it: Container) -> None:
    """Give `wait` a moment to read the exit code of a container that is about to vanish."""
    from mini_docker.store import Lock

    Lock(f"{it.store.directory(it.id)}/waiters").wait(1.0)
