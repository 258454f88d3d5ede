"""Hold leases on files that the engine may want: who opens one waits until we let it go.

lease.py FILE...        fcntl(2), F_SETLEASE; /proc/sys/fs/lease-break-time is 45 seconds
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys

from tests.e2e.attacks.attempt import attempt, say


def lease(path: str) -> int:
    """Take a lease on *path* that everybody who opens it has to break."""
    return fcntl.fcntl(os.open(path, os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)


def main() -> None:
    """Take the leases, and never let go."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    for path in sys.argv[1:]:
        attempt(path, lambda path=path: lease(path))  # type: ignore[misc]
    say("ready", "")
    signal.pause()


if __name__ == "__main__":
    main()
