"""An exec into a container that may trace processes: born there only when nothing is left to take.

Whoever enters a pid namespace can be seen in it. With CAP_SYS_PTRACE one can be traced as
well, dumpable or not, and a tracer has what the traced one has: on its way in, the host's
root and all capabilities (CVE-2016-9962). So the process that goes that way stays outside of
the pid namespace, where nobody of the container sees it. At its end, with the container's
rights and no more, it makes another process, inside, and ends. That one is the engine's
child, as if the engine had made it: clone(2), CLONE_PARENT.
"""

from __future__ import annotations

import mmap
import os

from mini_docker import syscalls, syscalls_clone
from mini_docker.errors import ProcessError, reason

_CLONE = {"x86_64": 56, "aarch64": 220}  # clone3, which comes after it, is no business of a filter
_DONTFORK = 10  # MADV_DONTFORK


class Birth:
    """What the one on its way in tells the engine: the pid of the process that it has made."""

    __slots__ = ("memory",)

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the children that we fork

    def give(self) -> None:
        """Go on in a new process, in the pid namespace for our children; the caller ends."""
        self.memory.madvise(_DONTFORK)  # nobody in there is to write another pid into it
        number = _CLONE[os.uname().machine]
        try:
            arguments = syscalls_clone.CLONE_PARENT | syscalls_clone.SIGCHLD, 0, 0, 0, 0
            pid = syscalls.checked("syscall", number, *arguments)
        except OSError as error:
            raise ProcessError(
                f"cannot start a process: {reason(error)} (does the seccomp profile allow clone?)"
            ) from error
        if pid:
            self.memory[:8] = pid.to_bytes(8, "little")
            os._exit(0)

    def take(self, first: int) -> int:
        """Wait for the end of *first*, which was on its way in, and return the pid of the other."""
        os.waitpid(first, 0)
        if not self.given():
            raise ProcessError("the command was not started: its process was killed on the way in")
        return self.given()[0]

    def given(self) -> list[int]:
        """Return the pid that give() has told, if there is one already."""
        pid = int.from_bytes(self.memory[:8], "little")
        return [pid] if pid else []
