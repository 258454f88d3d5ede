"""The monitor of a detached container: wait for its end, then write it down.

    python -ISE mini_docker/monitor.py PID ROOT ID
    python -ISE mini_docker/monitor.py PID            a detached exec: only wait

This is a process for each container that runs, so it imports next to nothing while it
waits. It holds the container's lock, inherited; the signals that init() takes are
blocked, inherited as well. The rest of the engine is loaded when there is work.

Somebody has to wait for a detached exec too. Its parent is outside of the container's pid
namespace, and that namespace cannot end before the last process in it has been reaped.
"""

from __future__ import annotations

import sys


def main(pid: int, root: str = "", id: str = "") -> int:
    """Wait for our child *pid*; if it is process 1 of container *id*, write down its end."""
    from mini_docker import processes

    code = processes.init(pid)
    if not id:
        return 0

    from mini_docker import containers, supervisor
    from mini_docker.store import Store

    supervisor.end(containers.Container(Store(root), id), code)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("/mini_docker/")[0])
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
