"""RUN: a command in a container over the image before it; what it has written is a layer.

The container is one as any other, with a record that says whose it is: if the build is killed,
the next command finds it, ends it and removes it. It has its image's config, the limits of the
build, and the mounts of --mount (builder_volumes.py).
"""

from __future__ import annotations

import os
import select
import threading

from mini_docker import container, containers, creation, processes, syscalls
from mini_docker.builder_select import Cancelled
from mini_docker.errors import ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any

    from mini_docker.builder_mounts import Workplace
    from mini_docker.builder_state import State
    from mini_docker.containers import Container
    from mini_docker.store import Store
else:
    import _signal as signal

PIECE = 2**16
PARENT_DEATH = 1  # PR_SET_PDEATHSIG
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
DEFAULTS = ("default", "host")  # networks: until the engine has bridges these are one


class Stop:
    """Says to all steps that the build is given up; a descriptor that becomes readable."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        self.set = False
        self.running: list[int] = []  # pidfds of commands

    def now(self) -> None:
        """Give the build up, and end its commands: who follows one may be held up."""
        if not self.set:
            self.set = True
            os.write(self._writer, b"1")
        for pidfd in list(self.running):
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            except OSError:
                continue  # it has ended

    def close(self) -> None:
        """Close the descriptors."""
        os.close(self.reader)
        os.close(self._writer)


class Command:
    """What a RUN asks for."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.env: list[str] = []  # the image's and the build's arguments, the last of a name wins
        self.network = "default"
        self.host: dict[str, Any] = {}  # limits, in HostConfig's words
        self.mounts: list[dict[str, Any]] = []  # rows of config.json


class Runner:
    """Runs commands in containers of *store*; *write* gets their output."""

    _starts = threading.Lock()  # one at a time forks

    def __init__(self, store: Store, stop: Stop, write: Callable[[int, bytes], None]) -> None:
        self._store = store
        self._stop = stop
        self._write = write

    def create(self, state: State, command: Command, place: Workplace) -> Container:
        """Create the container of *command* over *state*; nothing runs in it yet."""
        host: dict[str, Any] = {
            "NetworkMode": _network(command.network),
            "Tmpfs": {},
            "Ulimits": [],
        }
        host |= {**command.host, "AutoRemove": True}
        config: dict[str, Any] = {
            key: state.config[key] for key in ("User", "WorkingDir") if key in state.config
        }
        config |= {"Env": command.env, "Hostname": "", "Domainname": "", "Image": state.id}
        record: dict[str, Any] = {"Name": "", "Rootfs": "", "Build": True}
        record |= {"Path": command.argv[0], "Args": command.argv[1:]}
        record |= {"Image": state.id, "Layers": state.chain, "Config": config, "HostConfig": host}
        it, self._life = creation.create(self._store, record, state.lowers() or [place.diff])
        return it

    def run(self, it: Container, command: Command) -> int:
        """Run the command of *it* and return its exit code; the output goes to write()."""
        readers, writers = [], []
        for _ in range(2):
            reader, writer = os.pipe()
            readers.append(reader)
            writers.append(writer)
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        try:
            begin = self._begin(it, command, (null, writers[0], writers[1]))
            with self._starts:
                if self._stop.set:
                    raise Cancelled
                pid = _start(begin)
            for warning in begin.warnings:
                self._write(2, f"WARNING: {warning}\n".encode())
            for descriptor in writers:
                os.close(descriptor)
            writers = []
            return self._follow(pid, readers)
        finally:
            for descriptor in (*readers, *writers, null):
                os.close(descriptor)

    def _begin(
        self, it: Container, command: Command, streams: tuple[int, int, int]
    ) -> container.Start:
        config = it.config()
        config["mounts"] += command.mounts
        directory = self._store.directory(it.id)
        begin = container.Start(
            directory, config, streams, lambda pid: containers.note(self._store, it.id, pid)
        )
        begin.last = _die_with_us
        return begin

    def _follow(self, pid: int, readers: list[int]) -> int:
        """Pass the output on until process *pid* has ended; return its exit code."""
        ended = os.pidfd_open(pid)
        self._stop.running.append(ended)
        try:
            self._pass_all_on(pid, ended, dict(zip(readers, (1, 2), strict=True)))
            code = processes.wait(pid)
        except BaseException:
            processes.send(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        finally:
            self._stop.running.remove(ended)
            os.close(ended)
        if self._stop.set:
            raise Cancelled
        return code

    def _pass_all_on(self, pid: int, ended: int, streams: dict[int, int]) -> None:
        """Pass on what comes until *ended*; kill the process if the build is given up."""
        poll = select.poll()
        for descriptor in (*streams, ended, self._stop.reader):
            poll.register(descriptor, select.POLLIN)
        waiting = True
        while waiting:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._stop.reader in ready:
                processes.send(pid, signal.SIGKILL)
                poll.unregister(self._stop.reader)
            for descriptor in ready:
                if descriptor in streams and not self._pass_on(descriptor, streams[descriptor]):
                    poll.unregister(descriptor)
            waiting = ended not in ready
        for descriptor, number in streams.items():
            os.set_blocking(descriptor, False)  # somebody outside may still hold the other end
            while self._pass_on(descriptor, number):
                continue

    def _pass_on(self, descriptor: int, number: int) -> bool:
        try:
            data = os.read(descriptor, PIECE)
        except BlockingIOError:
            return False
        if data:
            self._write(number, data)
        return bool(data)

    def end(self, it: Container) -> bool:
        """End the control group of *it*; return whether something in it had no memory left."""
        killed = container.end(it.config())
        return bool(killed)

    def remove(self, it: Container) -> None:
        """Remove the container, whose process has ended."""
        try:
            containers.remove(it)
        finally:
            self._life.release()


def _start(begin: container.Start) -> int:
    """Start it. A Ctrl-C in the child waits for its program: there nothing of ours may handle it.

    What a handler raises between the fork and the child's own code would come out here, in the
    child, and go on as a second engine.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        return container.start(begin)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with_us() -> None:
    """Let the kernel end this process when the thread that has forked it, or the build, ends.

    Otherwise the command of a build that was killed would go on until the next command of
    ours. As process 1 of its pid namespace it takes all others in it along. A change of user
    takes the wish away, so this comes after all of those. PR_SET_PDEATHSIG(2const).
    """
    try:
        syscalls.prctl(PARENT_DEATH, signal.SIGKILL)
    except OSError:
        return  # a seccomp profile of the user's forbids it: the next command ends it


def _network(asked: str) -> str:
    if asked not in (*DEFAULTS, "none"):
        raise ProcessError(f"network {asked!r:.100} is not there: give none, host or default")
    return "none" if asked == "none" else "host"
