"""Lab 6's pretend kernel: the five sets of a process, for whoever is not root.

One process, the caller, has sets that prctl, capget and capset read and change by the
rules of capabilities(7). /proc shows it as "self" (and under its pid), and beside it BOX
and LIARS, with other sets. exec() tells which sets a program would begin with.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mini_docker import syscalls
from mini_docker.capabilities_names import BIT, EVERYTHING

BOX = 4321
GONE = 4323  # ended long ago
LIARS = {4324: b"CapEff", 4325: b"CapEff:\t77", 4326: b"\xff\xfe box"}  # pid: name
ADDED = {"CapInh": 1 << 12, "CapPrm": 0x1010, "CapEff": 0x10, "CapBnd": 0x3010, "CapAmb": 0x1000}
MINE = {"CapInh": 0, "CapPrm": 0x3F, "CapEff": 0x2F, "CapBnd": EVERYTHING, "CapAmb": 0}
STATUS = """Name:\t{name}
Umask:\t0022
State:\tS (sleeping)
Pid:\t{pid}
Uid:\t1000\t1000\t1000\t1000
Groups:\t4 24 27
SigCgt:\t0000000000014000
{sets}
NoNewPrivs:\t0
Seccomp:\t0
Cpus_allowed:\t3
"""
_PATH = re.compile(r"/proc/(self|thread-self|\d+)/status$")
_BSET_READ, _GET_NO_NEW_PRIVS = 23, 39  # <linux/prctl.h>
_AMBIENT_IS_SET, _AMBIENT_RAISE, _AMBIENT_LOWER = 1, 2, 3
SETPCAP = BIT["CAP_SETPCAP"]


class Kernel:
    """What a test sets up before the student's function runs, and reads afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last = 40  # the number of this kernel's last capability
        self.permitted = self.effective = self.bounding = EVERYTHING
        self.inheritable = self.ambient = 0
        self.no_new_privileges = False
        self.refusals: dict[str | int, int] = {}  # "capset", "capget", a PR_*: errno
        self.dropped: list[int] = []  # the numbers that PR_CAPBSET_DROP was given
        self._status("self", b"python3", MINE)
        self._status(str(BOX), b"box CapBnd: 77", ADDED)
        for pid, name in LIARS.items():
            self._status(str(pid), name, ADDED)

    def sets(self) -> dict[str, int]:
        """Return the five sets by their names."""
        names = ("inheritable", "permitted", "effective", "bounding", "ambient")
        return {name: getattr(self, name) for name in names}

    def exec(self, root: bool) -> int:
        """Return what an ordinary program may do that the caller becomes: its permitted set."""
        if not root:
            return self.ambient
        gained = self.inheritable | self.bounding
        return gained & self.permitted if self.no_new_privileges else gained

    def prctl(self, option: int, *arguments: int) -> int:
        """Answer prctl(2), by the rules of capabilities(7)."""
        if option in self.refusals:
            self._refuse(self.refusals[option])
        number = arguments[0] if arguments else 0
        if option == syscalls.PR_CAPBSET_DROP:
            self._drop(number)
        elif option == _BSET_READ:
            self._known(number)
            return self.bounding >> number & 1
        elif option == syscalls.PR_SET_NO_NEW_PRIVS:
            if number != 1 or any(arguments[1:]):
                self._refuse(errno.EINVAL)
            self.no_new_privileges = True
        elif option == _GET_NO_NEW_PRIVS:
            return int(self.no_new_privileges)
        elif option == syscalls.PR_CAP_AMBIENT:
            return self._ambient(*arguments)
        return 0

    def _drop(self, number: int) -> None:
        self.dropped.append(number)
        if not self.effective & SETPCAP:
            self._refuse(errno.EPERM)
        self._known(number)
        self.bounding &= ~(1 << number)

    def capget(self) -> tuple[int, int, int]:
        if "capget" in self.refusals:
            self._refuse(self.refusals["capget"])
        return self.effective, self.permitted, self.inheritable

    def capset(self, effective: int, permitted: int, inheritable: int) -> None:
        """Change three sets, by the rules of capset(2)."""
        if "capset" in self.refusals:
            self._refuse(self.refusals["capset"])
        raised = inheritable & ~self.inheritable
        if (
            permitted & ~self.permitted
            or effective & ~permitted
            or raised & ~self.bounding
            or (raised & ~self.permitted and not self.effective & SETPCAP)
        ):
            self._refuse(errno.EPERM)
        self.effective, self.permitted, self.inheritable = effective, permitted, inheritable
        self.ambient &= permitted & inheritable

    def path(self, path: Any) -> Any:
        """Return where the pretend /proc keeps *path*; other paths stay what they are."""
        match = _PATH.match(os.fsdecode(path)) if isinstance(path, str | bytes | Path) else None
        if match is None:
            return path
        mine = match[1] in ("self", "thread-self", str(os.getpid()))
        return f"{self.folder}/{'self' if mine else match[1]}"

    def _ambient(self, what: int, number: int = 0, *_: int) -> int:
        if what == syscalls.PR_CAP_AMBIENT_CLEAR_ALL:
            self.ambient = 0
            return 0
        self._known(number)
        bit = 1 << number
        if what == _AMBIENT_IS_SET:
            return int(bool(self.ambient & bit))
        if what == _AMBIENT_LOWER:
            self.ambient &= ~bit
        elif what == _AMBIENT_RAISE and self.permitted & self.inheritable & bit:
            self.ambient |= bit
        else:
            self._refuse(errno.EPERM if what == _AMBIENT_RAISE else errno.EINVAL)
        return 0

    def _known(self, number: int) -> None:
        if not 0 <= number <= self.last:
            self._refuse(errno.EINVAL)

    def _refuse(self, number: int) -> None:
        raise OSError(number, os.strerror(number))

    def _status(self, process: str, name: bytes, sets: dict[str, int]) -> None:
        rows = "\n".join(f"{field}:\t{value:016x}" for field, value in sets.items())
        text = STATUS.format(name="NAME", pid=process, sets=rows)
        (self.folder / process).write_bytes(text.encode().replace(b"NAME", name))


def install(kernel: Kernel) -> None:
    """Put *kernel* in the real one's place, for good: call it in an experiment's process."""

    def seeing(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path, *rest, **options: real(kernel.path(path), *rest, **options)

    for call in ("prctl", "capget", "capset"):
        setattr(syscalls, call, getattr(kernel, call))
    vars(os)["open"] = seeing(os.open)
    vars(builtins)["open"] = vars(io)["open"] = seeing(io.open)
