"""How a monitor becomes a smaller process without letting anything go.

The fork of a command that starts a container is several times as large as what a monitor
needs while the container runs. So it becomes a fresh interpreter (execve keeps the pid, the
children, the signal mask and every descriptor that is inheritable), and finds out from a
file in memory what it was doing: the loop's numbers, in marshal's form. memfd_create(2).
"""

from __future__ import annotations

import marshal
import os
import sys

from mini_docker import monitor_clients
from mini_docker.monitor_door import Door
from mini_docker.monitor_log import Late
from mini_docker.monitor_loop import Loop
from mini_docker.monitor_streams import Input, Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

HIGHEST = 2**31 - 1  # descriptor
SIZE = 2**26  # bytes; what a monitor remembers is far less


def pack(loop: Loop, log_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what unpack() makes *loop* from; *loop* is of no use any more."""
    state = {
        "pid": loop.pid,
        "process": loop.process,
        "life": loop.life,
        "mounts": loop.mounts,
        "began": loop.began,
        "outputs": [(output.number, output.descriptor) for output in loop.outputs],
        "clients": [client.state() for client in loop.clients],
        "door": loop.door.socket.detach() if loop.door else -1,
        "log": dict(log_config),
        "before": loop.log.leave() if loop.log else b"",
        "health": loop.health and loop.health.state(),
        "kills": loop.memory and loop.memory.state(),
    }
    if loop.input:
        fields = ("descriptor", "once", "tty", "pending", "ended", "held")
        state["input"] = [getattr(loop.input, name) for name in fields]
    return state


def unpack(root: str, run: str, id: str, state: dict[str, Any]) -> Loop:
    """Return the loop of which pack() returned *state*."""
    directory = f"{root}/containers/{id}"
    loop = Loop(root, id, state["pid"], state["process"])
    loop.life, loop.mounts, loop.began = state["life"], state["mounts"], state["began"]
    loop.outputs = [Output(number, descriptor) for number, descriptor in state["outputs"]]
    loop.clients = [monitor_clients.restore(it, directory) for it in state["clients"]]
    loop.door = Door(run, id, state["door"]) if state["door"] >= 0 else None
    loop.log = Late(directory, state["log"], state["before"])
    if state.get("input"):
        descriptor, once, tty, pending, ended, held = state["input"]
        loop.input = Input(descriptor, once, tty)
        loop.input.pending, loop.input.ended, loop.input.held = pending, ended, held
    if state["health"]:
        from mini_docker import health

        loop.health = health.restore(root, id, state["health"])
    if state["kills"]:
        from mini_docker import memory_watch

        loop.memory = memory_watch.restore(root, id, state["kills"])
    for descriptor in descriptors(state):
        os.set_inheritable(descriptor, False)
    os.close(state["memory"])
    return loop


def descriptors(state: dict[str, Any]) -> list[int]:
    """Return the descriptors that *state* speaks of."""
    found = [state["life"], state["mounts"], state["process"], state["door"]]
    found += [descriptor for _, descriptor in state["outputs"]]
    found += [state["input"][0], state["input"][5]] if state.get("input") else []
    found += [state["health"]["descriptor"]] if state.get("health") else []
    found += state["kills"][1:3] if state.get("kills") else []
    for client in state["clients"]:
        found += [client["descriptor"], *(client["spool"] or [])[:1]]
    return [descriptor for descriptor in found if descriptor >= 0]


def become(state: dict[str, Any], *words: str) -> NoReturn:
    """Become a fresh interpreter that goes on from *state*; *words* are the root and the id."""
    memory = os.memfd_create("monitor", 0)
    os.write(memory, marshal.dumps(state))
    kept = sorted([*descriptors(state), memory])
    for before, descriptor in zip([2, *kept], [*kept, HIGHEST], strict=False):
        os.closerange(before + 1, descriptor)  # what a caller has left open to us
    for descriptor in kept:
        os.set_inheritable(descriptor, True)
    os.chdir("/")
    module = os.path.join(os.path.dirname(__file__), "monitor.py")
    os.execve(
        sys.executable,
        [sys.executable, "-ISE", module, str(memory), *words],
        dict(os.environ),
    )


def remembered(memory: int) -> dict[str, Any]:
    """Return the state that become() wrote to *memory*, which stays open."""
    return {**marshal.loads(os.pread(memory, SIZE, 0)), "memory": memory}
