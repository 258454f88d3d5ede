"""Lab 4's pretend kernel: a cgroup v2 tree for whoever is not root, or has no cgroup v2.

The tree is a directory of ordinary files, so that everything which reads it works as it is.
What changes it goes through here and keeps the kernel's rules: mkdir fills a group with
the files of the controllers that its parent hands down, a write is taken in the kernel's
normal form or refused with its errno, and a group freezes some time after it was told to.
It does not matter which of Python's ways to open and write a file an answer uses.
"""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course.pretend_cgroup_files import CORE, FILES, OFFERED, normal

READ_ONLY = ("cgroup.controllers", "cgroup.events", "cpu.stat", "io.stat", "memory.current")


class Kernel:
    """What a test sets up before, and reads after, the student's function ran.

    All that it must tell afterwards is on disk: an experiment runs in a process of its own.
    """

    def __init__(self, folder: Path, offered: str = OFFERED) -> None:
        self.root = str(folder / "cgroup")
        self.notes = folder / "notes"
        self.notes.touch()
        self.refusals: dict[str, int] = {}  # a file's name, or "mkdir": errno
        self.keeps: dict[str, str] = {}  # a file's name: what it shows whatever is written
        self.freezing: float | None = 0.02  # seconds until a group stops, or goes on; None: never
        self._until: dict[str, tuple[float | None, str]] = {}
        self._open, self._os_open, self._mkdir = io.open, os.open, os.mkdir
        self._descriptors: dict[int, str] = {}
        self._make(self.root, offered)

    def group(self, path: str, controllers: str = OFFERED) -> str:
        """Make the group *path* with *controllers* as an administrator did long ago."""
        group = self.root
        for name in path.split("/"):
            self._store(f"{group}/cgroup.subtree_control", controllers)
            group = f"{group}/{name}"
            if not os.path.isdir(group):
                self._make(group, controllers)
        return group

    def set(self, group: str, **texts: str) -> None:
        """Let files of *group* show *texts*; memory_max stands for memory.max."""
        for name, text in texts.items():
            self._store(f"{group}/{name.replace('_', '.', 1)}", text)

    def text(self, path: str) -> str:
        """Return what the file *path* below the root shows; "" if there is none."""
        file = Path(self.root, path)
        return file.read_text().strip() if file.is_file() else ""

    def written(self, path: str = "") -> list[str]:
        """Return what was written to *path* below the root, in order; "": "path text" of all."""
        told = [json.loads(line) for line in self.notes.read_text().splitlines()]
        return [it[1] if path else " ".join(it) for it in told if path in ("", it[0])]

    def mkdir(self, path: Any, mode: int = 0o777, **options: Any) -> None:
        if not self.owns(path):
            return self._mkdir(path, mode, **options)
        if "mkdir" in self.refusals and not os.path.isdir(path):
            raise OSError(self.refusals["mkdir"], os.strerror(self.refusals["mkdir"]), str(path))
        above = os.path.dirname(os.path.abspath(path))
        self._make(str(path), self.text(f"{above}/cgroup.subtree_control"))
        return None

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
        path = self._descriptors.get(file, "") if isinstance(file, int) else file
        if not self.owns(path):
            return self._open(file, mode, buffering, *rest, **more)
        if not set(mode) & set("wxa+"):
            self._settle(str(path))
            return self._open(file, mode, buffering, *rest, **more)
        self._may_write(str(path))
        raw = _Writer(self, str(path))
        if buffering == 0:
            return raw
        buffered = io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, "utf-8")

    def os_open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if not self.owns(path) or os.path.isdir(path):
            return self._os_open(path, flags, *rest, **more)
        if not flags & (os.O_WRONLY | os.O_RDWR):
            self._settle(str(path))
            return self._os_open(path, flags, *rest, **more)
        self._may_write(str(path), create=bool(flags & os.O_CREAT))
        descriptor = self._os_open(path, os.O_RDWR | os.O_CLOEXEC)
        self._descriptors[descriptor] = str(path)
        return descriptor

    def owns(self, path: Any) -> bool:
        if not isinstance(path, str | Path):
            return False
        return os.path.abspath(path).startswith(f"{self.root}/")

    def write(self, path: str, text: str) -> None:
        """Do what the kernel does for a write(2) of *text* to *path*."""
        group, name = os.path.split(os.path.abspath(path))
        with self._open(self.notes, "a") as notes:
            notes.write(json.dumps([os.path.relpath(path, self.root), text.strip()]) + "\n")
        if name in self.refusals:
            _refuse(self.refusals[name], path)
        if name == "cgroup.subtree_control":
            self._hand_down(group, text.split())
        elif name == "cgroup.freeze":
            if text.strip() not in ("0", "1"):
                _refuse(errno.ERANGE, path)
            done = None if self.freezing is None else time.monotonic() + self.freezing
            self._until[group] = (done, text.strip())
            self._store(path, text)
        elif name == "cgroup.procs":
            mover = str(os.getpid()) if text.strip() == "0" else text.strip()
            self._store(path, "\n".join([*self.text(path).split(), mover]))
        else:
            try:
                kept = self.keeps.get(name) or normal(name, text.strip(), self.text(path))
                self._store(path, kept)
            except ValueError:
                _refuse(errno.EINVAL, path)

    def _make(self, group: str, controllers: str) -> None:
        self._mkdir(group)
        for name, text in CORE.items():
            self._store(f"{group}/{name}", controllers if name == "cgroup.controllers" else text)
        if group != self.root:
            self._fill(group, controllers.split())

    def _fill(self, group: str, controllers: list[str]) -> None:
        self._store(f"{group}/cgroup.controllers", " ".join(controllers))
        for controller, files in FILES.items():
            for name, text in files.items():
                if controller in controllers and not os.path.exists(f"{group}/{name}"):
                    self._store(f"{group}/{name}", text)

    def _hand_down(self, group: str, words: list[str]) -> None:
        path = f"{group}/cgroup.subtree_control"
        enabled = self.text(path).split()
        for word in words:
            sign, name = word[:1], word[1:]
            if sign not in ("+", "-") or name not in OFFERED.split():
                _refuse(errno.EINVAL, path)
            if name not in self.text(f"{group}/cgroup.controllers").split():
                _refuse(errno.ENOENT, path)
            if group != self.root and self.text(f"{group}/cgroup.procs"):
                _refuse(errno.EBUSY, path)
            enabled = [it for it in enabled if it != name] + [name] * (sign == "+")
        self._store(path, " ".join(enabled))
        for child in os.scandir(group):
            if child.is_dir():
                self._fill(child.path, enabled)

    def _may_write(self, path: str, create: bool = True) -> None:
        if not os.path.exists(path):  # nobody can make a file in a cgroup file system
            _refuse(errno.EACCES if create else errno.ENOENT, path)
        if os.path.basename(path) in READ_ONLY:
            _refuse(errno.EINVAL, path)

    def _settle(self, path: str) -> None:
        """Bring cgroup.events up to date before it is read."""
        group, name = os.path.split(os.path.abspath(path))
        done, state = self._until.get(group, (None, ""))
        if name == "cgroup.events" and done is not None and time.monotonic() >= done:
            self._store(path, f"populated 1\nfrozen {state}")

    def _store(self, path: str, text: str) -> None:
        # Not emptied first: ext4 writes a file to the disk at once that was empty for a moment.
        with self._open(path, "r+" if os.path.exists(path) else "w") as file:
            file.write(text.strip() + "\n")
            file.truncate()


class _Writer(io.RawIOBase):
    """A file that is open for writing: each write reaches the kernel as one piece."""

    def __init__(self, kernel: Kernel, path: str) -> None:
        self.kernel, self.path = kernel, path

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.kernel.write(self.path, bytes(data).decode())
        return len(data)


def _refuse(number: int, path: str) -> None:
    raise OSError(number, os.strerror(number), path)


def install(kernel: Kernel, patch: pytest.MonkeyPatch) -> None:
    """Put *kernel* in the real one's place until *patch* is undone."""
    os_write, os_close = os.write, os.close

    def write(descriptor: int, data: Any) -> int:
        if descriptor not in kernel._descriptors:
            return os_write(descriptor, data)
        kernel.write(kernel._descriptors[descriptor], bytes(data).decode())
        return len(data)

    def close(descriptor: int) -> None:
        kernel._descriptors.pop(descriptor, None)
        os_close(descriptor)

    replacements: dict[str, Callable[..., Any]] = {
        "open": kernel.os_open,
        "mkdir": kernel.mkdir,
        "write": write,
        "close": close,
    }
    patch.setattr(io, "open", kernel.open)
    patch.setattr(builtins, "open", kernel.open)
    for name, function in replacements.items():
        patch.setattr(os, name, function)
