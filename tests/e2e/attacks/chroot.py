"""The classic way out of a chroot: keep a directory open, chroot below it, and climb.

    chroot.py DECOY

DECOY is a path on the host. pivot_root(2) leaves nothing above the new root to climb to.
"""

from __future__ import annotations

import os
import sys

from tests.e2e.attacks.attempt import attempt, read


def climb() -> bytes:
    """Leave the chroot by its own call, and read the decoy from where we arrive."""
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    os.makedirs("/tmp/below", exist_ok=True)
    os.chroot("/tmp/below")
    os.fchdir(here)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    return read(sys.argv[1])


def main() -> None:
    """Try all of it."""
    attempt("chroot", climb)


if __name__ == "__main__":
    main()
