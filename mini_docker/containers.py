"""Containers as the engine knows them: found, looked at, and put right.

The state of a container is in state.json. The process that looks after it holds the
container's lock, and writes down how it ended. When that process has been killed,
load() notices: the lock is free and the state still says "running". Then it looks
at what the kernel has, and writes down the truth.
"""

from __future__ import annotations

import os

from mini_docker import records, timestamps, trees
from mini_docker.errors import MiniDockerError, NotFound, StateError
from mini_docker.store import Lock, Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNKNOWN = 255  # the exit code of a container whose end nobody saw, as containerd has it
UP = ("running", "paused")
RECORD = {
    "Name": str,
    "Created": str,
    "Path": str,
    "Args": list,
    "Config": dict,
    "HostConfig": dict,
}
STATE = {"Status": str, "Pid": int, "ExitCode": int, "Error": str}
STATE |= {"StartedAt": str, "FinishedAt": str}

CONFIG = {"process": dict, "root": dict, "mounts": list, "linux": dict}
LINUX = {"namespaces": list, "resources": dict, "maskedPaths": list, "readonlyPaths": list}


class Container:
    """One container: its record, and its state as of when it was read."""

    __slots__ = ("id", "record", "state", "store")

    def __init__(self, store: Store, id: str) -> None:
        self.store = store
        self.id = id
        self.record = store.record(id)
        self.state = store.state(id)
        records.demand(self.record, RECORD, f"{store.directory(id)}/container.json")
        records.demand(self.state, STATE, f"{store.directory(id)}/state.json")

    def name(self) -> str:
        """Return the name, without Docker's leading slash."""
        return str(self.record["Name"])

    def status(self) -> str:
        """Return created, running, paused, exited or removing."""
        return str(self.state["Status"])

    def running(self) -> bool:
        """Say whether it has living processes; a paused one has."""
        return self.status() in UP

    def pid(self) -> int:
        """Return the pid of its process 1, on the host; 0 if it is not running."""
        return int(self.state.get("Pid", 0)) if self.running() else 0

    def lock(self) -> Lock:
        """Return the lock that the process that looks after the container holds."""
        return Lock(f"{self.store.directory(self.id)}/lock")

    def change(self) -> Lock:
        """Return the lock to hold while changing the state."""
        return Lock(f"{self.store.directory(self.id)}/change")

    def reload(self) -> None:
        """Read record and state again; the caller holds change(), so they stay as they are."""
        self.record, self.state = self.store.record(self.id), self.store.state(self.id)

    def update(self, **fields: Any) -> None:
        """Change fields of state.json; the caller holds change()."""
        self.state = {**self.store.state(self.id), **fields}
        self.store.write_state(self.id, self.state)

    def config(self) -> dict[str, Any]:
        """Return the config.json of its bundle."""
        found, path = self.store.config(self.id), f"{self.store.directory(self.id)}/config.json"
        records.demand(found, CONFIG, path)
        records.demand(found["linux"], LINUX, path)
        return found

    def must_run(self, verb: str) -> None:
        """Refuse *verb*, in Docker's words, unless the container is running and not paused."""
        if self.status() == "paused":
            raise StateError(f"Container {self.id[:12]} is paused, unpause the container first")
        if not self.running():
            raise StateError(f"cannot {verb} container {self.name()}: it is not running")


def load(store: Store, reference: str) -> Container:
    """Return the container that *reference* names, in its true state."""
    return settle(Container(store, store.find(reference)))


def listing(store: Store) -> tuple[list[Container], list[MiniDockerError]]:
    """Return all containers, newest first, and an error for each that cannot be read."""
    found, broken = [], []
    for id in store.ids():
        if not os.path.exists(f"{store.directory(id)}/container.json"):
            continue  # being made, or left over: repair() knows
        try:
            found.append(settle(Container(store, id)))
        except NotFound:
            continue  # removed while we looked
        except MiniDockerError as error:
            broken.append(error)
    return sorted(found, key=lambda c: str(c.record["Created"]), reverse=True), broken


def settle(it: Container) -> Container:
    """Bring the state of *it* up to date if whoever looked after it has been killed."""
    if it.status() not in (*UP, "created") or it.lock().held():
        return it
    noted = read_note(it.store, it.id)
    if it.status() == "created" and noted is None:
        _end(it)  # killed after the group was made, before the child was
        return it
    with it.change():
        it.state = it.store.state(it.id)
        if noted and alive(noted):
            if it.status() != "created":
                return it  # an orphan that runs on: its end will be noticed here
            os.kill(noted["Pid"], 9)  # killed between fork and exec: it never became a program
        if it.status() in (*UP, "created"):
            was_up = it.status() in UP
            finish(it, UNKNOWN, "its monitor was killed; how it ended is not known", was_up)
    if it.record["HostConfig"].get("AutoRemove"):
        remove(it)
        raise NotFound(f"No such container: {it.id[:12]}")
    return it


def finish(it: Container, code: int, error: str = "", ran: bool = True) -> None:
    """Write down the end of a container whose process 1 is gone; the caller holds change().

    Its control group goes first: what is in there would otherwise outlive the container.
    """
    killed = _end(it)
    it.update(
        Status="exited" if ran else "created",
        Pid=0,
        ExitCode=code,
        OOMKilled=killed,
        Error=error,
        FinishedAt=timestamps.now(),
    )
    forget(it.store, it.id)


def _end(it: Container) -> bool:
    from mini_docker import container  # exec and ps look at containers, and start none

    return container.end(it.config())


def remove(it: Container) -> None:
    """Remove a container that is not running, and all that is on disk of it."""
    take_away(it.store, it.id, it.name())


def take_away(store: Store, id: str, name: str) -> None:
    """Remove what is on disk of container *id*, which is called *name*.

    It vanishes from every listing in one step, a rename; the rest can be repeated.
    """
    gone = f"{store.root}/containers/.gone-{id}"
    with store.lock():
        try:
            os.rename(store.directory(id), gone)
        except FileNotFoundError:
            return  # somebody else removed it
        store.release(name, id)
    forget(store, id)
    trees.remove(gone)


def note(store: Store, id: str, pid: int) -> None:
    """Write down that *pid* is process 1 of container *id*, before it runs the program."""
    start, boot = start_time(pid), boot_id()
    records.write(f"{store.run}/{id}.json", {"Pid": pid, "StartTime": start, "Boot": boot})


def read_note(store: Store, id: str) -> dict[str, Any] | None:
    """Return what note() wrote, or None."""
    try:
        found = records.read(f"{store.run}/{id}.json")
    except FileNotFoundError:
        return None
    return found if isinstance(found, dict) else None


def forget(store: Store, id: str) -> None:
    """Remove what note() wrote."""
    try:
        os.unlink(f"{store.run}/{id}.json")
    except FileNotFoundError:
        return


def alive(noted: dict[str, Any] | None) -> bool:
    """Say whether the process of a note still lives: the same pid may be another one by now."""
    if not noted or noted.get("Boot") != boot_id():
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
