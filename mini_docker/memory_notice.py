"""Tell that the kernel has killed something in a container for want of memory, while it runs.

    python -ISE mini_docker/memory_notice.py ROOT ID PID      see memory_watch.py

State.OOMKilled is true from then on; moby, daemon/monitor.go, has it so as well.
"""

from __future__ import annotations

import sys


def main(root: str, id: str, pid: str) -> int:
    """Write down that a process was killed in container *id*, whose process 1 is or was *pid*."""
    from mini_docker import containers, events
    from mini_docker.errors import NotFound
    from mini_docker.store import Store

    try:
        it = containers.Container(Store(root), id)
        with it.change():
            it.reload()
            # The end tells of what was not told before it. A process 1 of another number
            # belongs to another life of the container.
            if it.running() and it.state.get("Pid") == int(pid):
                it.update(OOMKilled=True)
                events.container(it, "oom")
    except NotFound:
        return 0  # it had --rm, and its end has told
    return 0


if __name__ == "__main__":
    sys.path.append(__file__.rpartition("/mini_docker/")[0])
    from mini_docker import startup_modules

    startup_modules.use_modules()
    sys.exit(main(*sys.argv[1:]))
