"""The open descriptors of a process that stays behind: what it has been given, and no others.

Whoever has called the engine may have left more open than 0, 1 and 2: a pipe whose reader
waits for its end, a lock that a script holds (flock(1)). A process that outlives the command
must not keep them.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HIGHEST = 2**31 - 1


def close_all_but(kept: Iterable[int]) -> None:
    """Close every descriptor that is not in *kept*. close_range(2)."""
    low = 0
    for high in (*sorted(set(kept)), HIGHEST):
        # os.closerange(0, 0) would close all there are: its last one is then number -1.
        if low < high:
            os.closerange(low, high)
        low = high + 1
