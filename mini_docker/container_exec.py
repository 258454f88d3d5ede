"""exec: one more process in a container that runs already.

The engine stays outside. Its child is born in the container's pid namespace, moves
under the container's limits while it still sees the host's files, then into the
other namespaces, and from there on it goes the way of every container process.
"""

from __future__ import annotations

import os

from mini_docker import (
    cgroups_tree,
    container_process,
    container_streams,
    interruptions,
    namespaces,
    sealed,
    spec,
    swap,
    syscalls,
)
from mini_docker.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from collections.abc import Callable
    from typing import Any

    from mini_docker.container_birth import Birth

    Streams = tuple[int, int, int] | socket.socket
else:
    import _signal as signal


def start(
    pid: int,
    itself: int,
    config: dict[str, Any],
    process: dict[str, Any],
    streams: Streams,
    filter: container_process.Filter,
) -> int:
    """Start *process*, an object of config.json, beside process *pid* of the container.

    *itself* is a pidfd of that process: should it end while we enter its namespaces, and
    its number pass to another process, then nothing is started there. *config* and
    *filter* are the container's. *streams* are its 0, 1 and 2, or the connection where the
    two ends of its terminal are to be sent. Return the new process's pid, on the host, once
    its program runs. The caller's next children may belong to the container's pid namespace.

    The caller has called processes.block(). Raises interruptions.Interrupted, with nothing
    left of the start, if a signal to end comes and the start does not.
    """
    group = _group(config)
    late = _late(config)
    take, then = _takers(streams, late)

    def child(report: int) -> int:
        os.setsid()
        # From the moment we can be seen in there: nobody may look through us at the
        # engine's own program file (CVE-2019-5736), or trace us.
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
        if group:
            cgroups_tree.move_in(group)
        wanted = _enter(pid, config, process, bool(late))
        _demand(itself)
        take()
        container_process.close_all_but(report)
        container_process.become(wanted, report, filter, then)

    fork = os.fork if late else lambda: _fork_inside(pid)
    first = interruptions.spawn(child, fork, late.given if late else list)
    return late.take(first) if late else first


def _takers(
    streams: Streams, late: Birth | None
) -> tuple[Callable[[], None], Callable[[], None] | None]:
    """Return what gives a child in the container its streams, and what it does as the last thing.

    They can import nothing any more when they are called.
    """
    give = late.give if late else None
    if not isinstance(streams, tuple):
        from mini_docker import container_exec_terminal as terminal

        return terminal.taker(streams, bool(late)), terminal.own(give) if give else None
    return lambda: container_streams.take(streams), give


def _fork_inside(pid: int) -> int:
    _enter_pids(pid)
    return os.fork()


def _group(config: dict[str, Any]) -> cgroups_tree.Group | None:
    path = config["linux"].get("cgroupsPath")
    return cgroups_tree.Group(path) if path and not swap.locked("cgroups") else None


def _late(config: dict[str, Any]) -> Birth | None:
    """Return how to enter the pid namespace last; None if nobody in there could trace us."""
    if not sealed.seen_by_exec(config):
        return None
    from mini_docker.container_birth import Birth

    return Birth()


def _enter_pids(pid: int) -> None:
    """Let the caller's next children be born in the pid namespace of process *pid*."""
    if not swap.locked("namespaces"):
        namespaces.enter(pid, {"pid"})


def _enter(pid: int, config: dict[str, Any], process: dict[str, Any], late: bool) -> dict[str, Any]:
    """Enter the namespaces of process *pid*; return what is left to do for *process*.

    If it is *late* for the pid namespace, that one too: it counts for our children.
    """
    if late:
        _enter_pids(pid)
    mapped = spec.mapped(config) and not swap.locked("namespaces")
    if mapped:
        from mini_docker import container_users

        container_process.limit(process)  # as root of the host, which we are no more in there
    container_process.forbid_imports(process)
    if not swap.locked("namespaces"):
        namespaces.enter(pid, set(namespaces.FLAGS) - {"pid", "time"})
    if not mapped:
        return process
    container_users.enter()
    return container_users.limited(process)


def _demand(itself: int) -> None:
    """Refuse to go on if the process of the pidfd *itself* is gone. pidfd_send_signal(2)."""
    try:
        signal.pidfd_send_signal(itself, 0)
    except ProcessLookupError:
        raise StateError("cannot exec: the container has ended") from None
