"""What the kernel kills in a container for want of memory: the part of it that a monitor loads.

The kernel counts, and says that there is something to read: version 2 changes memory.events,
for which poll(2) has POLLPRI; version 1 adds to an eventfd, before it kills. Hence one look at
once, and some more. The event and the state are the work of a process of its own,
memory_notice.py, so that the monitor stays small and is never held up.

Linux, Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files"; cgroup-v1/memory.rst,
section 10; proc_pid_oom_score(5) for whom it chooses.
"""

from __future__ import annotations

import os
import select
import sys
import time

FIRST = 1.0  # seconds after the start, which this must not make longer
PAUSE = 0.1  # seconds between two looks; a group at its limit changes its counts all the time
LOOKS = 10  # after the kernel has said something
SIZE = 4096  # bytes; what the file has is far less


class Watch:
    """The watch over the control group of one container that runs."""

    __slots__ = ("counts", "descriptor", "due", "id", "kills", "left", "pid", "root")

    def __init__(self, root: str, id: str, pid: int) -> None:
        """Watch over container *id* of the store at *root*, whose process 1 is *pid*."""
        self.root, self.id, self.pid = root, id, pid
        self.descriptor = -1  # what the kernel makes ready
        self.counts = -1  # the file to read then; on version 2 the same
        self.kills = 0  # that have been told of
        self.left, self.due = 1, time.monotonic() + FIRST  # looks, and when the next one is

    def open(self) -> bool:
        """Ask the kernel; say whether the group counts anything.

        If not, the end tells, or nobody could: without the controller nothing is limited.
        """
        from mini_docker import cgroups_present, containers, swap
        from mini_docker.errors import MiniDockerError
        from mini_docker.store import Store

        try:
            config = containers.Container(Store(self.root), self.id).config()
        except MiniDockerError:  # somebody is taking it away: that ends it, or its end will say so
            return False
        path = config["linux"].get("cgroupsPath")
        if not path or swap.locked("cgroups"):
            return False
        tree = cgroups_present.present()
        mount = tree.unified if tree.version == "v2" else tree.trees.get("memory", "")
        ask = _ask_v2 if tree.version == "v2" else _ask_v1
        try:
            self.descriptor, self.counts = ask(f"{mount}/{path.strip('/')}")
        except OSError:  # there is no such controller, or an ordinary user may not ask
            return False
        return True

    def events(self) -> dict[int, int]:
        """Return what poll(2) is to look for, by descriptor."""
        if self.left or self.descriptor < 0:
            return {}
        same = self.descriptor == self.counts
        return {self.descriptor: select.POLLPRI if same else select.POLLIN}

    def deadline(self) -> float | None:
        """Return when turn() has something to do by itself, if it has."""
        return self.due if self.left else None

    def turn(self, ready: dict[int, int]) -> None:
        """Look, if the kernel says so or it is time to; tell if something has been killed."""
        if self.descriptor in ready:
            self.left = LOOKS
            if self.descriptor != self.counts:
                os.eventfd_read(self.descriptor)
        elif not self.left or time.monotonic() < self.due:
            return
        self.left, self.due = self.left - 1, time.monotonic() + PAUSE
        if self.descriptor < 0 and not self.open():
            return
        kills = self._read()
        if kills > self.kills and self._tell():
            self.kills = kills

    def state(self) -> list[int] | None:
        """Return it as what restore() takes; None if there is nothing to watch."""
        if self.descriptor < 0:
            return None
        return [self.pid, self.descriptor, self.counts, self.kills]

    def _read(self) -> int:
        """Return how many processes the kernel has killed; once the group is gone, no more."""
        try:
            words = os.pread(self.counts, SIZE, 0).split()
        except OSError:  # ENODEV: somebody has removed the group
            for descriptor in {self.descriptor, self.counts}:
                os.close(descriptor)
            self.descriptor, self.counts, self.left = -1, -1, 0
            return 0
        return int(words[words.index(b"oom_kill") + 1]) if b"oom_kill" in words else 0

    def _tell(self) -> bool:
        """Start the process that tells: nobody's child, so nobody has to wait for it.

        Say whether it could be started. If not, the next look tries again, and the end tells
        of what the state knows nothing of.
        """
        module = os.path.join(os.path.dirname(__file__), "memory_notice.py")
        argv = [sys.executable, "-ISE", module, self.root, self.id, str(self.pid)]
        try:
            middle = os.fork()
        except OSError:  # EAGAIN, ENOMEM: there is no process to be had
            return False
        if middle == 0:
            try:
                os.closerange(3, 2**31 - 1)
                if os.fork() == 0:
                    os.execve(sys.executable, argv, os.environ)
            finally:
                os._exit(0)
        os.waitpid(middle, 0)
        return True


def _ask_v2(group: str) -> tuple[int, int]:
    descriptor = os.open(f"{group}/memory.events", os.O_RDONLY | os.O_CLOEXEC)
    return descriptor, descriptor


def _ask_v1(group: str) -> tuple[int, int]:
    """Return an eventfd to which the kernel adds 1 before it kills, and the file that counts."""
    counts = os.open(f"{group}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
    descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        control = os.open(f"{group}/cgroup.event_control", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(control, f"{descriptor} {counts}".encode())
        finally:
            os.close(control)
    except OSError:
        os.close(descriptor)
        os.close(counts)
        raise
    return descriptor, counts


def restore(root: str, id: str, state: list[int]) -> Watch:
    """Return the watch of which state() was taken before this process became what it is."""
    found = Watch(root, id, state[0])
    _, found.descriptor, found.counts, found.kills = state
    found.left = LOOKS  # those that were under way, or something happened meanwhile
    return found
