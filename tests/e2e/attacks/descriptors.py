"""Look for open files that the engine has left us: a directory of the host's is a way out.

descriptors.py DECOY        a name in the directory that the test has left open
"""

from __future__ import annotations

import os
import sys
from functools import partial

from tests.e2e.attacks.attempt import attempt, read, say


def decoy(directory: str) -> bytes:
    """Read the decoy through *directory*."""
    return read(f"{directory}/{sys.argv[1]}")


def main() -> None:
    """Try all of it."""
    for number in range(3, 1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        say(f"descriptor {number}", os.readlink(f"/proc/self/fd/{number}"))
        attempt("decoy", partial(decoy, f"/proc/self/fd/{number}"))
    for place in (".", "..", "../.."):
        attempt(f"decoy in {place}", partial(decoy, place))
    say("directory", os.readlink("/proc/self/cwd"))


if __name__ == "__main__":
    main()
