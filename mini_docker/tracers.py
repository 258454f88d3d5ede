"""Who may trace processes in a container's pid namespace, besides the container itself.

A container without CAP_SYS_PTRACE can have company that has it: the command of an
`exec --privileged`, or a container that shares its pids to debug it. For them, too, the engine
must have nothing to give when it enters (sealed.py, container_birth.py). So whoever lets such
a one in writes that down first, in the config.json of every container in that namespace.
"""

from __future__ import annotations

import os

from mini_docker import capabilities_names, containers, records, sealed
from mini_docker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.store import Store

_BIT = capabilities_names.BIT["CAP_SYS_PTRACE"]


def announce(store: Store, pid: int) -> None:
    """Write down that from now on somebody may trace what is in the pid namespace of *pid*."""
    namespace = _namespace(pid)
    for id in store.ids():
        try:
            it = containers.Container(store, id)
            if it.running() and _namespace(it.pid()) == namespace:
                _mark(it)
        except NotFound:
            continue  # being made, or removed meanwhile


def present(pid: int) -> bool:
    """Say whether a process in the pid namespace of *pid* can have CAP_SYS_PTRACE at the moment."""
    namespace = _namespace(pid)
    found = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    return any(_namespace(other) == namespace and _may_trace(other) for other in found)


def _mark(it: containers.Container) -> None:
    with it.change():
        config = it.config()
        if not sealed.announced(config):
            notes = {**config.get("annotations", {}), sealed.TRACED: "true"}
            path = f"{it.store.directory(it.id)}/config.json"
            records.write(path, {**config, "annotations": notes})


def _namespace(pid: int) -> str:
    """Return the pid namespace of process *pid*; "" if that has ended."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _may_trace(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            words = file.read().partition(b"\nCapBnd:")[2].split(maxsplit=1)
    except OSError:
        return False  # it has ended
    return bool(words) and bool(int(words[0], 16) & _BIT)
