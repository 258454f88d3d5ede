"""mini-docker exec: run one more command in a running container."""

from __future__ import annotations

import os

from mini_docker import (
    container_exec,
    container_process,
    container_streams,
    containers,
    events,
    processes,
    sealed,
    swap,
)
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.container_exec_session import Starter, Streams
    from mini_docker.containers import Container
    from mini_docker.store import Store
else:
    import _signal as signal

COMMAND = Command(
    "exec",
    "Execute a command in a running container",
    "mini-docker exec [OPTIONS] CONTAINER COMMAND [ARG...]",
    (
        Flag("detach", "d", help="Detached mode: run command in the background"),
        Flag("detach-keys", "", "string", help="Override the key sequence for detaching"),
        Flag("env", "e", "env", help="Set environment variables"),
        Flag("env-file", "", "list", help="Read in a file of environment variables"),
        Flag("interactive", "i", help="Keep STDIN open even if not attached"),
        Flag("privileged", "", help="Give extended privileges to the command"),
        Flag("tty", "t", help="Allocate a pseudo-TTY"),
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
    session = _session(values, it)
    process = describe(values, config["process"], it.record["Config"])
    filter = container_process.Filter(store.directory(it.id), config)
    if values.privileged:
        _extend(process, config)
    itself = containers.hold(it)
    if values.privileged:
        from mini_docker import tracers

        tracers.announce(store, it.pid())
    name, words = os.urandom(32).hex(), " ".join(process["args"])

    def start(streams: Streams) -> int:
        events.container(it, f"exec_create: {words}", execID=name)
        try:
            pid = container_exec.start(it.pid(), itself, config, process, streams, filter)
        except MiniDockerError as error:
            # Docker's code for whatever keeps a command from starting, but for its absence.
            error.exit_code = max(error.exit_code, 126)
            raise
        events.container(it, f"exec_start: {words}", execID=name)
        return pid

    if session:
        return session(name, start)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    if values.detach:
        _detach(it, name, lambda: start((null, null, null)))
        return 0
    processes.block()
    code = processes.init(start((0 if values.interactive else null, 1, 2)))
    events.container(it, "exec_die", execID=name, exitCode=str(code))
    return code


def _session(values: Values, it: Container) -> Callable[[str, Starter], int] | None:
    """Return what runs the command with streams of the engine's; None if it gets the caller's.

    The caller's terminal and files are for nobody in a container: it gets a terminal of its own
    (-t), or pipes. Those that the caller has are good enough, and need nobody in between.
    """
    if values.detach_keys:
        from mini_docker import streams_text

        streams_text.sequence(values.detach_keys)  # refused, with or without a use for them
    used = (0, 1, 2) if values.interactive else (1, 2)
    if values.tty:
        swap.require("streams", what="exec -t")
    elif values.detach or swap.locked("streams") or container_streams.harmless(used):
        return None
    from mini_docker import attachment, container_exec_session

    stdin = values.interactive and not values.detach
    wish = attachment.Wish((stdin, True, True), values.tty, values.detach_keys)
    wish.check()

    def run(name: str, start: Starter) -> int:
        session = container_exec_session.Session(it, name, wish, start)
        if not values.detach:
            return container_exec_session.run(session)
        container_exec_session.leave(session)
        return 0

    return run


def _extend(process: dict[str, Any], config: dict[str, Any]) -> None:
    """Give *process* all capabilities that there are in the container of *config*."""
    from mini_docker import settings_security

    process["capabilities"] = settings_security.privileged(config)
    settings_security.warn({"Privileged": True}, {**config, "process": process})


def _detach(it: Container, name: str, start: Callable[[], int]) -> None:
    """Call *start* in a process that stays behind to reap what it starts."""
    from mini_docker import container_exec_session, interruptions

    def monitor(_report: int) -> int:
        os.setsid()
        container_exec_session.stay(it, name, start())

    processes.block()
    interruptions.spawn(monitor, os.fork, number=signal.SIGTERM)


def describe(values: Values, base: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Return the process that *values* ask for, based on the container's own, *base*.

    *config* is what its record says about the container.
    """
    process = {**base, "args": values.arguments[1:]}
    if values.user:
        process["user"] = {**base["user"], "username": values.user}  # with --group-add's groups
    if values.workdir:
        if not values.workdir.startswith("/"):
            raise UsageError(f"the working directory '{values.workdir}' is not an absolute path")
        process["cwd"] = values.workdir
    process["env"] = _environment(values, base["env"], config)
    return process


def _environment(values: Values, base: list[str], config: dict[str, Any]) -> list[str]:
    """Return *base*, changed as *values* ask; TERM goes with a terminal, the container's or ours.

    So it leaves again if the container has a terminal and this command has none.
    """
    merged = dict(pair.split("=", 1) for pair in base)
    if values.tty:
        merged.setdefault("TERM", "xterm")
    elif config.get("Tty") and not any(it.startswith("TERM=") for it in config.get("Env", ())):
        merged.pop("TERM", None)
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
    return [f"{name}={value}" for name, value in merged.items()]
