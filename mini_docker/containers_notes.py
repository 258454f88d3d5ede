"""What the kernel holds of a container, as RUN/ID.json tells: pid, start time, boot.

The note is there from the moment somebody sets about starting the container, with pid 0
until there is a process, to the moment its end is written down. So a container that does
not run, and has no note, needs no further look.
"""

from __future__ import annotations

import os

from mini_docker import monitor_socket, records
from mini_docker.errors import ConfigError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.containers import Container
    from mini_docker.store import Store


def note(store: Store, id: str, pid: int) -> None:
    """Write down that *pid* is process 1 of container *id*, before it runs the program.

    Pid 0: it is being started, and has no process yet.
    """
    start, boot = start_time(pid) if pid else 0, boot_id()
    row = {"Pid": pid, "StartTime": start, "Boot": boot}
    try:
        records.write_anyhow(f"{store.run}/{id}.json", row)
    except ConfigError:
        if os.path.isdir(store.run):
            raise
        store.prepare()  # /run is empty when the machine has started
        records.write_anyhow(f"{store.run}/{id}.json", row)


def read_note(store: Store, id: str) -> dict[str, Any] | None:
    """Return what note() wrote, or None."""
    try:
        found = records.read(f"{store.run}/{id}.json")
    except FileNotFoundError:
        return None
    return found if isinstance(found, dict) else None


def forget(store: Store, id: str) -> None:
    """Remove what note() wrote, and the door of a monitor that was killed (monitor_door)."""
    for path in (f"{store.run}/{id}.json", monitor_socket.path(store.run, id)):
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def shut(store: Store, id: str) -> None:
    """Remove the door of a monitor, its socket, that is there no more; or is about to go."""
    monitor_socket.remove(monitor_socket.path(store.run, id))


def alive(noted: dict[str, Any] | None) -> bool:
    """Say whether the process of a note still lives: the same pid may be another one by now."""
    if not noted or not noted.get("Pid") or noted.get("Boot") != boot_id():
        return False
    started = start_time(int(noted["Pid"]))
    return started != 0 and started == noted.get("StartTime")


def start_time(pid: int) -> int:
    """Return when process *pid* started, in clock ticks since boot; 0 if it is gone or a zombie.

    Field 22 of /proc/PID/stat; the name in field 2 may hold anything. proc(5).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] in (b"Z", b"X") else int(fields[19])


def boot_id() -> str:
    """Return a name for the time since the machine's last start. random(4)."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def hold(it: Container) -> int:
    """Return a pidfd of process 1 of *it*; StateError if that has ended. pidfd_open(2).

    It stands for the process itself. The note is compared once it is open: from then on
    the number may pass to another process, and the pidfd does not.
    """
    try:
        descriptor = os.pidfd_open(it.pid())
    except OSError:
        descriptor = -1
    if descriptor < 0 or not alive(read_note(it.store, it.id)):
        raise StateError(f"container {it.name()} is not running")
    return descriptor
