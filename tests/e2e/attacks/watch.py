"""Wait for processes that enter our pid namespace, and look through them at the host.

    watch.py DECOY PID...       look at PID, and at every process that comes, until /tmp/stop is

DECOY is a path on the host. A process of the engine that is on its way into the container
has, for a moment, the host's root, its open files, its rights, and a program file of the
host's (CVE-2016-9962, CVE-2019-5736). Whatever is seen of that is printed once. What has
been opened of a program is overwritten at the end: by then nobody runs it any more.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress

from tests.e2e.attacks.attempt import say, syscall
from tests.e2e.attacks.process import PTRACE, SEIZE

STOP = "/tmp/stop"
OURS = ("/usr/bin/python3", "/bin/", "/memfd:launch")
WALL = 0x40000000  # of waitpid: whoever we trace, too
seen: set[str] = set()
held: dict[int, str] = {}  # descriptors of programs that are not the container's


def tell(what: str) -> None:
    """Print *what*, once."""
    if what not in seen:
        seen.add(what)
        say("seen", what)


def rights(pid: int) -> int:
    """Return the capabilities that process *pid* may use, as a mask."""
    with open(f"/proc/{pid}/status") as file:
        return int(next(line.split()[1] for line in file if line.startswith("CapPrm")), 16)


def look(pid: int) -> None:
    """Try everything once with process *pid*."""
    with suppress(OSError):
        syscall(PTRACE, SEIZE, pid, 0, 0)
        if more := rights(pid) & ~rights(os.getpid()):
            tell(f"traced one with the capabilities {more:x}")
    with suppress(OSError):
        os.stat(f"/proc/{pid}/root/{sys.argv[1]}")
        tell("the host's root")
    with suppress(OSError):
        os.stat(f"/proc/{pid}/cwd/mini_docker")
        tell("the engine's directory")
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            link = os.readlink(f"/proc/{pid}/fd/{name}")
            if link.startswith("/") and not link.startswith("/dev/"):
                tell(f"open {link}")
    with suppress(OSError):
        program = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
        link = os.readlink(f"/proc/self/fd/{program}")
        if link.startswith(OURS) or link in held.values():
            os.close(program)
        else:
            held[program] = link
            tell(f"program {link}")


def overwrite() -> None:
    """Write over every program that we hold."""
    for program, link in held.items():
        try:
            target = os.open(f"/proc/self/fd/{program}", os.O_WRONLY)
            os.write(target, b"overwritten")
            say("overwritten", link)
        except OSError as error:
            say("overwritten", errno.errorcode[error.errno or 0])


def main() -> None:
    """Look at everybody who comes."""
    watched = {int(word) for word in sys.argv[2:]}
    for pid in watched:
        look(pid)
    last = os.getpid()
    say("ready", "")
    rounds, give_up = 0, time.monotonic() + 60
    while rounds % 64 or not os.path.exists(STOP):
        rounds += 1
        if time.monotonic() > give_up:
            return
        for pid in range(last + 1, last + 3):
            if os.path.exists(f"/proc/{pid}"):
                last = pid
                watched.add(pid)
        for pid in list(watched):
            look(pid)
            with suppress(ChildProcessError):  # who is traced ends when its tracer has seen it
                os.waitpid(-1, os.WNOHANG | WALL)
            if not os.path.exists(f"/proc/{pid}"):
                watched.discard(pid)
    overwrite()
    os.unlink(STOP)
    say("ended", "")


if __name__ == "__main__":
    main()
