"""Where the socket of a monitor is: see monitor_door.py."""

from __future__ import annotations

import os


def path(run: str, id: str) -> str:
    """Return the path of the socket of container *id*, in the directory *run*."""
    return f"{run}/{id[:16]}.sock"


def remove(path: str) -> None:
    """Remove the name of a socket, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
