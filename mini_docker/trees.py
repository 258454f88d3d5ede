"""Remove a directory tree that somebody hostile may have made."""

from __future__ import annotations

import os
import stat

from mini_docker.errors import ConfigError, reason


def remove(path: str) -> None:
    """Remove the directory *path* and all below it, without following a link out of it.

    A container can nest directories deeper than any path may be long, or any stack.
    So each directory that turns up is moved to the top of the tree, and waits there.
    A tree that is gone already needs nothing; ConfigError names what cannot be removed.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        top = os.open(path, flags)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"cannot remove {path}: {reason(error)}") from error
    mark, step = os.urandom(8).hex(), 0  # no name that somebody could have put there before
    try:
        waiting = _empty(top, top, mark)
        while waiting:
            name = waiting.pop()
            here = os.open(name, flags, dir_fd=top)
            try:
                step += 1
                waiting += _empty(here, top, f"{mark}-{step}")
            finally:
                os.close(here)
            os.rmdir(name, dir_fd=top)
        os.rmdir(path)
    except OSError as error:
        raise ConfigError(f"cannot remove {path}: {reason(error)}") from error
    finally:
        os.close(top)


def _empty(here: int, top: int, mark: str) -> list[str]:
    """Empty the directory *here*; return the directories that now wait for it in *top*."""
    moved = []
    for count, name in enumerate(os.listdir(here)):
        if not stat.S_ISDIR(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=here)
        elif here == top:
            moved.append(name)
        else:
            new = f".{mark}.{count}"
            os.rename(name, new, src_dir_fd=here, dst_dir_fd=top)
            moved.append(new)
    return moved
