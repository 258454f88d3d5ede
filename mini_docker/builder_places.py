"""Directories of a build's own: ROOT/build/contexts/NAME, for what was unpacked or fetched.

A place is locked while it lives: one that nobody holds is a leftover of a killed build, which
the next build takes away, or `system check --repair`.
"""

from __future__ import annotations

import fcntl
import os

from mini_docker import trees
from mini_docker.errors import ConfigError, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self


class Place:
    """A new and empty directory, *path*; use it in a with statement: it goes in the end."""

    __slots__ = ("_held", "path")

    def __init__(self, root: str) -> None:
        """*root* is that of the store."""
        folder = _folder(root)
        self.path = f"{folder}/{os.urandom(8).hex()}"
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            with _lock(root):  # nobody takes it for a leftover before it is held
                os.mkdir(self.path, 0o755)
                self._held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                fcntl.flock(self._held, fcntl.LOCK_EX)
        except OSError as error:
            raise ConfigError(f"cannot make {self.path}: {reason(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            trees.remove(self.path)
        finally:
            os.close(self._held)


def leftovers(root: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a line and a remedy for each place that a killed build has left below *root*."""
    for path in _places(root):
        if _free(path):
            yield f"{path} belongs to no build", lambda: clear(root)


def clear(root: str) -> None:
    """Remove what leftovers() finds."""
    if not _places(root):
        return
    with _lock(root):
        for path in _places(root):
            if _free(path):
                trees.remove(path)


def _folder(root: str) -> str:
    return f"{root}/build/contexts"


def _lock(root: str) -> Lock:
    return Lock(f"{root}/build/contexts.lock")


def _places(root: str) -> list[str]:
    try:
        return [f"{_folder(root)}/{name}" for name in sorted(os.listdir(_folder(root)))]
    except FileNotFoundError:
        return []


def _free(path: str) -> bool:
    """Say whether nobody holds the place at *path*."""
    try:
        found = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(found, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(found)
    return True
