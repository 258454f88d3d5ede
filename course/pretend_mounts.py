"""Lab 3's pretend kernel: a table of mounts for whoever is not root.

Files and links are real, below a temporary directory, and openat2 resolves them for real.
What is pretended is the mount table, and with it "/". The rules are the kernel's: a bind
ignores its flags, a remount of what is no mount is EINVAL, a descriptor that was opened before
a mount stands for what is below it, on a shared mount the host sees what happens here.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from course.pretend_mount_table import KEPT, KINDS, Row, around, error, inside, mountinfo, top
from mini_docker import syscalls

TYPES = ("tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup2", "overlay")
_DESCRIPTOR = re.compile(r"/(?:proc/(?:self|thread-self|\d+)|dev)/fd/(\d+)")


class Kernel:
    """What a test sets up before, and reads after, the student's function ran."""

    def __init__(self, *places: str) -> None:
        self.rows = [Row("/", "/dev/vda1", "ext4")]
        self.rows += [Row(place, "tmpfs", "tmpfs") for place in places]
        self.host: list[str] = []  # what the host saw happen
        self.refusals: dict[str, int] = {}  # "bind", "private", a type, a place, a call: errno
        self.root = "/"  # where "/" leads
        self.old_root: str | None = None  # where the old root lies, after a pivot
        self.pivoted = self.chrooted = False
        self._opened: dict[int, int] = {}  # descriptor: how many rows there were then

    def facts(self) -> dict[str, Any]:
        """Return what there is to see now, as JSON can hold it."""
        names = ("host", "root", "old_root", "pivoted", "chrooted")
        facts = {name: getattr(self, name) for name in names}
        return facts | {"rows": [asdict(row) for row in self.visible()], "cwd": os.getcwd()}

    def visible(self) -> list[Row]:
        """Return the rows that no later mount covers."""
        return [
            row
            for n, row in enumerate(self.rows)
            if not any(inside(row.place, later.place) for later in self.rows[n + 1 :])
        ]

    # The calls.

    def mount(
        self,
        source: str | None,
        target: str,
        fstype: str | None = None,
        flags: int = 0,
        data: str = "",
    ) -> None:
        place, rows = self._find(target)
        change = flags & sum(KINDS)
        if flags & syscalls.MS_REMOUNT:
            self._refuse("remount", place)
            self._remount(top(rows, place), flags, place)
        elif flags & syscalls.MS_BIND:
            self._refuse("bind", place)
            self._bind(self._find(source or "")[0], place, flags)
        elif change:
            self._refuse(KINDS.get(change, ""), place)
            self._propagate(top(rows, place), change, flags)
        else:
            self._refuse(fstype or "", place)
            if fstype not in TYPES:
                raise error(errno.ENODEV, place)
            if not os.path.isdir(place):
                raise error(errno.ENOTDIR, place)
            self._add(Row(place, source or "none", fstype, flags & KEPT, data))

    def umount(self, target: str, flags: int = 0) -> None:
        place, rows = self._find(target)
        self._refuse("umount", place)
        if self.old_root is not None and place == self.old_root:
            if not flags & syscalls.MNT_DETACH:
                raise error(errno.EBUSY, place)
            self.old_root = None
            return
        row = top(rows, place)
        self.rows.remove(row)
        if row.propagation == "shared":
            self.host.append(f"{place} was unmounted")

    def pivot_root(self, new_root: str, put_old: str) -> None:
        (new, rows), (old, _) = self._find(new_root), self._find(put_old)
        self._refuse("pivot_root", new)
        row = top(rows, new)
        if "shared" in (row.propagation, around(self.rows, new).propagation) or not inside(
            old, new
        ):
            raise error(errno.EINVAL, new)
        if os.getcwd() == "/":
            self._chdir(new)
        self.root, self.old_root, self.pivoted = new, old, True

    def openat2(self, directory: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
        return self._note(self._openat2(directory, path, flags, resolve, mode))

    def install(self) -> None:
        """Take the real kernel's place for the rest of this process's life."""
        self._openat2, self._fstatvfs = syscalls.openat2, os.fstatvfs
        self._open, self._open_file, self._close, self._chdir = os.open, io.open, os.close, os.chdir
        calls = {call: getattr(self, call) for call in ("mount", "umount", "pivot_root", "openat2")}
        folder = {"chdir": self._to, "fchdir": self._to, "chroot": self._chroot}
        folder |= {"mkdir": self._moved(os.mkdir), "rmdir": self._moved(os.rmdir)}
        files = {"open": self._low, "close": self._forget, "fstatvfs": self._statvfs}
        opened = {"open": self._file}
        for module, names in (syscalls, calls), (builtins, opened), (os, folder | files):
            for name, function in names.items():
                setattr(module, name, function)

    # How they do it.

    def _find(self, path: str) -> tuple[str, list[Row]]:
        """Return the place that *path* leads to, and the rows that it can mean."""
        if match := _DESCRIPTOR.fullmatch(path):
            seen = self._opened.get(int(match[1]), len(self.rows))
            return os.readlink(f"/proc/self/fd/{match[1]}"), self.rows[:seen]
        below = self.root.rstrip("/") if path.startswith("/") else os.getcwd()
        place = os.path.realpath(f"{below}/{path}")
        os.stat(place)
        return place, self.rows

    def _bind(self, source: str, place: str, flags: int) -> None:
        if os.path.isdir(source) != os.path.isdir(place):
            raise error(errno.ENOTDIR, place)
        lies_in = around(self.rows, source + "/")
        added = [Row(place, source, "bind", lies_in.flags)]
        if flags & syscalls.MS_REC:
            below = [row for row in self.visible() if inside(row.place, source, strictly=True)]
            added += [Row(place + r.place[len(source) :], r.source, r.type, r.flags) for r in below]
        for row in added:
            self._add(row)

    def _add(self, row: Row) -> None:
        row.propagation = around(self.rows, row.place + "/").propagation
        self.rows.append(row)
        if row.propagation == "shared":
            self.host.append(f"{row.type} was mounted at {row.place}")

    def _remount(self, row: Row, flags: int, place: str) -> None:
        if not flags & syscalls.MS_BIND:  # would change the file system, for all who use it
            self.host.append(f"the file system at {place} was remounted")
        row.flags = flags & KEPT

    def _propagate(self, row: Row, change: int, flags: int) -> None:
        if change not in KINDS or flags & ~(change | syscalls.MS_REC):
            raise error(errno.EINVAL, row.place)
        for other in self.rows:
            if other is row or (flags & syscalls.MS_REC and inside(other.place, row.place)):
                other.propagation = KINDS[change]

    def _chroot(self, path: str) -> None:
        self.root, self.chrooted = self._find(path)[0], True

    def _to(self, path: str | int) -> None:
        self._chdir(self._find(f"/dev/fd/{path}" if isinstance(path, int) else path)[0])

    def _low(self, *words: Any, **options: Any) -> int:
        return self._note(self._open(*words, **options))

    def _file(self, path: Any, *rest: Any, **options: Any) -> Any:
        if path == "/proc/self/mountinfo":
            return io.StringIO(mountinfo(self.rows))
        return self._open_file(path, *rest, **options)

    def _forget(self, descriptor: int) -> None:
        self._opened.pop(descriptor, None)
        self._close(descriptor)

    def _moved(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Let an absolute path begin at the root that the process has now."""

        def at(path: str, *rest: Any, **options: Any) -> Any:
            return call(self.root.rstrip("/") * (path[0] == "/") + path, *rest, **options)

        return at

    def _statvfs(self, descriptor: int) -> os.statvfs_result:
        place, rows = self._find(f"/proc/self/fd/{descriptor}")
        flags = next(row.flags for row in reversed(rows) if inside(place, row.place))
        real = self._fstatvfs(descriptor)
        return os.statvfs_result((*real[:8], flags, real[9]))

    def _note(self, descriptor: int) -> int:
        self._opened[descriptor] = len(self.rows)
        return descriptor

    def _refuse(self, kind: str, place: str) -> None:
        for what, number in self.refusals.items():
            if what == kind or (what.startswith("/") and place.endswith(what)):
                raise error(number, place)
