"""Keyrings: find and read the caller's keys. keyctl(2).

keys.py SERIAL          a key that the engine's caller has in its session keyring
"""

from __future__ import annotations

import sys

from tests.e2e.attacks.attempt import X86_64, attempt, syscall

KEYCTL, REQUEST = (250, 249) if X86_64 else (219, 218)
LINK, SEARCH, READ = 8, 10, 11
SESSION, USER, USER_SESSION = -3, -4, -5
NAME = b"mini-docker-decoy"


def read(serial: int) -> int:
    """Return the length of a key's text."""
    return syscall(KEYCTL, READ, serial, bytes(16), 16)


def main() -> None:
    """Try all of it."""
    for place, keyring in (("session", SESSION), ("user", USER), ("user session", USER_SESSION)):
        attempt(place, lambda k=keyring: syscall(KEYCTL, SEARCH, k, b"user", NAME, 0))  # type: ignore[misc]
    attempt("request", lambda: syscall(REQUEST, b"user", NAME, None, 0))
    attempt("read", lambda: read(int(sys.argv[1])))
    attempt("link", lambda: syscall(KEYCTL, LINK, USER, SESSION))


if __name__ == "__main__":
    main()
