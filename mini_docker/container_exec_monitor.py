"""The monitor of an exec that nobody watches: read what it writes, and wait for its end.

    python -ISE mini_docker/container_exec_monitor.py PID ROOT ID EXEC [DESCRIPTOR ...]

A terminal whose master is closed hangs up, and a pipe without a reader kills the writer. So
this process keeps them, and what comes out of them is for nobody. It reads each DESCRIPTOR;
the slave of a terminal it has open as well, unread: that is what the program reads. It imports
next to nothing while it waits. At the end it says in the events of container ID how exec EXEC
has ended.
"""

from __future__ import annotations

import os
import select
import sys

CHUNK = 65536


def main(pid: int, root: str, id: str, name: str, *descriptors: str) -> int:
    """Wait for our child *pid*; see above."""
    poll = select.poll()
    process = os.pidfd_open(pid)
    for descriptor in (process, *map(int, descriptors)):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if process in ready:
            break
        for descriptor in ready:
            if not _read(descriptor):
                poll.unregister(descriptor)

    from mini_docker import container_exec_session, processes

    container_exec_session.tell_end(root, id, name, processes.wait(pid))
    return 0


def _read(descriptor: int) -> bool:
    """Read what there is at *descriptor*; say whether more may come."""
    try:
        return bool(os.read(descriptor, CHUNK))
    except BlockingIOError:
        return True
    except OSError:  # EIO: a terminal that nobody has open any more
        return False


if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("/mini_docker/")[0])
    sys.exit(main(int(sys.argv[1]), *sys.argv[2:]))
