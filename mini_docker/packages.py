"""The packages of the environment that we run in: found when something needs one.

The launcher starts Python with -S, without them, because looking for them costs more than
the rest of a start. What needs one calls reach() before its import.
"""

from __future__ import annotations

import os
import sys


def reach() -> None:
    """Let imports find what pip has installed beside the interpreter that runs us."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    above = os.path.dirname(os.path.dirname(sys.executable))
    place = f"{above}/lib/{version}/site-packages"
    if place not in sys.path and os.path.isdir(place):
        sys.path.append(place)
