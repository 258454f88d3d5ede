"""Containers as the engine knows them: found, looked at, and put right.

The state of a container is in state.json. The process that looks after it holds the
container's lock, and writes down how it ended. If that has been killed, load() notices: the
lock is free. Then it looks at what the kernel has, and writes down the truth.
"""

from __future__ import annotations

import os

from mini_docker import events, lifecycle, records, timestamps
from mini_docker.containers_notes import alive as alive
from mini_docker.containers_notes import boot_id as boot_id
from mini_docker.containers_notes import forget as forget
from mini_docker.containers_notes import hold as hold
from mini_docker.containers_notes import note as note
from mini_docker.containers_notes import read_note as read_note
from mini_docker.containers_notes import shut
from mini_docker.containers_notes import start_time as start_time
from mini_docker.containers_removal import removes_itself as removes_itself
from mini_docker.containers_removal import restarters as restarters
from mini_docker.containers_removal import take_away as take_away
from mini_docker.containers_removal import vanish as vanish
from mini_docker.errors import MiniDockerError, NotFound
from mini_docker.store import Lock, Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNKNOWN = 255  # the exit code of a container whose end nobody saw, as containerd has it
UNSEEN = "its monitor was killed; how it ended is not known"
UP = ("running", "paused")
JOINING = ("PidMode", "IpcMode", "NetworkMode", "UTSMode")  # that may say "container:NAME"
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
        """Return one of lifecycle.STATES."""
        return str(self.state["Status"])

    def running(self) -> bool:
        """Say whether it has living processes; a paused one has."""
        return self.status() in UP

    def alive(self) -> bool:
        """Say whether it runs or is about to, as one that waits for its restart is."""
        return self.status() in lifecycle.ALIVE

    def pid(self) -> int:
        """Return the pid of its process 1, on the host; 0 if it is not running."""
        return int(self.state.get("Pid", 0)) if self.running() else 0

    def joins(self) -> bool:
        """Say whether it shares a namespace of another container."""
        host = self.record["HostConfig"]
        return any(host.get(key, "").startswith("container:") for key in JOINING)

    def lock(self) -> Lock:
        """Return the lock of who looks after the container; change() and the store's come later."""
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

    def must_run(self, _verb: str = "exec") -> None:
        """Refuse, in Docker's words, to go inside unless it is running and not paused."""
        lifecycle.move(self.status(), "exec", self.id)


def load(store: Store, reference: str) -> Container:
    """Return the container that *reference* names, in its true state.

    A name that leads to a container which is called something else is what a killed rename
    has left: it names nothing.
    """
    it = Container(store, store.find(reference))
    name = reference.removeprefix("/")
    if name != it.name() and not it.id.startswith(name):
        raise NotFound(f"No such container: {reference}")
    return settle(it)


def listing(store: Store) -> tuple[list[Container], list[MiniDockerError]]:
    """Return all containers, newest first, and an error for each that cannot be read."""
    found, broken = [], []
    for id in store.ids():
        if not os.path.exists(f"{store.directory(id)}/container.json"):
            continue  # being made, or left over: leftovers.sweep() knows
        try:
            found.append(settle(Container(store, id)))
        except NotFound:
            continue  # removed while we looked
        except MiniDockerError as error:
            broken.append(error)
    return sorted(found, key=lambda c: str(c.record["Created"]), reverse=True), broken


def settle(it: Container) -> Container:
    """Bring the state of *it* up to date if whoever looked after it has been killed.

    NotFound if it had --rm, and is removed now.
    """
    idle = it.status() in ("created", "exited", "dead")
    if idle and not os.path.exists(f"{it.store.run}/{it.id}.json") and not _forsaken(it):
        return it  # nobody looks after it, and nobody has to
    life = it.lock()
    if not life.take():
        return it  # somebody does, and writes down how it ends
    try:
        see_to(it)
    finally:
        life.release()
    return it


def see_to(it: Container) -> None:
    """Do for *it* what settle() does; the caller holds its lock."""
    with it.change():
        it.reload()
        ended = _put_right(it)
    if (ended and removes_itself(it)) or _forsaken(it):
        remove(it)
        raise NotFound(f"No such container: {it.id[:12]}")


def _forsaken(it: Container) -> bool:
    """Say whether *it* has ended and should be gone: --rm, and its `restart` was killed."""
    return it.status() == "exited" and removes_itself(it)


def _put_right(it: Container) -> bool:
    """Write down the true state of *it*; say whether it has ended now.

    The caller holds its lock and change(): nobody else looks after it.
    """
    status, noted = it.status(), read_note(it.store, it.id)
    shut(it.store, it.id)
    if status == "removing":
        it.update(Status="dead", Error="its removal was killed before it was done")
        return False
    if noted and alive(noted):
        if status in UP:
            return False  # an orphan that runs on: its end will be noticed here
        os.kill(noted["Pid"], 9)  # its start was never told: its program may run, or not yet
    if status == "restarting":
        _end(it)  # its next start may have been under way
        it.update(Status="exited", Error=UNSEEN)
        forget(it.store, it.id)
    elif noted and not noted["Pid"] and status not in UP:
        _end(it)  # killed before there was a process: the group may be there
        forget(it.store, it.id)
    elif noted or status in UP:
        killed = finish(it, UNKNOWN, UNSEEN, ran=status in UP)
        if status in UP:
            tell_end(it, UNKNOWN, killed)
    return status in lifecycle.ALIVE or noted is not None


def finish(it: Container, code: int, error: str = "", ran: bool = True) -> bool:
    """Write down the end of a container whose process 1 is gone; the caller holds change().

    Its control group goes first: what is in there would otherwise outlive the container.
    If it never *ran*, its start has failed, and it stays what it was before. Return whether
    the kernel has killed something in it for want of memory, and nobody has told of it yet.
    """
    untold = (killed := _end(it)) and not it.store.state(it.id).get("OOMKilled")
    fields: dict[str, Any] = {"Pid": 0, "ExitCode": code, "OOMKilled": killed, "Error": error}
    if ran or it.status() != "created":
        fields["Status"] = "exited"
    fields |= {"FinishedAt": timestamps.now()} if ran else {}
    if health := it.state.get("Health"):  # nobody looks any more; moby, container/health.go
        fields["Health"] = {**health, "Status": "unhealthy"}
    it.update(**fields)
    forget(it.store, it.id)
    return untold


def tell_end(it: Container, code: int, killed: bool) -> None:
    """Write the events of the end of *it*; *killed*: what finish() has returned."""
    if killed:
        events.container(it, "oom")
    lived = timestamps.seconds(timestamps.now()) - timestamps.seconds(it.state["StartedAt"])
    events.container(it, "die", exitCode=str(code), execDuration=str(max(int(lived), 0)))


def _end(it: Container) -> bool:
    from mini_docker import container_end  # exec and ps look at containers, and end none

    return container_end.end(it.config())


def remove(it: Container) -> bool:
    """Remove a container that is not running, and all that is on disk of it; False: it was gone.

    The caller holds its lock, so that nobody starts it meanwhile.
    """
    if gone := take_away(it.store, it.id, it.name()):
        events.container(it, "destroy")
    return gone
