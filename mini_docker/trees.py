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
    try:
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        waiting = [""]
        count = 0
        mark = os.urandom(8).hex()  # no name that somebody could have put there before
        while waiting:
            name = waiting.pop()
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            here = os.open(name, flags, dir_fd=top) if name else os.dup(top)
            for entry in os.listdir(here):
                if stat.S_ISDIR(os.stat(entry, dir_fd=here, follow_symlinks=False).st_mode):
                    if name:
                        count += 1
                        moved = f".removing-{mark}-{count}"
                        os.rename(entry, moved, src_dir_fd=here, dst_dir_fd=top)
                        entry = moved
                    if name or entry not in waiting:
                        waiting.append(entry)
                else:
                    os.unlink(entry, dir_fd=here)
            os.close(here)
            if name:
                os.rmdir(name, dir_fd=top)
        os.rmdir(path)
    except OSError as error:
        raise ConfigError(f"cannot remove {path}: {reason(error)}") from error
    finally:
        os.close(top)
