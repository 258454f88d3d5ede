"""--init: process 1 of a container is the engine's child itself, and its program process 2.

What it passes on and reaps is processes.init(). Here is what comes before: it must be
nobody of interest to the program by the time that program runs.
"""

from __future__ import annotations

import os

from mini_docker import container_process, processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any
else:
    import _signal as signal


def run(process: dict[str, Any], report: int, filter: container_process.Filter) -> int:
    """Run *process*, an object of config.json, as a child, and be its init: return its exit code.

    The caller is process 1 of the container. It gives up all rights that its child will
    not have either, then closes *report*: nothing can fail any more.
    """
    uid, home = container_process.prepare(process)
    processes.block()
    go, go_on = os.pipe()

    def fork() -> int:
        pid = os.fork()
        if pid:
            # Before the program runs: one with CAP_SYS_PTRACE would take what we still have.
            # The filter is for programs of the image: this process runs none of them.
            container_process.give_up(process, uid)
        os.close(go_on)
        return pid

    def main(inner: int) -> int:
        os.close(report)
        _take_foreground()
        os.read(go, 1)  # it ends when process 1 has closed go_on as well
        container_process.execute(process, (uid, home), inner, filter)

    pid = processes.spawn(main, fork)
    for descriptor in (go, report):
        os.close(descriptor)
    for stream in (0, 1, 2):  # a reader of the container's output waits for the last holder
        os.close(stream)
    return processes.init(pid)


def _take_foreground() -> None:
    """Let the caller's terminal, if it has one, send its signals here and not to process 1.

    That one would pass them on, so that a Ctrl-C came twice. A process in the background
    that sets the foreground gets a SIGTTOU itself, unless it ignores that. tcsetpgrp(3).
    """
    os.setpgid(0, 0)
    if os.isatty(0):
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpgrp())
