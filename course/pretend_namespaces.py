"""Lab 2's pretend kernel: namespaces for whoever is not root.

Two processes stand under a pretend /proc: the caller ("self", or its pid), and BOX, which
shares none of its namespaces. clone really forks, so that parent and child can be told
apart, and notes what was asked for; setns reads the descriptor it is given and keeps the
kernel's rules. Every function of os that looks at a path sees the pretend /proc, so
the grader need not know which of them an answer calls.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mini_docker import syscalls

BOX = 4321  # has eight namespaces of its own
HIDDEN = 4322  # belongs to somebody else: looking at it is not permitted
GONE = 4323  # ended long ago
MINE, THEIRS = 4026531830, 4026532170  # the first inode numbers of the caller's, and of BOX's
FLAGS = {
    "cgroup": syscalls.CLONE_NEWCGROUP,
    "ipc": syscalls.CLONE_NEWIPC,
    "mnt": syscalls.CLONE_NEWNS,
    "net": syscalls.CLONE_NEWNET,
    "pid": syscalls.CLONE_NEWPID,
    "time": syscalls.CLONE_NEWTIME,
    "user": syscalls.CLONE_NEWUSER,
    "uts": syscalls.CLONE_NEWUTS,
}
_PATH = re.compile(r"/proc/(self|thread-self|\d+)(/ns(?:/.*)?|/?)$")
_PATCHED = ("open", "listdir", "scandir", "lstat", "access")


class Kernel:
    """What a test sets up before the student's function runs, and reads afterwards."""

    def __init__(self, folder: Path, kinds: tuple[str, ...]) -> None:
        self.folder = folder
        self.cloned: list[int] = []  # the flags of each clone
        self.unshared: list[int] = []  # the flags of each unshare
        self.entered: list[str] = []  # the kinds that setns moved the caller into, in order
        self.looked: list[str] = []  # the names under /proc that were looked at
        self.refusals: dict[str, int] = {}  # "clone", or a kind to enter: errno
        self.ends_early = False  # BOX ends as soon as the first namespace is entered
        self.caller = 0  # the number that /proc knows the caller by, since install()
        self.mine = {kind: MINE + n for n, kind in enumerate(kinds)}
        self.box = {kind: THEIRS + n for n, kind in enumerate(kinds)}
        self._stat, self._readlink = os.stat, os.readlink
        self._write("self", self.mine)
        self._write(str(BOX), self.box)

    def share(self, *kinds: str) -> None:
        """Let BOX live in the caller's own namespaces of *kinds*."""
        self.box |= {kind: self.mine[kind] for kind in kinds}
        self._write(str(BOX), self.box)

    def descriptors(self) -> list[str]:
        """Return the names of the namespaces that this process holds open."""
        held = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        names = (self._readlink(link) for link in held if os.path.lexists(link))
        return [os.path.basename(name) for name in names if name.startswith(str(self.folder))]

    def clone(self, flags: int) -> int:
        self.cloned.append(flags)
        self._refuse("clone")
        return os.fork()

    def unshare(self, flags: int) -> None:
        self.unshared.append(flags)

    def setns(self, descriptor: int, flags: int = 0) -> None:
        """Enter, by the rules of setns(2)."""
        name = os.path.basename(self._readlink(f"/proc/self/fd/{descriptor}"))
        match = re.fullmatch(r"(\w+):\[(\d+)\]", name)
        kind, number = (match[1], int(match[2])) if match else ("", 0)
        if flags not in (0, FLAGS.get(kind)) or (kind == "user" and number == self.mine["user"]):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if kind != "user" and self.box["user"] != self.mine["user"]:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))  # BOX's belong to its user's
        self._refuse(kind)
        self.entered.append(kind)
        self.mine[kind] = number
        self._write("self", self.mine)

    def path(self, path: Any) -> Any:
        """Return where the pretend /proc keeps *path*; other paths stay what they are."""
        match = _PATH.match(os.fsdecode(path)) if isinstance(path, str | bytes | Path) else None
        if match is None:
            return path
        process = "self" if match[1] in ("thread-self", str(self.caller)) else match[1]
        if process not in ("self", str(BOX), str(HIDDEN), str(GONE)):
            return path
        self.looked.append(process)
        if process == str(HIDDEN) and match[2].startswith("/ns"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        moved = "mnt" in self.entered or (self.ends_early and self.entered)
        if process == str(GONE) or (process == str(BOX) and moved):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return f"{self.folder}/{process}{match[2]}"

    def readlink(self, path: Any, *args: Any, **options: Any) -> Any:
        """As os.readlink; a namespace's link reads "uts:[4026532177]"."""
        text = self._readlink(self.path(path), *args, **options)
        return os.path.basename(text) if os.fsdecode(text).startswith(str(self.folder)) else text

    def stat(self, path: Any, *args: Any, **options: Any) -> os.stat_result:
        """As os.stat; a namespace's inode number is the one in its name."""
        result = self._stat(self.path(path), *args, **options)
        link = self.path(path)
        followed = (
            link is not path and options.get("follow_symlinks", True) and os.path.islink(link)
        )
        number = re.search(r"\w+:\[(\d+)\]$", self._readlink(link)) if followed else None
        if number:
            return os.stat_result((result[0], int(number[1]), *result[2:10]))
        return result

    def _refuse(self, what: str) -> None:
        if what in self.refusals:
            raise OSError(self.refusals[what], os.strerror(self.refusals[what]))

    def _write(self, process: str, numbers: dict[str, int]) -> None:
        folder = self.folder / process / "ns"
        folder.mkdir(parents=True, exist_ok=True)
        links = numbers | {f"{k}_for_children": numbers[k] for k in ("pid", "time") if k in numbers}
        for link, number in links.items():
            name = f"{link.removesuffix('_for_children')}:[{number}]"
            (self.folder / name).touch()
            (folder / link).unlink(missing_ok=True)
            (folder / link).symlink_to(self.folder / name)


@contextmanager
def kernel(kinds: tuple[str, ...] = tuple(FLAGS)) -> Iterator[Kernel]:
    """Yield a kernel with these *kinds*, which keeps its pretend /proc in memory if it can."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="pretend-proc-", dir=memory) as folder:
        yield Kernel(Path(folder), kinds)


def install(kernel: Kernel) -> None:
    """Put *kernel* in the real one's place, for good: call it in an experiment's process."""

    def seeing(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path=".", *rest, **options: real(kernel.path(path), *rest, **options)

    kernel.caller = os.getpid()
    for call in ("clone", "unshare", "setns"):
        setattr(syscalls, call, getattr(kernel, call))
        if hasattr(os, call):  # Python 3.12
            setattr(os, call, getattr(kernel, call))
    for name in _PATCHED:
        setattr(os, name, seeing(getattr(os, name)))
    vars(os).update(stat=kernel.stat, readlink=kernel.readlink)
    vars(builtins)["open"] = vars(io)["open"] = seeing(io.open)
