"""Lab 3's pretend kernel: a table of mounts for whoever is not root.

Files and links are real, below a temporary directory, and openat2 resolves them for real.
What is pretended is the mount table: mount, umount, pivot_root, and with them chdir, chroot,
fstatvfs and /proc/self/mountinfo. The rules are the kernel's: a bind ignores its flags, a
remount of what is no mount is EINVAL, a descriptor that was opened before a mount stands for
what is below it, and on a shared mount the host sees what happens here.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
from dataclasses import asdict, dataclass
from typing import Any

from mini_docker import syscalls

TYPES = ("tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup2", "overlay")
KINDS = {
    syscalls.MS_PRIVATE: "private",
    syscalls.MS_SLAVE: "slave",
    syscalls.MS_SHARED: "shared",
    syscalls.MS_UNBINDABLE: "unbindable",
}
PER_MOUNT = ("RDONLY", "NOSUID", "NODEV", "NOEXEC", "NOATIME", "NODIRATIME", "RELATIME")
KEPT = sum(getattr(syscalls, f"MS_{name}") for name in PER_MOUNT)  # what a remount may change
_DESCRIPTOR = re.compile(r"/(?:proc/(?:self|thread-self|\d+)|dev)/fd/(\d+)")


@dataclass
class Row:
    """One line of the pretend mount table."""

    place: str
    source: str
    type: str
    flags: int = 0
    data: str = ""
    propagation: str = "shared"

    @property
    def words(self) -> list[str]:
        """The flags as mount(8) names them."""
        names = {"RDONLY": "ro"}
        return [
            names.get(n, n.lower()) for n in PER_MOUNT if self.flags & getattr(syscalls, "MS_" + n)
        ]


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
        rows = [asdict(row) for row in self.visible()]
        return {name: getattr(self, name) for name in names} | {"rows": rows, "cwd": os.getcwd()}

    def visible(self) -> list[Row]:
        """Return the rows that no later mount covers."""
        return [
            row
            for n, row in enumerate(self.rows)
            if not any(_inside(row.place, later.place) for later in self.rows[n + 1 :])
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
            self._remount(_top(rows, place), flags, place)
        elif flags & syscalls.MS_BIND:
            self._refuse("bind", place)
            self._bind(self._find(source or "")[0], place, flags)
        elif change:
            self._refuse(KINDS.get(change, ""), place)
            self._propagate(_top(rows, place), change, flags)
        else:
            self._refuse(fstype or "", place)
            if fstype not in TYPES:
                raise _error(errno.ENODEV, place)
            if not os.path.isdir(place):
                raise _error(errno.ENOTDIR, place)
            self._add(Row(place, source or "none", fstype, flags & KEPT, data))

    def umount(self, target: str, flags: int = 0) -> None:
        place, rows = self._find(target)
        self._refuse("umount", place)
        if self.old_root is not None and place == self.old_root:
            if not flags & syscalls.MNT_DETACH:
                raise _error(errno.EBUSY, place)
            self.old_root = None
            return
        row = _top(rows, place)
        self.rows.remove(row)
        if row.propagation == "shared":
            self.host.append(f"{place} was unmounted")

    def pivot_root(self, new_root: str, put_old: str) -> None:
        (new, rows), (old, _) = self._find(new_root), self._find(put_old)
        self._refuse("pivot_root", new)
        row = _top(rows, new)
        if "shared" in (row.propagation, self._around(new).propagation) or not _inside(old, new):
            raise _error(errno.EINVAL, new)
        if os.getcwd() == "/":
            self._chdir(new)
        self.root, self.old_root, self.pivoted = new, old, True

    def openat2(self, directory: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
        return self._note(self._openat2(directory, path, flags, resolve, mode))

    def install(self) -> None:
        """Take the real kernel's place for the rest of this process's life."""
        self._openat2, self._chdir, self._fstatvfs = syscalls.openat2, os.chdir, os.fstatvfs
        real_open, real_close, open_file = os.open, os.close, io.open

        def close(descriptor: int) -> None:
            self._opened.pop(descriptor, None)
            real_close(descriptor)

        def opened(path: Any, *rest: Any, **options: Any) -> Any:
            if path == "/proc/self/mountinfo":
                return io.StringIO(self._mountinfo())
            return open_file(path, *rest, **options)

        def chdir(path: str | int) -> None:
            self._chdir(self._find(f"/dev/fd/{path}" if isinstance(path, int) else path)[0])

        def open_low(*words: Any, **options: Any) -> int:
            return self._note(real_open(*words, **options))

        calls = {call: getattr(self, call) for call in ("mount", "umount", "pivot_root", "openat2")}
        folder = {"chdir": chdir, "fchdir": chdir, "chroot": self._chroot}
        files = {"open": open_low, "close": close, "fstatvfs": self._statvfs}
        for module, names in (syscalls, calls), (builtins, {"open": opened}), (os, folder | files):
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
            raise _error(errno.ENOTDIR, place)
        around = self._around(source + "/")
        added = [Row(place, source, "bind", around.flags)]
        if flags & syscalls.MS_REC:
            below = [row for row in self.visible() if _inside(row.place, source, strictly=True)]
            added += [Row(place + r.place[len(source) :], r.source, r.type, r.flags) for r in below]
        for row in added:
            self._add(row)

    def _add(self, row: Row) -> None:
        row.propagation = self._around(row.place + "/").propagation
        self.rows.append(row)
        if row.propagation == "shared":
            self.host.append(f"{row.type} was mounted at {row.place}")

    def _remount(self, row: Row, flags: int, place: str) -> None:
        if not flags & syscalls.MS_BIND:  # would change the file system, for all who use it
            self.host.append(f"the file system at {place} was remounted")
        row.flags = flags & KEPT

    def _propagate(self, row: Row, change: int, flags: int) -> None:
        if change not in KINDS or flags & ~(change | syscalls.MS_REC):
            raise _error(errno.EINVAL, row.place)
        for other in self.rows:
            if other is row or (flags & syscalls.MS_REC and _inside(other.place, row.place)):
                other.propagation = KINDS[change]

    def _chroot(self, path: str) -> None:
        self.root, self.chrooted = self._find(path)[0], True

    def _statvfs(self, descriptor: int) -> os.statvfs_result:
        place, rows = self._find(f"/proc/self/fd/{descriptor}")
        flags = next(row.flags for row in reversed(rows) if _inside(place, row.place))
        real = self._fstatvfs(descriptor)
        return os.statvfs_result((*real[:8], flags, real[9]))

    def _around(self, place: str) -> Row:
        """Return the mount that *place* lies in; one that begins there does not count."""
        return next(
            r for r in reversed(self.rows) if r.place == "/" or _inside(place, r.place, True)
        )

    def _note(self, descriptor: int) -> int:
        self._opened[descriptor] = len(self.rows)
        return descriptor

    def _refuse(self, kind: str, place: str) -> None:
        for what, number in self.refusals.items():
            if what == kind or (what.startswith("/") and place.endswith(what)):
                raise _error(number, place)

    def _mountinfo(self) -> str:
        lines = []
        for number, row in enumerate(self.rows, 20):
            parent = self.rows.index(self._around(row.place)) + 20
            optional = "shared:1 " if row.propagation == "shared" else ""
            lines.append(
                f"{number} {parent} 0:{number} / {row.place} rw {optional}- {row.type} x rw"
            )
        return "\n".join(lines) + "\n"


def _inside(place: str, folder: str, strictly: bool = False) -> bool:
    return place.startswith(folder.rstrip("/") + "/") or (place == folder and not strictly)


def _top(rows: list[Row], place: str) -> Row:
    for row in reversed(rows):
        if row.place == place:
            return row
    raise _error(errno.EINVAL, place)  # not a mount


def _error(number: int, place: str) -> OSError:
    return OSError(number, os.strerror(number), place)
