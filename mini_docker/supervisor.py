"""Start a container with a process of its own that looks after it: the monitor.

It is a fork of the command that starts the container. The command is a client of it, if it
stays at all, and shows what the container writes. So it can be killed, or leave, and the
container goes on.

    command ── fork ──> monitor ── fork ──> the container's process 1
       └──── connection ────┘ └── pipes, or a terminal ──┘

Where a container is made first, the fork comes before that, and the two go on side by side:
while the command makes the container, the monitor loads what it takes to start one. Then it
is told which container. Where there is one already, all is loaded once, and then forked.

Until lab 12 there are no such streams: see supervisor_plain.py. What a command in the
foreground does is in foreground.py.
"""

from __future__ import annotations

import os
import sys

from mini_docker import monitor_group, processes, swap
from mini_docker.errors import ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from typing import Any, BinaryIO

    from mini_docker.containers import Container
    from mini_docker.store import Lock
else:
    import _signal as signal
    import _socket as socket

join_monitors = monitor_group.join_monitors
become_monitor = monitor_group.become_monitor
hush = monitor_group.hush


class Monitor:
    """A monitor that has been forked, as its parent sees it."""

    __slots__ = ("connection", "pid", "report")

    def __init__(self, life: Lock | None = None) -> None:
        """Fork one. It waits to be told which container to start, and ends if nobody is left.

        *life* is the container's lock, if there is one already: the monitor gets it with its
        order, and would hold a second one until it has served the last client.
        """
        self.connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.report, report = os.pipe()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self.pid = os.fork()
            if self.pid == 0:
                self._be(theirs, report, life)
        except OSError as error:
            raise ProcessError(f"cannot start a monitor: {error.strerror}") from error
        finally:
            os.close(report)
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _be(self, connection: socket.socket, report: int, life: Lock | None) -> None:
        """Be the monitor, and never return."""
        try:
            self.connection.close()
            os.close(self.report)
            if life:
                life.release()
            from mini_docker import monitor_life

            os._exit(monitor_life.main(connection, report))
        except BaseException as error:
            processes.fail(error, report)

    def order(self, it: Container, life: Lock, hello: dict[str, Any] | None) -> None:
        """Let it start container *it*, and hand *life* over; for *hello* see launch()."""
        from mini_docker import records

        order = {"root": it.store.root, "id": it.id, "hello": hello}
        rights = life.descriptor.to_bytes(4, sys.byteorder)
        try:
            text = records.dump(order).encode()
            self.connection.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        except OSError:
            pass  # it has ended already: what it has reported says why, or that it was killed
        life.release()

    def wait(self, it: Container) -> socket.socket:
        """Return the connection once container *it* runs; make its control group meanwhile.

        Raises what went wrong.
        """
        from mini_docker import container_limits, spec

        # In another container's pid namespace somebody may hold the start up.
        shared = "pid" in spec.joined(it.config())
        if not shared:
            container_limits.answer(self.connection, it.config())
        with open(self.report, "rb") as pipe:
            failed = self._listen(pipe) if shared else pipe.read(processes.REPORT_LIMIT)
        if failed:
            self.connection.close()
            os.waitpid(self.pid, 0)
            raise processes.failure(failed)
        # One that is killed closes its report as one that succeeds does.
        if self._peek() != b"s":
            self.connection.close()
            raise ProcessError(f"container {it.id[:12]} did not start: its monitor was killed")
        return self.connection

    def _listen(self, pipe: BinaryIO) -> bytes:
        """Return what it reports; after a signal to end let it have that as well.

        Then it gives the start up: the caller is told so by Interrupted.
        """
        from mini_docker import interruptions

        heard = interruptions.Interruptions()
        try:
            heard.allow()
            return pipe.read(processes.REPORT_LIMIT)
        except interruptions.Interrupted as error:
            heard.forbid()
            number = error.exit_code - 128
            processes.send(self.pid, number)
            if pipe.read(processes.REPORT_LIMIT):
                os.waitpid(self.pid, 0)
                raise
            os.kill(os.getpid(), number)  # it runs after all: blocked, and for the container
            return b""
        finally:
            heard.forbid()

    def _peek(self) -> bytes:
        """Return the kind of its first message, which stays for the client; b"" for none."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return b""


def load() -> None:
    """Import what a command that makes a container and its monitor both need, once for the two."""
    from mini_docker import (  # noqa: F401
        capabilities,
        cgroups_tree,
        containers,
        layers_options,
        rootfs_options,
        spec,
        syscalls,
    )


def fork(life: Lock) -> Monitor:
    """Fork a monitor for a container that is there: it has nothing to load any more.

    *life* is the container's lock, which the caller has.
    """
    from mini_docker import monitor_life  # noqa: F401

    return Monitor(life)


def launch(
    it: Container, life: Lock, hello: dict[str, Any] | None = None, monitor: Monitor | None = None
) -> socket.socket | None:
    """Start *it*, and return once it runs: from then on its monitor looks after it.

    *hello* says which streams the caller wants from the beginning, and how large its terminal
    is (see monitor_clients.py); then return the connection that has them. *monitor* is one
    that has been forked before. It has *life*, the container's lock, afterwards, and the
    caller has not.

    The caller has called processes.block(). Raises what went wrong in the start.
    """
    monitor = monitor or fork(life)
    monitor.order(it, life, hello)
    connection = monitor.wait(it)
    if hello is not None:
        return connection
    connection.close()
    return None


def detach(it: Container, life: Lock, monitor: Monitor | None = None) -> None:
    """Start *it* and leave it to its monitor."""
    if swap.locked("streams"):
        from mini_docker import supervisor_plain

        supervisor_plain.detach(it, life)
        return
    launch(it, life, None, monitor)
