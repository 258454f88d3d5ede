"""Start a container without streams of our own: what the engine does before lab 12.

The container gets the descriptors of the command itself, or a file in its directory. So a
command in the foreground looks after its container until the end, and a detached one leaves
a process behind that only waits.
"""

from __future__ import annotations

import os

from mini_docker import containers, monitor_begin, monitor_end, monitor_group, processes
from mini_docker.errors import NotFound, ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container
    from mini_docker.store import Lock

LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def run(it: Container, stdin: bool) -> int:
    """Start *it* in the foreground, forward signals, and return its exit code."""
    processes.block()
    null = -1 if stdin else os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    pid = monitor_begin.begin(it, it.config(), (0 if stdin else null, 1, 2))
    code = processes.init(pid)
    monitor_end.close(it, code)
    return code


def detach(it: Container, life: Lock) -> None:
    """Start *it* with a process of its own that waits, and return once the container runs.

    Raises what went wrong in the start. That process inherits the container's lock, *life*.
    """

    def monitor(_report: int) -> int:
        os.setsid()
        processes.block()
        monitor_group.join_monitors()
        log = os.open(f"{it.store.directory(it.id)}/output.log", LOG_FLAGS, 0o600)
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        pid = monitor_begin.begin(it, it.config(), (null, log, log))
        os.set_inheritable(life.descriptor, True)
        monitor_group.become_monitor(pid, it.store.root, it.id, "plain")

    processes.spawn(monitor)
    life.release()
    try:
        # A monitor that is killed early closes its report as one that has succeeded does.
        if containers.load(it.store, it.id).status() == "created":
            raise ProcessError(f"container {it.id[:12]} did not start: its monitor was killed")
    except NotFound:
        return  # it had --rm, and has ended already


def main(pid: int, root: str, id: str) -> int:
    """Wait for our child *pid*, process 1 of container *id*, and write down its end."""
    from mini_docker.store import Store

    code = processes.init(pid)
    monitor_end.close(containers.Container(Store(root), id), code)
    return 0
