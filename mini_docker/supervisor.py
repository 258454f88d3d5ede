"""Look after a container from its start to its end, and write down both.

Each container that runs has a process of its own that does this: the monitor, a fork of the
command that starts the container. The command is a client of it, if it stays at all, and
shows what the container writes. So it can be killed, or leave, and the container goes on.

    command ── fork ──> monitor ── fork ──> the container's process 1
       └───── connection ──┘ └── pipes, or a terminal ──┘

Until lab 12 there are no such streams: see supervisor_plain.py. What a command in the
foreground does is in foreground.py.
"""

from __future__ import annotations

import os
import sys

from mini_docker import (
    cgroups_tree,
    container,
    containers,
    events,
    processes,
    spec,
    swap,
    timestamps,
)
from mini_docker.errors import MiniDockerError, ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, NoReturn

    from mini_docker.containers import Container
    from mini_docker.store import Lock
else:
    import _socket as socket

MONITORS = "/mini-docker/monitors"


def launch(it: Container, life: Lock, hello: dict[str, Any] | None = None) -> socket.socket | None:
    """Start *it* with a monitor of its own, and return once the container runs.

    *hello* says which streams the caller wants from the beginning, and how large its
    terminal is (see monitor_clients.py). Then return the connection that has them. The
    monitor inherits *life*, the container's lock, which the caller has no more afterwards.

    The caller has called processes.block(). Raises what went wrong in the start.
    """
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    runs, started = os.pipe()

    def monitor(report: int) -> int:
        from mini_docker import monitor_start

        os.close(runs)
        pair[0].close()
        return monitor_start.main(it, life, (report, started), (pair[1], hello))

    try:
        _spawn(it, monitor)
    except BaseException:
        pair[0].close()
        raise
    finally:
        os.close(started)
        pair[1].close()
        life.release()
    with open(runs, "rb", buffering=0) as pipe:
        if not pipe.read(1):  # one that is killed closes its report as one that succeeds does
            raise ProcessError(f"container {it.id[:12]} did not start: its monitor was killed")
    if hello is not None:
        return pair[0]
    pair[0].close()
    return None


def _spawn(it: Container, monitor: Any) -> None:
    """Fork *monitor*, and wait until the container runs; a signal may end a wait without end."""
    if "pid" not in spec.joined(it.config()):
        processes.spawn(monitor)
        return
    from mini_docker import interruptions

    interruptions.spawn(monitor, os.fork)


def detach(it: Container, life: Lock) -> None:
    """Start *it* and leave it to its monitor."""
    if swap.locked("streams"):
        from mini_docker import supervisor_plain

        supervisor_plain.detach(it, life)
        return
    launch(it, life)


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


def become_monitor(pid: int, *words: str, module: str = "monitor.py") -> NoReturn:
    """Become a fresh interpreter that waits for our child *pid*: see *module* for *words*."""
    hush()
    os.chdir("/")
    module = os.path.join(os.path.dirname(__file__), module)
    argv = [sys.executable, "-ISE", module, str(pid), *words]
    os.execve(sys.executable, argv, dict(os.environ))


def hush() -> None:
    """Close our standard streams: a pipe that the caller reads must not stay open here."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def begin(it: Container, streams: tuple[int, int, int], terminal: Any = None) -> int:
    """Start the container, note its process, and write its new state down; return its pid.

    *terminal*, a socket, is where the master of its terminal is to be sent, if it has one.
    """
    start = container.Start(
        it.store.directory(it.id),
        it.config(),
        streams,
        lambda pid: containers.note(it.store, it.id, pid),
    )
    start.init = bool(it.record["HostConfig"].get("Init"))
    start.terminal = terminal
    try:
        pid = container.start(start)
    except MiniDockerError as error:
        containers.forget(it.store, it.id)
        with it.change():
            it.update(ExitCode=error.exit_code, Error=str(error))
        raise
    for warning in start.warnings:
        print(f"WARNING: {warning}", file=sys.stderr, flush=True)
    with it.change():
        it.update(**_runs(it, pid))
    events.container(it, "start")
    return pid


def _runs(it: Container, pid: int) -> dict[str, Any]:
    """Return the fields of state.json of a container that has been started."""
    fields = {"Status": "running", "Pid": pid, "StartedAt": timestamps.now(), "Error": ""}
    fields |= {"ExitCode": 0, "OOMKilled": False}
    if it.record["Config"].get("Healthcheck"):
        from mini_docker import health

        if health.plan(it.record["Config"]):
            fields["Health"] = health.fresh()
    return fields


def end(it: Container, code: int) -> int:
    """Write down that *it* has ended with *code*, and clean up; return *code*."""
    from mini_docker import monitor_end

    monitor_end.close(it, code)
    return code
