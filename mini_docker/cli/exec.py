"""mini-docker exec: run one more command in a running container."""

from __future__ import annotations

import os

from mini_docker import container_exec, container_process, containers, processes, sealed
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "exec",
    "Execute a command in a running container",
    "mini-docker exec [OPTIONS] CONTAINER COMMAND [ARG...]",
    (
        Flag("detach", "d", help="Detached mode: run command in the background"),
        Flag("env", "e", "env", help="Set environment variables"),
        Flag("env-file", "", "list", help="Read in a file of environment variables"),
        Flag("interactive", "i", help="Keep STDIN open even if not attached"),
        Flag("privileged", "", help="Give extended privileges to the command"),
        Flag("user", "u", "string", help="Username or UID (format: <name|uid>[:<group|gid>])"),
        Flag("workdir", "w", "string", help="Working directory inside the container"),
    ),
    interspersed=False,
    minimum=2,
)


def execute(values: Values, store: Store) -> int:
    """Run the command; return its exit code, or 0 for a detached one."""
    it = containers.load(store, values.arguments[0])
    it.must_run("exec in")
    config = it.config()
    if sealed.seen_by_exec(config):
        sealed.ensure()
    process = describe(values, config["process"])
    filter = container_process.Filter(store.directory(it.id), config)
    if values.privileged:
        _extend(process, config)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    streams = (null, null, null) if values.detach else (0 if values.interactive else null, 1, 2)
    itself = containers.hold(it)
    if values.privileged:
        from mini_docker import tracers

        tracers.announce(store, it.pid())

    def start() -> int:
        try:
            return container_exec.start(it.pid(), itself, config, process, streams, filter)
        except MiniDockerError as error:
            # Docker's code for whatever keeps a command from starting, but for its absence.
            error.exit_code = max(error.exit_code, 126)
            raise

    if values.detach:
        _detach(start)
        return 0
    processes.block()
    return processes.init(start())


def _extend(process: dict[str, Any], config: dict[str, Any]) -> None:
    """Give *process* all capabilities that there are in the container of *config*."""
    from mini_docker import settings_security

    process["capabilities"] = settings_security.privileged(config)
    settings_security.warn({"Privileged": True}, {**config, "process": process})


def _detach(start: Callable[[], int]) -> None:
    """Call *start* in a process that stays behind to reap what it starts."""
    from mini_docker import supervisor

    def monitor(_report: int) -> int:
        os.setsid()
        processes.block()
        supervisor.join_monitors()
        supervisor.become_monitor(start())

    processes.spawn(monitor)


def describe(values: Values, base: dict[str, Any]) -> dict[str, Any]:
    """Return the process that *values* ask for, based on the container's own, *base*."""
    process = {**base, "args": values.arguments[1:]}
    if values.user:
        process["user"] = {**base["user"], "username": values.user}  # with --group-add's groups
    if values.workdir:
        if not values.workdir.startswith("/"):
            raise UsageError(f"the working directory '{values.workdir}' is not an absolute path")
        process["cwd"] = values.workdir
    merged = dict(pair.split("=", 1) for pair in base["env"])
    lines = list(values.env)
    if values.env_file:
        from mini_docker import envfile

        lines = [line for path in values.env_file for line in envfile.read(path)] + lines
    for line in lines:
        name, equals, value = line.partition("=")
        if equals:
            merged[name] = value
        else:
            merged.pop(name, None)
    process["env"] = [f"{name}={value}" for name, value in merged.items()]
    return process
