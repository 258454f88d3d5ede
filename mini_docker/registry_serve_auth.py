"""Who may use our small registry: users and passwords, in a file or from the command line.

The file is that of Apache's htpasswd with -B: USER:HASH, a hash by bcrypt, which is slow by
design. A password that was right once is known by a keyed hash until the registry ends, so
that each of the many requests of a pull does not cost fifty milliseconds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

from mini_docker.errors import ConfigError, reason

LIMIT = 2**20  # bytes of a file
LONGEST = 72  # bytes of a password that bcrypt looks at
KNOWN = 1000  # passwords to remember
NOBODY = b"$2b$10$lWEQA4/tZ6I6Wpm7B6q1yuQZQnWbLFpCdWT1BwlCEDHlZbvvpdjOS"  # a guess costs the same


class Users:
    """The users of one registry; without any, everybody may do everything."""

    def __init__(self, hashes: dict[str, bytes], one: tuple[str, str] | None = None) -> None:
        self._hashes = hashes
        self._key = os.urandom(32)
        self._known: set[bytes] = set()
        self.anybody = not hashes and one is None
        self._one = self._sealed(*one) if one else b""

    def admits(self, header: str) -> bool:
        """Say whether *header*, an Authorization, is that of a user. RFC 7617."""
        if self.anybody:
            return True
        scheme, _, text = header.partition(" ")
        try:
            words = base64.b64decode(text.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        user, colon, password = words.partition(":")
        if scheme.lower() != "basic" or not colon:
            return False
        sealed = self._sealed(user, password)
        if sealed in self._known or hmac.compare_digest(sealed, self._one):
            return True
        if not self._hashes or not self._matches(user, password):
            return False
        if len(self._known) < KNOWN:
            self._known.add(sealed)
        return True

    def _sealed(self, user: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{len(user)}:{user}:{password}".encode(), hashlib.sha256)

    def _matches(self, user: str, password: str) -> bool:
        import bcrypt

        hash = self._hashes.get(user, NOBODY)
        good = bcrypt.checkpw(password.encode()[:LONGEST], hash)
        return good and user in self._hashes


def read(path: str) -> Users:
    """Return the users in the file at *path*; ConfigError, naming the line, for what is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    hashes = {}
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        user, colon, hash = line.strip().partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if not colon or not user or not hash.startswith(("$2a$", "$2b$", "$2y$")):
            raise ConfigError(f"cannot use {path}, line {number}: make it with htpasswd -B")
        hashes[user] = hash.encode()
    if not hashes or len(data) > LIMIT:
        raise ConfigError(f"cannot use {path}: no users, or more than {LIMIT} bytes")
    return Users(hashes)
