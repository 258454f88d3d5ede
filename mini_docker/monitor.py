"""The monitor of a detached container: wait for its end, then write it down.

    python -ISE mini_docker/monitor.py ROOT ID PID

This is a process for each container that runs, so it imports next to nothing while it
waits. It holds the container's lock, inherited; the signals that init() takes are
blocked, inherited as well. The rest of the engine is loaded when there is work.
"""

from __future__ import annotations

import sys


def main(root: str, id: str, pid: int) -> int:
    """Look after container *id* of the store at *root*, whose process 1 is our child *pid*."""
    from mini_docker import processes

    code = processes.init(pid)

    from mini_docker import containers, supervisor
    from mini_docker.store import Store

    supervisor.end(containers.Container(Store(root), id), code)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("/mini_docker/")[0])
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
