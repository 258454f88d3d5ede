"""Kill a container: send it a signal, and see that its end is the end."""

from __future__ import annotations

import os

from mini_docker import containers, events, lifecycle, operations, operations_pause, operations_wait
from mini_docker.errors import NotFound, ProcessError, StateError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket

    from mini_docker.containers import Container
else:  # the same functions, without the cost of signal's enums
    import _signal as signal


def kill(it: Container, number: int) -> None:
    """Send signal *number* to process 1 of *it*; StateError, in Docker's words, if it has none.

    A signal that means the end (see means_end) also ends a pause, and no policy starts the
    container again. After SIGKILL return once the last end is written down, be a start under
    way or not: it can be removed. StateError if that takes longer than operations_wait.GRACE.
    """
    try:
        lifecycle.move(it.status(), "kill", it.id)
    except StateError as error:
        raise StateError(f"cannot kill container: {it.name()}: {error}") from None
    try:
        line = operations_wait.announce(it) if number == signal.SIGKILL else None
        meant = means_end(it, number)
        if meant or _policy(it) == "unless-stopped":
            operations.mark(it)
            operations_wait.until_started(it, "cannot kill")
        told = send(it, number, meant)
        if number == signal.SIGKILL:
            _kill_until_ended(it, line, told)
    except NotFound:
        return  # it had --rm


def means_end(it: Container, number: int) -> bool:
    """Say whether signal *number*, sent by a user, means that *it* is not to run any more.

    SIGKILL does, and its own stop signal. Where no stop signal was set every signal does: who
    could tell which one the program takes for its end? moby, daemon/kill.go.
    """
    own = it.record["Config"].get("StopSignal")
    return not own or number == signal.SIGKILL or number == operations.stop_signal(it)


def _policy(it: Container) -> str:
    return str((it.record["HostConfig"].get("RestartPolicy") or {}).get("Name", ""))


def _kill_until_ended(it: Container, line: socket.socket | None, told: bool) -> None:
    """Wait for the last end of *it*, which is marked; a start that was under way ends as well.

    *line* is what announce() has returned; *told* what send() has.
    """
    operations_wait.until_ended(it, "cannot kill", line)
    while it.alive() and it.state.get("Stopped"):  # not if a user has started it anew
        told = send(it, signal.SIGKILL, thaw=True, told=told)
        operations_wait.until_ended(it, "cannot kill")


def send(it: Container, number: int, thaw: bool, told: bool = False) -> bool:
    """Send signal *number* to process 1 of *it*, if it has one; *thaw*: let a paused one run on.

    Write an event unless what it would say is *told* already; return whether it is told now.

    A pidfd stands for the process itself, not for a number that another may have by now.
    pidfd_open(2), pidfd_send_signal(2).
    """
    if not it.running():
        return told
    try:
        process = containers.hold(it)
        signal.pidfd_send_signal(process, number)
        os.close(process)
    except (StateError, ProcessLookupError):
        return told  # it has just ended: there is nothing to kill
    except OSError as error:
        raise ProcessError(f"cannot kill container {it.name()}: {reason(error)}") from error
    if not told:
        events.container(it, "kill", signal=str(number))
    if thaw:
        operations_pause.let_run(it)
    return True
