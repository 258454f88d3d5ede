"""Lab 5's pretend kernel, the first half: the maps of a new user namespace.

Process NEW lives in a user namespace that nobody has written maps for. A write to its files
is taken or refused by the rules of user_namespaces(7), whichever of Python's ways to open
and write a file an answer uses. newuidmap and newgidmap are programs of the pretend kernel's
own, which note what they were asked for.
"""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

NEW = 4321  # lives in a new user namespace
ME = 1000  # uid and gid of an ordinary caller
FILES = {"uid_map": "", "gid_map": "", "setgroups": "allow\n"}
PROGRAM = """#!/bin/sh
echo "{{\\"did\\": \\"{name}\\", \\"text\\": \\"$*\\"}}" >>'{notes}'
{end}
"""


class Maps:
    """What a test sets up before, and reads after, write_maps was called. All is on disk."""

    def __init__(
        self, folder: Path, uid: int = 0, gid: int | None = None, real: int | None = None
    ) -> None:
        """The caller is *uid* with the group *gid* (*uid* too), by the user *real* (*uid* too)."""
        self.folder, self.uid = folder, uid
        self.gid = uid if gid is None else gid
        self.real = uid if real is None else real
        self.notes = folder / "notes"
        self.notes.touch()
        self._open, self._os_open = io.open, os.open
        self._descriptors: dict[int, str] = {}
        for process in (str(NEW), "self"):
            (folder / process).mkdir()
            for name, text in FILES.items():
                (folder / process / name).write_text(text)
        self.program("newuidmap")
        self.program("newgidmap")

    def program(self, name: str, end: str = "") -> None:
        """Put a program *name* on the path, which notes its words and then does *end*."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROGRAM.format(name=name, notes=self.notes, end=end))
        path.chmod(0o755)

    def did(self) -> list[tuple[str, str]]:
        """Return what was done, in order: ("uid_map", its text), ("newuidmap", its words)."""
        lines = self.notes.read_text().splitlines()
        return [(it["did"], it["text"]) for it in map(json.loads, lines)]

    def told(self) -> str:
        """Return the same for a reader."""
        parts = [f"{it} {text}" if it.startswith("new") else f"{text!r} written to {it}"
                 for it, text in self.did()]  # fmt: skip
        return ", then ".join(parts) or "nothing was written, and no program run"

    def kept(self, name: str) -> str:
        """Return what the file *name* of NEW shows."""
        return (self.folder / str(NEW) / name).read_text()

    def write(self, path: str, text: str) -> None:
        """Do what the kernel does for a write(2) of *text* to *path*."""
        process, name = path.split("/")[-2:]
        where = name if process == str(NEW) else f"/proc/{process}/{name}"
        with self._open(self.notes, "a") as notes:
            notes.write(json.dumps({"did": where, "text": text}) + "\n")
        if name == "setgroups":
            self._set_groups(path, text.strip())
        else:
            if (self.folder / process / name).read_text():
                _refuse(errno.EPERM, path)  # once, and never again
            ranges = _ranges(text, path)
            if self.uid and not self._own(process, name, ranges):
                _refuse(errno.EPERM, path)
        with self._open(self.folder / process / name, "w") as file:
            file.write(text.strip() + "\n")

    def _set_groups(self, path: str, text: str) -> None:
        if text not in ("allow", "deny"):
            _refuse(errno.EINVAL, path)
        if self.kept("gid_map") or (text == "allow" and self.kept("setgroups") == "deny\n"):
            _refuse(errno.EPERM, path)

    def _own(self, process: str, name: str, ranges: list[list[int]]) -> bool:
        """Say whether an ordinary user may write this map: itself alone, and deny first."""
        denied = (self.folder / process / "setgroups").read_text() == "deny\n"
        if name == "uid_map":
            return [it[1:] for it in ranges] == [[self.uid, 1]]
        return [it[1:] for it in ranges] == [[self.gid, 1]] and denied

    def path(self, path: Any) -> str:
        """Return where the files of *path* are kept; "" for a path that is not ours."""
        name = os.fsdecode(path) if isinstance(path, str | bytes | Path) else ""
        name = name.replace(f"/proc/{os.getpid()}/", "/proc/self/")
        _, _, rest = name.partition("/proc/")
        kept = self.folder / rest
        return str(kept) if name.startswith("/proc/") and kept.name in FILES else ""

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
        path = self._descriptors.get(file, "") if isinstance(file, int) else self.path(file)
        if not path or not set(mode) & set("wxa+"):
            return self._open(path or file, mode, buffering, *rest, **more)
        if not os.path.exists(path):
            _refuse(errno.ENOENT, file)
        raw = _Writer(self, path)
        if buffering == 0:
            return raw
        buffered = io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, "utf-8")

    def os_open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        kept = self.path(path)
        if not kept:
            return self._os_open(path, flags, *rest, **more)
        descriptor = self._os_open(kept, flags & ~(os.O_TRUNC | os.O_CREAT))
        if flags & (os.O_WRONLY | os.O_RDWR):
            self._descriptors[descriptor] = kept
        return descriptor


class _Writer(io.RawIOBase):
    """A file that is open for writing: each write reaches the kernel as one piece."""

    def __init__(self, maps: Maps, path: str) -> None:
        self.maps, self.path = maps, path

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.maps.write(self.path, bytes(data).decode())
        return len(data)


def _ranges(text: str, path: str) -> list[list[int]]:
    """Return the lines of a map; EINVAL for what is none. user_namespaces(7)."""
    try:
        ranges = [[int(word) for word in line.split()] for line in text.strip().split("\n")]
    except ValueError:
        _refuse(errno.EINVAL, path)
    if any(len(it) != 3 or min(it) < 0 or it[2] == 0 for it in ranges):
        _refuse(errno.EINVAL, path)
    for side in (0, 1):
        spans = sorted((it[side], it[side] + it[2]) for it in ranges)
        if any(one[1] > other[0] for one, other in pairwise(spans)):
            _refuse(errno.EINVAL, path)
    return ranges


def _refuse(number: int, path: str) -> NoReturn:
    raise OSError(number, os.strerror(number), path)


def install(maps: Maps) -> None:
    """Put *maps* in the real kernel's place, for good: call it in an experiment's process."""
    os_write, os_close = os.write, os.close

    def write(descriptor: int, data: Any) -> int:
        if descriptor not in maps._descriptors:
            return os_write(descriptor, data)
        maps.write(maps._descriptors[descriptor], bytes(data).decode())
        return len(data)

    def close(descriptor: int) -> None:
        maps._descriptors.pop(descriptor, None)
        os_close(descriptor)

    calls: dict[str, Callable[..., Any]] = {"open": maps.os_open, "write": write, "close": close}
    calls |= {"getuid": lambda: maps.real, "geteuid": lambda: maps.uid}
    calls |= {"getgid": lambda: maps.gid, "getegid": lambda: maps.gid}
    vars(os).update(calls)
    vars(builtins)["open"] = vars(io)["open"] = maps.open
    os.environ["PATH"] = f"{maps.folder}/bin"
