"""The rows of lab 3's pretend mount table, and what can be asked of them."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from mini_docker import syscalls

KINDS = {
    syscalls.MS_PRIVATE: "private",
    syscalls.MS_SLAVE: "slave",
    syscalls.MS_SHARED: "shared",
    syscalls.MS_UNBINDABLE: "unbindable",
}
PER_MOUNT = ("RDONLY", "NOSUID", "NODEV", "NOEXEC", "NOATIME", "NODIRATIME", "RELATIME")
KEPT = sum(getattr(syscalls, f"MS_{name}") for name in PER_MOUNT)  # what a remount may change


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
    def words(self) -> list[str]:  # the flags, as mount(8) names them
        names = {"RDONLY": "ro"}
        return [
            names.get(n, n.lower()) for n in PER_MOUNT if self.flags & getattr(syscalls, "MS_" + n)
        ]


def around(rows: list[Row], place: str) -> Row:
    """Return the mount that *place* lies in; one that begins there does not count."""
    return next(r for r in reversed(rows) if r.place == "/" or inside(place, r.place, True))


def mountinfo(rows: list[Row]) -> str:
    """Return *rows* as /proc/self/mountinfo has them. proc(5)."""
    lines = []
    for number, row in enumerate(rows, 20):
        parent = rows.index(around(rows, row.place)) + 20
        shared = "shared:1 " if row.propagation == "shared" else ""
        lines.append(f"{number} {parent} 0:{number} / {row.place} rw {shared}- {row.type} x rw\n")
    return "".join(lines)


def inside(place: str, folder: str, strictly: bool = False) -> bool:
    return place.startswith(folder.rstrip("/") + "/") or (place == folder and not strictly)


def top(rows: list[Row], place: str) -> Row:
    for row in reversed(rows):
        if row.place == place:
            return row
    raise error(errno.EINVAL, place)  # not a mount


def error(number: int, place: str) -> OSError:
    return OSError(number, os.strerror(number), place)
