"""A container begins: its process 1 is started, noted, and written down as running."""

from __future__ import annotations

import os
import sys

from mini_docker import container, containers, events, timestamps
from mini_docker.errors import MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any

    from mini_docker.container_limits import Limits
    from mini_docker.containers import Container

FAILED = 125  # the exit code of the engine's own failures


def begin(
    it: Container,
    config: dict[str, Any],
    streams: tuple[int, int, int],
    terminal: socket.socket | None = None,
    limits: Limits | None = None,
) -> int:
    """Start the container, note its process, and write its new state down; return its pid.

    *config* is its config.json. *streams* are descriptors for its 0, 1 and 2. Or it has a
    terminal: then both ends of that are sent through the connection *terminal*. *limits* says
    who makes its control group, if that is not this process.
    """
    start = container.Start(
        it.store.directory(it.id),
        config,
        streams,
        lambda pid: containers.note(it.store, it.id, pid),
    )
    start.init = bool(it.record["HostConfig"].get("Init"))
    start.terminal = terminal
    start.limits = limits or start.limits
    try:
        pid = container.start(start)
    except MiniDockerError as error:
        containers.forget(it.store, it.id)
        with it.change():
            it.update(ExitCode=error.exit_code, Error=str(error))
        raise
    try:
        for warning in start.warnings:
            print(f"WARNING: {warning}", file=sys.stderr, flush=True)
        with it.change():
            it.update(**_runs(it, pid))
        events.container(it, "start")
    except BaseException as error:
        give_up(it, pid, error)
        raise
    return pid


def give_up(it: Container, pid: int, error: BaseException) -> None:
    """End process 1 of *it*, our child *pid*: its start has failed after all, because of *error*.

    Nobody would look after it.
    """
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    code = error.exit_code if isinstance(error, MiniDockerError) else FAILED
    with it.change():
        it.reload()
        ran = it.running()
        killed = containers.finish(it, code, f"{error or type(error).__name__}", ran)
        if ran:
            containers.tell_end(it, code, killed)


def _runs(it: Container, pid: int) -> dict[str, Any]:
    """Return the fields of state.json of a container that has been started."""
    fields = {"Status": "running", "Pid": pid, "StartedAt": timestamps.now(), "Error": ""}
    fields |= {"ExitCode": 0, "OOMKilled": False}
    if it.record["Config"].get("Healthcheck"):
        from mini_docker import health

        if health.plan(it.record["Config"]):
            fields["Health"] = health.fresh(it.state.get("Health"))
    return fields
