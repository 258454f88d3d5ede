"""A process that stays behind: out of its caller's streams, group and memory.

A monitor is born as a fork of a command. What it inherits from that and must not keep is
given back here: the caller may wait for the end of a pipe, and systemd for the end of a unit.
"""

from __future__ import annotations

import os
import sys

from mini_docker import swap
from mini_docker.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MONITORS = "/mini-docker/monitors"


def join_monitors() -> None:
    """Move the calling monitor out of the control group of the command that started it.

    systemd counts a unit or a login session as running while a process is in its group,
    and ends what is left there. A monitor has to outlive both.
    """
    if swap.locked("cgroups"):
        return
    from mini_docker import cgroups_present, cgroups_tree

    base = cgroups_present.present().base
    if base is not None:
        group = cgroups_tree.Group(base + MONITORS)
        try:
            group.join()
        except CgroupError:  # there is none yet
            group.create()
            group.join()


def leave() -> None:
    """Let go what a command that does not stay has left to us: its control group and its files.

    Somebody may wait for a lock, or for the end of a pipe. Our own files close on exec, all of
    them; so what has come through our own exec is the caller's. execve(2).
    """
    join_monitors()
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                os.close(int(name))
        except OSError:  # the descriptor of the listing itself
            continue
    os.chdir("/")


def hush() -> None:
    """Close our standard streams: a pipe that the caller reads must not stay open here."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def become_monitor(pid: int, *words: str, module: str = "monitor.py") -> NoReturn:
    """Become a fresh interpreter that waits for our child *pid*: see *module* for *words*."""
    hush()
    os.chdir("/")
    module = os.path.join(os.path.dirname(__file__), module)
    argv = [sys.executable, "-ISE", module, str(pid), *words]
    os.execve(sys.executable, argv, dict(os.environ))


def confess(directory: str, error: BaseException) -> None:
    """Write down why this monitor cannot go on: it has no terminal to say so.

    The next command that looks at the container finds no monitor, and puts its state right.
    """
    import traceback

    from mini_docker import monitor_report

    text = "".join(traceback.format_exception(error))
    monitor_report.say(monitor_report.path(directory), text)
