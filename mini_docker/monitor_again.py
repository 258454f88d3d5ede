"""A container that is to start again: wait for its time, and start it.

While it waits it says "restarting", and its monitor lives, small, with the container's lock.
Somebody who stops it meanwhile writes that to state.json and knocks at the door.
"""

from __future__ import annotations

import os
import time

from mini_docker.monitor_door import Door

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    import signal
    from typing import Any

    from mini_docker.monitor_loop import Loop
else:
    import _signal as signal
    import select


def wait(root: str, id: str, state: dict[str, Any]) -> Loop | None:
    """Start container *id* when its time has come; return the loop that looks after it.

    None if it is stopped before that, or cannot be started.
    """
    door = Door(state["run"], id)
    try:
        # Asked before the first wait: a knock from before the door was open is not heard.
        while not _stopped(root, id) and (left := state["due"] - time.monotonic()) > 0:
            _listen(door, id, left)
    finally:
        door.close()
    _seal(root, id, state["memory"])
    os.set_inheritable(state["life"], False)
    return None if _gives_up(root, id) else _start(root, id, state["life"])


def _listen(door: Door, id: str, seconds: float) -> None:
    """Wait for *seconds*, or until somebody knocks; who wants to attach is told to come again."""
    poll = select.poll()
    poll.register(door.descriptor, select.POLLIN)
    if not poll.poll(int(seconds * 1000) + 1):
        return
    if connection := door.admit():
        text = f"1 container {id[:12]} is restarting, wait until the container is running"
        try:
            connection.send(b"f" + text.encode())
            poll = select.poll()  # its message first: a connection that closes with one unread
            poll.register(connection.fileno(), select.POLLIN)  # says only that it was reset
            if poll.poll(100):
                connection.recv(1)
        except OSError:
            pass  # it has left
        connection.close()


def _stopped(root: str, id: str) -> bool:
    from mini_docker import records

    return bool(records.read(f"{root}/containers/{id}/state.json").get("Stopped"))


def _gives_up(root: str, id: str) -> bool:
    """Say whether the container has been stopped while it waited, and write that down.

    Whoever stops it writes Stopped under the same lock: either it is seen here, or once the
    container has started, which is ended then.
    """
    from mini_docker import containers
    from mini_docker.store import Store

    it = containers.Container(Store(root), id)
    with it.change():
        it.reload()
        if not it.state.get("Stopped"):
            containers.note(it.store, it.id, 0)
            return False
        it.update(Status="exited")
        containers.forget(it.store, it.id)
    return True


def _seal(root: str, id: str, memory: int) -> None:
    """Go on from a program file that the container cannot write, where it could try.

    That may bring us back to where we came from, with the same *memory*: it goes after that.
    """
    from mini_docker import containers, sealed
    from mini_docker.store import Store

    host = containers.Container(Store(root), id).record["HostConfig"]
    if sealed.seen_by_init(host):
        sealed.ensure()
    os.close(memory)


def _start(root: str, id: str, life: int) -> Loop | None:
    from mini_docker import containers, memory_watch, monitor_start
    from mini_docker.errors import MiniDockerError
    from mini_docker.store import Store

    it = containers.Container(Store(root), id)
    try:
        if it.joins():
            from mini_docker import creation_rejoin

            creation_rejoin.rejoin(it)
        loop = monitor_start.start(it)
    except MiniDockerError as error:
        with it.change():
            it.update(Status="exited", ExitCode=error.exit_code, Error=str(error))
        containers.forget(it.store, it.id)
        return None
    if it.state.get("Stopped"):  # as of when it was written down as running: it came in between
        signal.pidfd_send_signal(loop.process, signal.SIGKILL)
    loop.life = life
    loop.memory = memory_watch.Watch(root, id, loop.pid)
    loop.memory.open()  # now: this process is about to become small
    loop.slim = time.monotonic()
    return loop
