"""Attached: the command that a user typed, as a client of a container's monitor.

The container's streams belong to its monitor. Its clients come and go: the command that has
started it, those that attach later. Between the two is a socket that keeps messages whole
(SOCK_SEQPACKET): one byte says what a message is, and at most LARGEST bytes follow.

    from the client     h   the hello, JSON: which streams it wants, the size of its window
                        i   input                       e   no more input
                        w   the window's size, JSON     q   look at state.json again
                        n   instead of the hello: the end is near, tell of that alone
    from the monitor    1 2 output                      s   the container runs
                        f   it does not: processes.fail()'s text
                        x   the end, JSON: code, error, removed; nothing follows

One that has attached holds nobody up, be it slow or stopped: what it has not read is kept for it,
1 GiB at most; more than that, and it is cut off. The one that has started the container slows
it down as a pipe would while it reads, and stops it for a second at most while it does not:
see monitor_clients.py. What a client has for the container waits here. unix(7).
"""

from __future__ import annotations

import sys

from mini_docker import events, monitor_door, processes, records
from mini_docker.attachment_client import Client, Ended
from mini_docker.attachment_wish import Wish as Wish
from mini_docker.errors import NotFound, ProcessError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from mini_docker.attachment_client import Resized, Signaller
    from mini_docker.containers import Container

REFUSALS = {
    "paused": "You cannot attach to a paused container, unpause it first",
    "restarting": "You cannot attach to a restarting container, wait until it is running",
}


def demand_running(it: Container) -> None:
    """Refuse a container that does not run, in Docker's words."""
    status = it.status()
    if status == "running":
        return
    stopped = "You cannot attach to a stopped container, start it first"
    raise StateError(REFUSALS.get(status, stopped))


def connect(it: Container, wish: Wish) -> socket.socket:
    """Connect to the monitor of *it* and say what is wanted; StateError if it has gone.

    The size in the hello has a row too many, as Docker's: the true one follows, and the change
    lets a program draw anew what this terminal has not seen.
    """
    hello = wish.hello()
    if hello["size"]:
        hello["size"][0] += 1
    try:
        connection = monitor_door.connect(it.store.run, it.id)
        connection.send(b"h" + records.dump(hello).encode())
    except (FileNotFoundError, ConnectionError):
        _settle(it)  # it may have ended meanwhile
        demand_running(it)
        raise StateError(
            f"cannot attach to container {it.name()}: its monitor was killed, and with it all "
            "that would have led to its streams"
        ) from None
    return connection


def _settle(it: Container) -> None:
    """Wait until the end of *it*, if that is what its monitor is busy with, is written down."""
    from mini_docker import operations_wait

    patience = operations_wait.Patience(it, "cannot attach to")
    operations_wait.look(it)
    while it.running() and it.lock().held():
        patience.look()


def signaller(it: Container) -> Signaller:
    """Return what sends a signal to process 1 of *it*, as `kill` does, while that lives."""

    def send(number: int) -> None:
        from mini_docker import containers, operations_kill

        try:
            operations_kill.kill(containers.load(it.store, it.id), number)
        except (NotFound, StateError):
            return  # it has just ended

    return send


def serve(
    connection: socket.socket,
    wish: Wish,
    send: Signaller | None = None,
    it: Container | None = None,
    visitor: bool = False,
) -> int:
    """Be a client of *it* at *connection* until its end, and return its exit code: see show().

    One that wants no output is done when its input is: it prints the id of *it*, as Docker does.
    After the detach keys a *visitor* has left(); whoever started the container is done.
    """
    client = Client(connection, wish, _resized(it) if it else None)
    try:
        code = show(client, send)
    except ProcessError as error:
        if client.ended or client.started or not it:
            raise
        code = _ended(it, error)
    if client.silent and it:
        print(it.id)
        return 0
    if client.detached and it:
        events.container(it, "detach")
        return left() if visitor else 0
    return code


def left() -> int:
    """Say that the detach keys were typed; return Docker's exit code for that.

    That is for `attach` and `exec`: docker/cli, run.go and start.go return without a word.
    """
    print("read escape sequence", file=sys.stderr)
    return 1


def _ended(it: Container, error: ProcessError) -> int:
    """Return the exit code of *it*, whose monitor has not listened to us: it was at its end.

    Raise *error* if that is not so.
    """
    before = it.state["FinishedAt"]
    _settle(it)
    if it.state["FinishedAt"] == before or it.state["Error"]:
        raise error
    return int(it.state["ExitCode"])


def _resized(it: Container) -> Resized:
    """Return what tells the world that the terminal of *it* has another size."""

    def tell(rows: int, columns: int) -> None:
        events.container(it, "resize", height=str(rows), width=str(columns))

    return tell


def show(it: Client, send: Signaller | None = None) -> int:
    """Let *it* be the client until the monitor tells the end; return the exit code.

    Or until the detach keys: that is 0. With *send* every signal goes
    there (--sig-proxy), but for those that are about a terminal that is shown; a Ctrl-C typed
    there is a byte. A signal that ends this client alone gives 128 + its number. Raises what
    kept the program from starting, and ProcessError if the monitor is killed. The caller has
    called processes.block().
    """
    try:
        it.listen(send)
        return it.follow()
    except Ended as error:
        return 128 + error.number
    finally:
        processes.block()
        if it.screen:
            it.screen.leave()
        it.connection.close()
