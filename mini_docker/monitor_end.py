"""What a monitor does when its container's process 1 has ended: write it down, and clean up.

The order is the point. What the container has written is in the log before the state says
that it has ended: a reader who follows the log stops there. Its clients are told once the
end is written down, and what takes longer than that comes after: they do not wait for it.
"""

from __future__ import annotations

import os
import sys
import time

from mini_docker import (
    cgroups_tree,
    container_end,
    containers,
    events,
    monitor_group,
    processes,
    records,
    spec,
    swap,
    timestamps,
    trees,
)
from mini_docker.store import Lock, Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from mini_docker.containers import Container
    from mini_docker.monitor_loop import Loop

PATIENCE = 1.0  # seconds that somebody who waits for a container with --rm has to read its end


def become_slim(loop: Loop) -> NoReturn:
    """Go on as a smaller process, out of the group of the command that we come from."""
    from mini_docker import monitor_handover

    monitor_group.join_monitors()
    it = containers.Container(Store(loop.root), loop.id)
    state = monitor_handover.pack(loop, it.record["HostConfig"].get("LogConfig") or {})
    monitor_handover.become({**state, "run": it.store.run}, loop.root, loop.id)


def finish(loop: Loop) -> None:
    """Write down the end of the container of *loop*, tell its clients, and clean up."""
    code = processes.wait(loop.pid)
    if loop.health:
        loop.health.close()
    it = containers.Container(Store(loop.root), loop.id)
    loop.drain()
    if loop.outputs and not it.record["Config"].get("Tty"):
        _silence(loop, it)
    loop.close()
    lived = time.monotonic() - loop.began
    if containers.removes_itself(it):
        gone = _vanish(it, code)
        _tell(loop, code, removed=True)
        loop.unmount()
        trees.remove(gone)
        loop.linger()
        return
    delay = _record(it, code, lived)
    _tell(loop, code, removed=False)
    loop.unmount()
    if delay is not None:
        _again(loop, it, delay)
    os.close(loop.life)
    loop.linger()


def _silence(loop: Loop, it: Container) -> None:
    """End who still can write to the log: without a pid namespace of its own process 1 is not all.

    They are in the container's control group. What they have written so far is passed on.
    """
    config = it.config()
    path = config["linux"].get("cgroupsPath")
    if "pid" in spec.kinds(config) or not path or swap.locked("cgroups"):
        return
    cgroups_tree.Group(path).kill()
    loop.drain()


def _tell(loop: Loop, code: int, removed: bool) -> None:
    text = records.dump({"code": code, "error": "", "removed": removed})
    loop.tell(b"x", text.encode())


def close(it: Container, code: int) -> None:
    """Write down that *it* has ended with *code*, or remove it: there are no clients to tell."""
    if containers.removes_itself(it):
        trees.remove(_vanish(it, code))
        return
    with it.change():
        killed = containers.finish(it, code)
        containers.tell_end(it, code, killed)


def _vanish(it: Container, code: int) -> str:
    """Take a container with --rm out of every listing; return the directory that is left.

    It takes its state with it, so that is written only for a `wait` that has been asking:
    it gets a moment to read.
    """
    waiters = f"{it.store.directory(it.id)}/waiters"
    waited = os.path.exists(waiters)
    if waited:
        with it.change():
            killed = containers.finish(it, code)
    else:
        killed = container_end.end(it.config())
        if killed:
            with it.change():
                it.reload()
                killed = not it.state.get("OOMKilled")
                it.update(Pid=0)  # so that nobody else tells of it
    containers.tell_end(it, code, killed)
    if waited:
        Lock(waiters).wait(PATIENCE)
    gone = containers.vanish(it.store, it.id, it.name())
    events.container(it, "destroy")
    return gone


def _record(it: Container, code: int, lived: float) -> float | None:
    """Write the end down; return after how many seconds the container is to start again.

    One that is to start again never says that it has exited: whoever waits for its end
    would take that for the last one.
    """
    policy = it.record["HostConfig"].get("RestartPolicy") or {}
    with it.change():
        it.reload()
        delay, told = _delay(it, policy, code, lived)
        if delay is None:
            killed = containers.finish(it, code, told)
        else:
            killed, known = container_end.end(it.config()), it.state.get("OOMKilled")
            fields = {"Pid": 0, "ExitCode": code, "OOMKilled": killed, "Error": ""}
            fields |= {"FinishedAt": timestamps.now(), "RestartDelay": delay}
            if health := it.state.get("Health"):  # as containers.finish() has it
                fields["Health"] = {**health, "Status": "unhealthy"}
            count = it.state.get("RestartCount", 0) + 1
            it.update(Status="restarting", RestartCount=count, **fields)
            killed = killed and not known
            containers.note(it.store, it.id, 0)
        containers.tell_end(it, code, killed)  # before anybody can tell of what follows
    return delay


def _delay(
    it: Container, policy: dict[str, Any], code: int, lived: float
) -> tuple[float | None, str]:
    """Ask the topic of lab 13 when *it* is to start again; if that fails, return why, in words.

    The end is written down all the same, and a container without a policy asks nobody.
    """
    if policy.get("Name", "") in ("", "no"):
        return None, ""
    from mini_docker import lifecycle

    try:
        delay = lifecycle.restart(policy, {**it.state, "ExitCode": code}, lived)
        return None if delay is None else float(delay), ""
    except Exception as error:
        if not (told := swap.explain(error)):
            raise
        return None, told


def _leave_behind(loop: Loop) -> None:
    """Let a process of its own serve the clients that have not read to the end yet.

    It is nobody's child, so nobody has to wait for it, and does not hold the container's lock.
    """
    for client in loop.clients:
        client.go_on()
    if any(client.last and not client.gone for client in loop.clients):
        middle = os.fork()
        if middle == 0:
            if os.fork() == 0:
                os.close(loop.life)
                loop.linger()
            os._exit(0)
        os.waitpid(middle, 0)
    for client in loop.clients:
        client.close()


def _again(loop: Loop, it: Container, delay: float) -> NoReturn:
    """Become the process that waits, and starts the container of *loop* after *delay* seconds."""
    from mini_docker import monitor_handover

    _leave_behind(loop)
    monitor_group.join_monitors()
    state = {"due": time.monotonic() + delay, "life": loop.life, "run": it.store.run}
    empty = {"process": -1, "mounts": -1, "door": -1, "outputs": [], "clients": []}
    sys.stdout.flush()
    monitor_handover.become({**state, **empty}, loop.root, loop.id)
