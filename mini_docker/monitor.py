"""The monitor of a container: it passes output on, waits for the end, and writes that down.

    python -ISE mini_docker/monitor.py MEMORY ROOT ID      see monitor_handover.py
    python -ISE mini_docker/monitor.py PID ROOT ID plain   see supervisor_plain.py
    python -ISE mini_docker/monitor.py PID                 a detached exec: only wait

This is a process for each container that runs, so it imports next to nothing while it
waits. It holds the container's lock, inherited; the signals that a command passes on are
blocked, inherited as well. The rest of the engine is loaded when there is work.

Somebody has to wait for a detached exec too. Its parent is outside of the container's pid
namespace, and that namespace cannot end before the last process in it has been reaped.
"""

from __future__ import annotations

import sys


def main(number: int, root: str = "", id: str = "", plain: str = "") -> int:
    """Go on looking after container *id*, or wait for our child *number*."""
    if not id:
        from mini_docker import processes

        processes.init(number)
        return 0
    if plain:
        from mini_docker import supervisor_plain

        return supervisor_plain.main(number, root, id)
    try:
        _go_on(number, root, id)
    except BaseException as error:
        from mini_docker import monitor_group

        monitor_group.confess(f"{root}/containers/{id}", error)
        return 1
    return 0


def _go_on(memory: int, root: str, id: str) -> None:
    """Look after container *id*, from what *memory* says to its end or to the next fresh start."""
    from mini_docker import monitor_handover

    state = monitor_handover.remembered(memory)
    if "due" in state:
        from mini_docker import monitor_again

        loop = monitor_again.wait(root, id, state)
        if loop is None:
            return  # it has been stopped
    else:
        loop = monitor_handover.unpack(root, state["run"], id, state)
    loop.near = _near
    over = loop.run()
    from mini_docker import monitor_end

    if not over:
        monitor_end.become_slim(loop)
    monitor_end.finish(loop)


def _near() -> None:
    """Get ready for the end of the container, which is near."""
    from mini_docker import cgroups_present, cgroups_tree, monitor_end, swap  # noqa: F401

    if not swap.locked("cgroups"):
        cgroups_present.present()


if __name__ == "__main__":
    sys.path.append(__file__.rpartition("/mini_docker/")[0])
    from mini_docker import startup_modules

    startup_modules.use_modules()
    from mini_docker import startup_os  # noqa: F401 - before os

    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
