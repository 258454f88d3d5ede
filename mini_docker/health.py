"""When a container's health is looked at: the part of it that its monitor loads.

The monitor asks events() and deadline() what to wait for and calls turn() when there
is something. The look itself is the work of a process of its own, health_probe.py, so that
the monitor stays small and is never held up. That process writes the result to state.json,
and its exit code says whether the container is still "starting".

Docker Engine API, HealthConfig; moby, daemon/health.go, for the order of things.
"""

from __future__ import annotations

import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Container
    from typing import Any
else:
    import _signal as signal

TESTS = ("CMD", "CMD-SHELL")
SECOND = 10**9  # a record has nanoseconds
FIELDS = ("Interval", "Timeout", "StartPeriod", "StartInterval")
DEFAULTS = (30.0, 30.0, 0.0, 5.0)  # seconds
STARTING = 75  # the exit code of a probe whose container has not been healthy yet
GRACE = 5.0  # seconds beyond its timeout after which a probe is told to end, then killed


def plan(config: dict[str, Any]) -> list[float] | None:
    """Return how the health of a container with the record's *config* is watched, or None.

    In seconds: between two looks, for one look, the start period, and between two looks in
    that period. What is 0 in the record, or not there, has Docker's default. Before the lab
    of the life cycle an image's health is not watched, nor without a monitor that could.
    """
    from mini_docker import swap

    check = config.get("Healthcheck") or {}
    test = check.get("Test") or []
    if len(test) < 2 or test[0] not in TESTS:
        return None
    if swap.unbegun("lifecycle") or swap.locked("streams"):
        return None
    given = [(check.get(name) or 0) / SECOND for name in FIELDS]
    return [number or default for number, default in zip(given, DEFAULTS, strict=True)]


def fresh(before: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the Health in state.json of a container that has just been started.

    What was found *before* that stays in its Log; moby, initHealthMonitor.
    """
    return {"Status": "starting", "FailingStreak": 0, "Log": (before or {}).get("Log", [])}


class Watch:
    """The watch over one container that runs; plan() has said how."""

    __slots__ = ("began", "descriptor", "due", "id", "pid", "plan", "root", "starting", "told")

    def __init__(self, root: str, id: str, plan: list[float]) -> None:
        """Watch container *id* of the store at *root*, which has just been started."""
        self.root = root
        self.id = id
        self.plan = plan
        self.began = time.monotonic()
        self.starting = True
        self.pid = 0  # of the probe that runs
        self.descriptor = -1  # a pidfd of it
        self.told = False  # that it is late
        self.due = time.monotonic() + self._pause()

    def events(self) -> dict[int, int]:
        """Return what poll(2) is to look for, by descriptor."""
        return {self.descriptor: select.POLLIN} if self.pid else {}

    def deadline(self) -> float:
        """Return when there is something to do in any case, as time.monotonic() counts."""
        return self.due

    def turn(self, ready: Container[int]) -> None:
        """Do what is to be done now; *ready* has the descriptors that are readable."""
        if self.pid and self.descriptor in ready:
            self._reap()
        elif time.monotonic() < self.due:
            return
        elif self.pid:  # its own timeout has not helped: somebody keeps it from going on
            os.kill(self.pid, signal.SIGKILL if self.told else signal.SIGTERM)
            self.told, self.due = True, time.monotonic() + GRACE
        else:
            self._begin()

    def close(self) -> None:
        """End a probe that runs: its container has ended, and with it what it has started there."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()

    def state(self) -> dict[str, Any]:
        """Return it as what restore() takes; a probe that runs goes on."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("root", "id")}

    def _begin(self) -> None:
        """Start a probe: a new interpreter, which inherits nothing that is open here.

        A plain fork would cost the monitor a copy of its memory for as long as that runs.
        """
        module = os.path.join(os.path.dirname(__file__), "health_probe.py")
        argv = [sys.executable, "-ISE", module, self.root, self.id]
        try:
            self.pid = os.fork()
        except OSError:  # EAGAIN, ENOMEM: there is no process to be had; it looks later
            self.due = time.monotonic() + self._pause()
            return
        if self.pid == 0:
            try:
                os.closerange(3, 2**31 - 1)
                os.execve(sys.executable, argv, os.environ)
            finally:
                os._exit(STARTING)
        self.descriptor = os.pidfd_open(self.pid)
        self.told, self.due = False, time.monotonic() + self.plan[1] + GRACE

    def _reap(self) -> None:
        """Take note that the probe has ended, and of the container's state as it says."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        self.starting = self.starting and os.waitstatus_to_exitcode(status) == STARTING
        self.pid, self.descriptor = 0, -1
        self.due = time.monotonic() + self._pause()

    def _pause(self) -> float:
        """Return how many seconds there are to the next look."""
        interval, _, start_period, start_interval = self.plan
        young = time.monotonic() - self.began < start_period
        return start_interval if young and self.starting else interval


def restore(root: str, id: str, state: dict[str, Any]) -> Watch:
    """Return the watch of which state() was taken before this process became what it is.

    A probe is its child still: execve(2) keeps them.
    """
    it = Watch(root, id, state["plan"])
    for name, value in state.items():
        setattr(it, name, value)
    return it
