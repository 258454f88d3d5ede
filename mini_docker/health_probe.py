"""One look at a container's health: run its test, and write the result to state.json.

    python -ISE mini_docker/health_probe.py ROOT ID

The monitor starts this process (health.py) and waits for it. The test is one more process
in the container, as `exec` would start it. The exit code is STARTING until the container
has been healthy or unhealthy for the first time.
"""

from __future__ import annotations

import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any

    from mini_docker.containers import Container
else:
    import _signal as signal

LONGEST = 4096  # bytes of output that are kept, as Docker has it
CHUNK = 65536
LEFT = 2**20  # bytes that a test may have left in its pipe


def main(root: str, id: str) -> int:
    """Look at container *id* of the store at *root*."""
    from mini_docker import containers, health, processes, sealed
    from mini_docker.errors import NotFound
    from mini_docker.store import Store

    processes.block()
    try:
        it = containers.Container(Store(root), id)
        if it.status() == "running":
            if sealed.seen_by_exec(it.config()):
                sealed.ensure()
            _note(it, _look(it))
    except NotFound:
        return 0  # it has ended meanwhile, and had --rm
    now = it.state.get("Health") or {}
    return health.STARTING if now.get("Status") == "starting" else 0


def _look(it: Container) -> dict[str, Any]:
    """Run the test of *it*; return the result as State.Health.Log has it."""
    from mini_docker import health, timestamps
    from mini_docker.errors import MiniDockerError

    plan = health.plan(it.record["Config"]) or list(health.DEFAULTS)
    started = timestamps.now()
    try:
        code, output = _run(it, plan[1])
    except MiniDockerError as error:
        code, output = -1, str(error).encode()
    if len(output) > LONGEST:
        output = output[:LONGEST] + b"..."
    text = output.decode(errors="replace")
    return {"Start": started, "End": timestamps.now(), "ExitCode": code, "Output": text}


def _run(it: Container, seconds: float) -> tuple[int, bytes]:
    """Run the test of *it*, at most *seconds*; return its exit code, or -1, and its output."""
    from mini_docker import (
        container_exec,
        container_process,
        containers,
        durations,
        events,
        processes,
    )

    config = it.config()
    process = {**config["process"], "args": command(it.record["Config"]), "terminal": False}
    told, words = os.urandom(32).hex(), " ".join(process["args"])
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    reader, writer = os.pipe()
    filter = container_process.Filter(it.store.directory(it.id), config)
    events.container(it, f"exec_create: {words}", execID=told)
    events.container(it, f"exec_start: {words}", execID=told)
    streams = (null, writer, writer)
    pid = container_exec.start(it.pid(), containers.hold(it), config, process, streams, filter)
    os.close(writer)
    output, ended = collect(reader, os.pidfd_open(pid), seconds)
    if not ended:
        _kill(pid)
    code = processes.wait(pid)
    events.container(it, "exec_die", execID=told, exitCode=str(code))
    if ended:
        return code, output
    words = f"Health check exceeded timeout ({durations.duration(int(seconds * 10**9))})"
    return -1, words.encode() + (b": " + output if output else b"")


def command(config: dict[str, Any]) -> list[str]:
    """Return the argv of the test in a record's *config*: as it is, or by way of the shell."""
    kind, *words = config["Healthcheck"]["Test"]
    if kind == "CMD":
        return [str(word) for word in words]
    return [*(config.get("Shell") or ("/bin/sh", "-c")), str(words[0])]


def collect(reader: int, process: int, seconds: float) -> tuple[bytes, bool]:
    """Read the pipe *reader* until *process*, a pidfd, has ended, at most *seconds* long.

    Return the first LONGEST bytes and one more if there is more, and whether it has ended.
    What it has left behind may hold the pipe open: nobody waits for that.
    """
    os.set_blocking(reader, False)
    give_up = time.monotonic() + seconds
    poll = select.poll()
    for descriptor in (reader, process):
        poll.register(descriptor, select.POLLIN)
    found = b""
    while (left := give_up - time.monotonic()) > 0:
        ready = {descriptor for descriptor, _ in poll.poll(left * 1000)}
        if process in ready:
            return (found + _rest(reader))[: LONGEST + 1], True
        if reader in ready:
            data = os.read(reader, CHUNK)
            found = (found + data)[: LONGEST + 1]
            if not data:  # it has closed its output, and runs on
                poll.unregister(reader)
    return found, False


def _rest(reader: int) -> bytes:
    """Return what is in the pipe *reader* now, at most LEFT bytes."""
    found = b""
    try:
        while len(found) < LEFT and (data := os.read(reader, CHUNK)):
            found += data
    except BlockingIOError:
        return found
    return found


def _kill(pid: int) -> None:
    """End our child *pid*, and the group of processes that it leads, if it still does."""
    from mini_docker import processes

    os.kill(pid, signal.SIGKILL)
    if os.getpgid(pid) == pid:
        processes.send(-pid, signal.SIGKILL)


def _note(it: Container, result: dict[str, Any]) -> None:
    """Write *result* to the state of *it*, if that is still the life that was looked at."""
    from mini_docker import events, health, timestamps

    with it.change():
        before = it.state.get("StartedAt")
        it.reload()
        if not it.running() or it.state.get("StartedAt") != before:
            return
        check, now = it.record["Config"]["Healthcheck"], it.state.get("Health") or health.fresh()
        age = timestamps.seconds(result["Start"]) - timestamps.seconds(it.state["StartedAt"])
        early = age < (check.get("StartPeriod") or 0) / health.SECOND
        new = _verdict(now, result, check.get("Retries") or 0, early)
        it.update(Health=new)
    if new["Status"] != now["Status"]:
        events.container(it, f"health_status: {new['Status']}")


def _verdict(
    now: dict[str, Any], result: dict[str, Any], retries: int, early: bool
) -> dict[str, Any]:
    """Return the health of a container after *result*; if the judge fails, Log says why."""
    from mini_docker import lifecycle, swap

    try:
        new = lifecycle.judge(now, result, retries, early)
        return {**new, "Status": str(new["Status"])}
    except Exception as error:
        if not (told := swap.explain(error)):
            raise
    failed = {**result, "ExitCode": -1, "Output": told}
    return {**now, "Log": [*now["Log"], failed][-lifecycle.KEPT_PROBES :]}


if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("/mini_docker/")[0])
    sys.exit(main(*sys.argv[1:]))
