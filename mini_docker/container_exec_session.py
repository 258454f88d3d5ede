"""An exec whose streams are the engine's: a terminal, or pipes in place of the user's own one.

As with a container, the command that the user typed is a client only; a process of the exec's
own starts it and passes on what comes from either side. So the client can leave, by its detach
keys or by its end, and the command goes on. Then the other becomes as small as can be: see
container_exec_monitor.py.
"""

from __future__ import annotations

import os

from mini_docker import (
    attachment,
    containers,
    descriptors,
    events,
    interruptions,
    monitor_group,
    processes,
    swap,
)
from mini_docker.attachment_client import Client as Watcher
from mini_docker.errors import MiniDockerError, NotFound, ProcessError
from mini_docker.monitor_clients import Client, wanted
from mini_docker.monitor_loop import Loop
from mini_docker.monitor_start import Ends, owner
from mini_docker.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from mini_docker.attachment import Wish
    from mini_docker.containers import Container

    Streams = tuple[int, int, int] | socket.socket
    Starter = Callable[[Streams], int]
else:
    import _signal as signal
    import _socket as socket


class Session:
    """One exec in container *it*: *name* is its id; *start* starts it, with its streams."""

    __slots__ = ("hello", "it", "name", "start", "wish")

    def __init__(self, it: Container, name: str, wish: Wish, start: Starter) -> None:
        self.it = it
        self.name = name
        self.wish = wish
        self.hello = wish.hello()  # now: the exec's monitor has no window to ask
        self.start = start


class _Watcher(Watcher):
    """A client of an exec's monitor."""

    __slots__ = ()
    KILLED = "the monitor of this command is gone: `mini-docker top` shows whether it goes on"


class _Loop(Loop):
    """The loop of an exec: without a client it is to become a smaller process."""

    __slots__ = ()

    def _part(self) -> None:
        super()._part()
        if not (self.clients or (self.input and self.input.pending)):
            self.slim = 0.0


def run(session: Session) -> int:
    """Start the exec and show it to its end; return its exit code, or 1 if it is left behind."""
    pid, connection = _fork(session)
    watcher = _Watcher(connection, session.wish)
    send = None if session.wish.tty else lambda number: processes.send(pid, number)
    try:
        code = attachment.show(watcher, send)
    finally:
        if watcher.ended:
            os.waitpid(pid, 0)
        elif not watcher.started:  # a start that nobody waits for any more
            processes.send(pid, signal.SIGTERM)
    if watcher.detached:
        events.container(session.it, "exec_detach", execID=session.name)
        return attachment.left()
    return code


def leave(session: Session) -> None:
    """Start the exec and leave it behind; raise what kept it from starting, or who."""
    pid, connection = _fork(session)
    heard = interruptions.Interruptions()
    try:
        heard.allow()
        told = connection.recv(65536)
    except interruptions.Interrupted:
        processes.send(pid, signal.SIGTERM)
        raise
    finally:
        heard.forbid()
        connection.close()
    if not told:
        raise ProcessError("the command was not started: its monitor was killed")
    if told[:1] == b"f":
        raise processes.failure(told[1:])


def _fork(session: Session) -> tuple[int, socket.socket]:
    """Start the exec's monitor; return its pid and the connection to it."""
    processes.block()
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        try:
            ours.close()
            os._exit(_monitor(session, its))
        except BaseException as error:
            monitor_group.confess(session.it.store.directory(session.it.id), error)
        finally:
            os._exit(125)
    its.close()
    return pid, ours


def _monitor(session: Session, connection: socket.socket) -> int:
    """Start the exec, and pass on what comes from it and from its client, to its end."""
    os.setsid()
    monitor_group.hush()
    try:
        loop = _begin(session)
    except BaseException as error:
        try:
            connection.send(b"f" + _told(error))
        except ConnectionError:
            return 125  # nobody waits for this start any more
        return 125
    directory = session.it.store.directory(session.it.id)
    client = Client(connection, wanted(session.hello), True, directory)
    client.send(b"s", b"")
    loop.clients.append(client)
    # What the client is told to pass on comes to us: we are the parent, and the pid is safe.
    for number in processes.FORWARDED:
        signal.signal(number, lambda number, _: processes.send(loop.pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, processes.FORWARDED)
    ended = loop.run()
    processes.block()  # once it is reaped, its pid may be anybody's
    if not ended:
        _become_slim(session, loop)
    code = processes.wait(loop.pid)
    loop.drain()
    loop.close()
    tell_end(loop.root, loop.id, session.name, code)
    loop.tell(b"x", b'{"code":%d,"error":"","removed":false}' % code)
    loop.linger()
    return 0


def _begin(session: Session) -> Loop:
    """Start the exec with streams of its own; return the loop that looks after them."""
    wish, it = session.wish, session.it
    config = {"Tty": wish.tty, "OpenStdin": wish.stdin, "StdinOnce": True}
    ends = Ends(config, owner(it.config()), session.hello["size"])
    pid = session.start(ends.terminal[1] if ends.terminal else ends.given)
    loop = _Loop(it.store.root, it.id, pid, os.pidfd_open(pid))
    ends.settle()
    loop.outputs, loop.input = ends.outputs, ends.input
    return loop


def _become_slim(session: Session, loop: Loop) -> NoReturn:
    outputs = [output.descriptor for output in loop.outputs]
    # Whoever reads the slave takes what has been typed from the program.
    held = [loop.input.held] if loop.input and loop.input.held >= 0 else []
    stay(session.it, session.name, loop.pid, outputs, held)


def stay(
    it: Container, name: str, pid: int, outputs: Sequence[int] = (), held: Sequence[int] = ()
) -> NoReturn:
    """Stay behind as a small process that waits for our child *pid*, exec *name* in *it*.

    Of the descriptors only *outputs* stay open, to be read, and those *held*, which are not.
    """
    monitor_group.join_monitors()
    kept = (*outputs, *held)
    descriptors.close_all_but((0, 1, 2, *kept))
    for descriptor in kept:
        os.set_inheritable(descriptor, True)
    words = it.store.root, it.id, name, *map(str, outputs)
    monitor_group.become_monitor(pid, *words, module="container_exec_monitor.py")


def tell_end(root: str, id: str, name: str, code: int) -> None:
    """Write down, as an event, that exec *name* of container *id* has ended with *code*."""
    try:
        it = containers.Container(Store(root), id)
    except NotFound:
        return  # the container has ended with it, and had --rm
    events.container(it, "exec_die", execID=name, exitCode=str(code))


def _told(error: BaseException) -> bytes:
    """Return *error* as processes.failure() reads it: the exit code, a blank, the message."""
    if isinstance(error, MiniDockerError):
        text = f"{error.exit_code} {error}"
    else:
        told = swap.explain(error)
        text = f"126 {told or f'the command was not started: {type(error).__name__}: {error}'}"
    return os.fsencode(text.replace("\n", " "))[: processes.REPORT_LIMIT]
