"""Take more than one's share: processes, open files, memory, names, depth.

greed.py WHAT NUMBER        say how much was had of it
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable

from tests.e2e.attacks.attempt import say


def processes(_: int) -> None:
    """Start one more process, which does nothing."""
    if os.fork() == 0:
        signal.pause()


def files(_: int) -> None:
    """Open one more file."""
    os.dup(0)


def names(number: int) -> None:
    """Make one more name in memory: an empty file in /dev, which is a tmpfs."""
    os.close(os.open(f"/dev/name-{number}", os.O_CREAT | os.O_WRONLY))


def disk_names(number: int) -> None:
    """Make one more name in the container's own file system, in one directory."""
    os.close(os.open(f"/many/{number}", os.O_CREAT | os.O_WRONLY))


def depth(_: int) -> None:
    """Go one directory deeper: the path gets longer than any path may be."""
    os.mkdir("d" * 100)
    os.chdir("d" * 100)


def clutter(number: int) -> None:
    """Leave what is hard to remove."""
    os.makedirs("/many", exist_ok=True)
    os.chdir("/many")
    name = b"\xff\n\x1b[31m" + str(number).encode()
    kinds: list[Callable[[], object]] = [
        lambda: os.mkfifo(name),
        lambda: os.symlink("/" * 4000, name),
        lambda: os.mknod(name, 0o020000, os.makedev(1, 3)),
        lambda: os.truncate(os.open(name, os.O_CREAT | os.O_WRONLY), 2**40),
        lambda: os.makedirs(name + b"/below", 0o000),
    ]
    kinds[number % len(kinds)]()


def main() -> None:
    """Take as much as there is, up to the number wanted."""
    actions = {f.__name__: f for f in (processes, files, names, disk_names, depth, clutter)}
    what, wanted = sys.argv[1], int(sys.argv[2])
    os.makedirs("/many", exist_ok=True)
    had, why = 0, "enough"
    try:
        for had in range(wanted):
            actions[what](had)
        had = wanted
    except OSError as error:
        why = errno.errorcode[error.errno or 0]
    say("had", str(had))
    say("then", why)


if __name__ == "__main__":
    main()
