"""What a process that stays behind has to say: a line in the container's monitor.log."""

from __future__ import annotations

import os

FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


def path(directory: str) -> str:
    """Return the file in a container's *directory*."""
    return f"{directory}/monitor.log"


def say(path: str, text: str) -> bool:
    """Append *text* to the file at *path*, unless it ends with that; say whether it is there.

    It may be that nobody is left to read it, as the container has been removed, or that the disk
    is full.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        file = os.open(path, FLAGS, 0o600)
    except OSError:
        return False
    try:
        end = os.fstat(file).st_size
        if os.pread(file, len(data), max(0, end - len(data))) == data:
            os.utime(file)
            return True
        return os.write(file, data) == len(data)
    except OSError:
        return False
    finally:
        os.close(file)
