"""The first moments of a monitor: make the container's streams, and start it with them."""

from __future__ import annotations

import os

from mini_docker import monitor_begin, spec
from mini_docker.container_limits import Limits
from mini_docker.monitor_door import Door
from mini_docker.monitor_log import Late
from mini_docker.monitor_loop import Loop
from mini_docker.monitor_streams import Input, Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from typing import Any

    from mini_docker.containers import Container
else:
    import _socket as socket


class Ends:
    """The two ends of a container's streams: one for its process, one for the monitor."""

    __slots__ = ("given", "input", "outputs", "terminal")

    def __init__(
        self, config: dict[str, Any], owner: tuple[int, int], size: Sequence[int] | None = None
    ) -> None:
        """Make pipes as the record's *config* wants them; *owner* is root in the container.

        *size* is the window of a terminal, rows and columns. It lies ready for the process that
        makes the terminal, so that no program ever asks too early.
        """
        once, tty = bool(config.get("StdinOnce")), bool(config.get("Tty"))
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        self.outputs: list[Output] = []
        self.terminal: tuple[socket.socket, socket.socket] | None = None
        self.input = Input(-1, once, tty)
        self.given = (null, null, null)
        if tty:
            self.terminal = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if size:
                from mini_docker import monitor_messages

                self.terminal[0].send(monitor_messages.window(*size))
            return
        stdin = null
        if config.get("OpenStdin"):
            stdin, self.input.descriptor = os.pipe()
        (out, first), (err, second) = os.pipe(), os.pipe()
        self.given = (stdin, first, second)
        self.outputs = [Output(1, out), Output(2, err)]
        for descriptor in (out, err, self.input.descriptor):
            if descriptor >= 0:
                os.set_blocking(descriptor, False)
        for descriptor in self.given if owner != (0, 0) else ():
            if descriptor != null:
                os.fchown(descriptor, *owner)

    def settle(self) -> None:
        """Close the container's ends, once it has them; take the master of its terminal."""
        for descriptor in set(self.given):
            os.close(descriptor)
        if not self.terminal:
            return
        mine, given = self.terminal
        given.close()
        master, slave = _receive(mine)
        mine.close()
        os.set_blocking(master, False)
        self.outputs = [Output(1, master)]
        self.input.descriptor = master
        # While we hold it too, the master never reports a hang-up: a program may close its
        # terminal and open it again.
        self.input.held = slave


def start(
    it: Container, size: Sequence[int] | None = None, command: socket.socket | None = None
) -> Loop:
    """Start *it* with streams of its own; return the loop that looks after them.

    *size* is the window of its terminal, if somebody looks on: rows and columns. *command* leads
    to the command that waits for the start.
    """
    config = it.config()
    ends = Ends(it.record["Config"], owner(config), size)
    door = Door(it.store.run, it.id)
    try:
        given = ends.given, ends.terminal and ends.terminal[1]
        pid = monitor_begin.begin(it, config, *given, _limits(config, command))
    except BaseException:
        door.close()
        raise
    try:
        return _loop(it, pid, ends, door)
    except BaseException as error:
        door.close()
        monitor_begin.give_up(it, pid, error)
        raise


def _limits(config: dict[str, Any], command: socket.socket | None) -> Limits:
    """Return who makes the control group: the *command*, unless a start may hold it up."""
    return Limits(None if "pid" in spec.joined(config) else command)


def _loop(it: Container, pid: int, ends: Ends, door: Door) -> Loop:
    """Return the loop that looks after *it*, whose process 1 is *pid*."""
    loop = Loop(it.store.root, it.id, pid, os.pidfd_open(pid))
    loop.mounts = _mounts(pid)
    ends.settle()
    loop.outputs, loop.input, loop.door = ends.outputs, ends.input, door
    loop.log = Late(it.store.directory(it.id), it.record["HostConfig"].get("LogConfig") or {})
    loop.log.create()
    if it.record["Config"].get("Healthcheck"):
        from mini_docker import health

        if plan := health.plan(it.record["Config"]):
            loop.health = health.Watch(it.store.root, it.id, plan)
    return loop


def _mounts(pid: int) -> int:
    """Return a descriptor of the mount namespace of process *pid*; -1 if it has ended already.

    A namespace ends with the last that holds it, and the kernel makes that one unmount
    everything: a file system writes out what it has, and the others wait. mount_namespaces(7).
    """
    try:
        return os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # or we may not look into it, as an ordinary user
        return -1


def owner(config: dict[str, Any]) -> tuple[int, int]:
    """Return who is root in the container of *config*, on the host: uid and gid."""
    rows = [config["linux"].get(name) or [{}] for name in ("uidMappings", "gidMappings")]
    return tuple(next((r["hostID"] for r in row if r.get("containerID") == 0), 0) for row in rows)  # type: ignore[return-value]


def _receive(connection: socket.socket) -> tuple[int, int]:
    """Return the two descriptors that the container's process has sent: master and slave."""
    from mini_docker.errors import TerminalError

    size = socket.CMSG_SPACE(8)
    _, found, _, _ = connection.recvmsg(1, size, socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT)
    for level, kind, data in found:
        if (level, kind, len(data)) == (socket.SOL_SOCKET, socket.SCM_RIGHTS, 8):
            import sys

            return int.from_bytes(data[:4], sys.byteorder), int.from_bytes(data[4:], sys.byteorder)
    raise TerminalError("the container has sent no terminal")
