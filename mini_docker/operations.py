"""What one does to a container that exists: start, stop, rename; the rest is beside this file.

Whoever stops a container by hand writes that down before the signal goes out: the process
that looks after it reads it at the end, and starts it no more, whatever its policy.
"""

from __future__ import annotations

import os
import sys

from mini_docker import (
    containers,
    events,
    lifecycle,
    operations_pause,
    operations_wait,
    records,
    signal_names,
)
from mini_docker.errors import (
    ConfigError,
    Conflict,
    MiniDockerError,
    NotFound,
    ProcessError,
    StateError,
    UsageError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    import socket

    from mini_docker.containers import Container
    from mini_docker.store import Lock
else:  # the same functions, without the cost of signal's enums
    import _signal as signal

MOMENT = 5.0  # seconds that those who have failed to start a container get to be gone
PATIENCE = 10  # seconds that a container gets to obey its stop signal, unless it says otherwise


def begin(it: Container) -> Lock | None:
    """Get *it* ready to be started; return the lock to hold from now on, None if it runs already.

    It is forgotten that a user has stopped it, and how often it was restarted. StateError, in
    Docker's words, if it is paused or about to be removed.
    """
    patience, life = operations_wait.Patience(it, "cannot start"), it.lock()
    while lifecycle.move(it.status(), "start", it.id) != it.status():
        if not life.take():
            patience.look()
            continue
        try:
            if _fresh(it):
                return life
        except BaseException:
            life.release()
            raise
        life.release()
    return None


def _fresh(it: Container) -> bool:
    """Write down that *it* is being started; False if it runs after all. We hold its lock."""
    with it.change():
        it.reload()
        if lifecycle.move(it.status(), "start", it.id) == it.status():
            return False
        before = {"Stopped": False, "Restarted": False, "RestartCount": 0, "RestartDelay": 0.0}
        if any(it.state.get(name) for name in before):
            it.update(**before)
    if it.joins():
        from mini_docker import creation_rejoin

        creation_rejoin.rejoin(it)
    containers.note(it.store, it.id, 0)
    return True


def launch(it: Container) -> None:
    """Start *it*, and leave it to its monitor; one that runs already goes on.

    Raises what went wrong. A container with --rm is removed then, as after its end.
    """
    life = begin(it)
    if life is None:
        return
    from mini_docker import processes, supervisor

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    processes.block()  # as the monitor needs it
    try:
        supervisor.detach(it, life)
    except BaseException:
        life.release()
        clear(it)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def clear(it: Container) -> None:
    """Clean up after a start of *it* that has failed; with --rm nothing of it stays.

    Its monitor, or the child that was to become its program, may be about to end: until
    then it has the container's lock.
    """
    patience, life = operations_wait.Patience(it, seconds=MOMENT), it.lock()
    try:
        operations_wait.look(it)
        while containers.removes_itself(it) and not it.alive():
            if life.take():
                containers.see_to(it)
                if not it.alive():
                    containers.remove(it)
                return
            patience.look()
    except (NotFound, StateError):
        return  # it is gone; or it will be, by whoever has it in hand
    finally:
        life.release()


def restart(it: Container, number: int = 0, seconds: int | None = None) -> None:
    """Stop *it* if it runs, as stop() does, and start it; one with --rm is not removed."""
    needed = containers.restarters(it)
    try:
        lifecycle.move(it.status(), "restart", it.id)
        if it.record["HostConfig"].get("AutoRemove"):
            needed.acquire(shared=True)
        stop(it, number, seconds, again=True)
        launch(it)
    except (MiniDockerError, OSError) as error:
        raise StateError(f"Cannot restart container {it.name()}: {error}") from error
    finally:
        needed.release()
    events.container(it, "restart")


def stop(
    it: Container,
    number: int = 0,
    seconds: int | None = None,
    again: bool = False,
    line: socket.socket | None = None,
) -> None:
    """Ask *it* to end, and force it after *seconds*; it has ended when this returns.

    Without a *number* it is the container's own stop signal, or TERM; without *seconds* its
    own timeout, or PATIENCE; negative ones mean for ever. One that does not run needs
    nothing. *again*: it is to be started once more, so --rm does not remove it. *line* is of
    operations_wait.announce(), if somebody has called that before.
    """
    grace = seconds if seconds is not None else it.record["Config"].get("StopTimeout")
    number = number or stop_signal(it)
    if lifecycle.move(it.status(), "stop", it.id) == it.status():
        return
    line = line or operations_wait.announce(it)
    try:
        mark(it, again)
        while it.alive() and it.state.get("Stopped"):  # not if a user has started it anew
            if it.running():
                _stop_process(it, number, float(PATIENCE if grace is None else grace))
            operations_wait.until_ended(it, "cannot stop", line)
            line = None
        with it.change():  # whoever has written the end down has told of it by now
            events.container(it, "stop")
    except NotFound:  # it had --rm, or somebody has removed it
        if again:
            raise


def _stop_process(it: Container, number: int, grace: float) -> None:
    try:
        process = containers.hold(it)
    except StateError:
        return  # it has just ended
    try:
        operations_pause.let_run(it)
        events.container(it, "kill", signal=str(number))
        if not lifecycle.stop(process, number, grace):
            events.container(it, "kill", signal=str(int(signal.SIGKILL)))
    except ProcessError as error:
        thawed = operations_pause.let_run(it)  # a pause came between
        if not thawed or not lifecycle.ended(process, operations_wait.GRACE):
            raise ProcessError(f"cannot stop container {it.name()}: {error}") from error
    finally:
        os.close(process)


def stop_signal(it: Container) -> int:
    """Return the number of the signal that asks *it* to end.

    An image may name one that there is not: it is TERM then. moby, StopSignal().
    """
    try:
        return signal_names.number(it.record["Config"].get("StopSignal") or "TERM")
    except UsageError:
        return int(signal.SIGTERM)


def mark(it: Container, again: bool = False) -> None:
    """Write down that a user has stopped *it*, and tell the process that looks after it.

    One that is waiting for the container's next start must not wait any longer. One that has
    ended is not marked: that would be on its next life. *again*: a `restart` has stopped it;
    only its start takes that back. Where the mark cannot be written the end is still wanted: a
    warning says that a policy may undo it.
    """
    with it.change():
        it.reload()
        if not it.alive():
            return
        try:
            it.update(Stopped=True, Restarted=again or bool(it.state.get("Restarted")))
        except ConfigError as error:
            print(f"WARNING: {error}: its restart policy may start it again", file=sys.stderr)
    if it.status() == "restarting":
        operations_wait.tell(it)


def rename(it: Container, name: str) -> None:
    """Give *it* the name *name*; Conflict or UsageError, in Docker's words, if that cannot be.

    The new name is claimed first, and the record says which one is true. Whoever is killed
    in between leaves a name that counts for nothing: see leftovers.py.
    """
    from mini_docker import names

    name = name.removeprefix("/")
    names.check(name)
    with it.change(), it.store.lock():
        it.reload()
        old = it.name()
        if name == old:
            raise Conflict("Renaming a container with the same name as its current name")
        try:
            it.store.claim(name, it.id)
        except Conflict as error:
            raise Conflict(f"Error when allocating new name: {error}") from None
        it.record = {**it.record, "Name": name}
        records.write(f"{it.store.directory(it.id)}/container.json", it.record)
        it.store.release(old, it.id)
    events.container(it, "rename", oldName=f"/{old}")
