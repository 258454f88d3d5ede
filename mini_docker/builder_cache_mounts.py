"""Cache mounts: the directories that RUN --mount=type=cache finds again in the next build.

ROOT/build/mounts/NAME/       NAME: a digest of the mount's id
ROOT/build/mounts/NAME.lock   held while a step uses it: alone, if it says so
ROOT/build/mounts/.gone-...   one that is being removed: whoever wants it has a new one
"""

from __future__ import annotations

import errno
import hashlib
import os

from mini_docker import trees
from mini_docker.errors import ConfigError, reason
from mini_docker.store import Lock

GONE = ".gone-"
MOST = 1000  # private mounts of one id at the same time


def mount(root: str, id: str, sharing: str) -> tuple[str, Lock]:
    """Return the directory of the cache mount *id*, and its lock, which the caller lets go.

    *sharing* is shared (several steps at once), locked (one after the other) or private (one
    that is in use stays out of sight: another directory is taken).
    """
    name = hashlib.sha256(id.encode(errors="surrogateescape")).hexdigest()
    for number in range(MOST):
        place = f"{_folder(root)}/{name}{f'.{number}' if number else ''}"
        try:
            os.makedirs(_folder(root), 0o700, exist_ok=True)
            held = Lock(f"{place}.lock")
            if sharing != "private":
                held.acquire(shared=sharing == "shared")
            elif not held.alone():
                continue
            os.makedirs(place, 0o755, exist_ok=True)
            os.utime(place)  # prune takes what was not used for the longest time
        except OSError as error:
            raise ConfigError(f"cannot make {place}: {reason(error)}") from error
        return place, held
    raise ConfigError(f"too many steps use the cache mount {id} at the same time")


def places(root: str) -> list[str]:
    """Return the paths of all mounts, and of what is left of those that were being removed."""
    try:
        names = sorted(os.listdir(_folder(root)))
    except FileNotFoundError:
        return []
    return [f"{_folder(root)}/{name}" for name in names if not name.endswith(".lock")]


def is_gone(path: str) -> bool:
    """Say whether *path* is what is left of a mount that was being removed."""
    return os.path.basename(path).startswith(GONE)


def remove(path: str) -> int:
    """Remove the mount at *path*; return its size, or -1 if it stays: a step uses it.

    It is held until it has another name, so that no step begins with it; one that waits for
    it meanwhile has a new one. FileNotFoundError if somebody else has removed it.
    """
    if not is_gone(path):
        held = Lock(f"{path}.lock")
        if not held.alone():
            return -1
        try:
            away = f"{os.path.dirname(path)}/{GONE}{os.urandom(8).hex()}"
            os.rename(path, away)
        finally:
            held.release()
        path = away
    freed = size(path)
    trees.remove(path)
    return freed


def size(path: str) -> int:
    """Return the bytes of the files below *path*, one with several names once.

    What goes away meanwhile, or lies deeper than a path may be long, counts for nothing.
    """
    seen: dict[int, int] = {}
    waiting = [path]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as rows:
                for row in rows:
                    if row.is_dir(follow_symlinks=False):
                        waiting.append(row.path)
                    elif row.is_file(follow_symlinks=False):
                        seen[row.inode()] = row.stat(follow_symlinks=False).st_size
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):
                raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    return sum(seen.values())


def _folder(root: str) -> str:
    return f"{root}/build/mounts"
