"""Files of variables and labels: --env-file and --label-file, by the docker command's rules.

One NAME=VALUE a line. Empty lines and lines that begin with "#" do not count; blanks
before a name are dropped, a blank in it is refused; the value is taken as it is, quotes
and all. A bare NAME takes its value from the caller's environment, if it is set there.
"""

from __future__ import annotations

import os

from mini_docker.errors import UsageError, reason

LIMIT = 2**20  # bytes


def read(path: str, inherit: bool = True) -> list[str]:
    """Return the lines NAME=VALUE of the file *path*; UsageError, naming file and line.

    With *inherit* a bare NAME is looked up in our environment, and left out if it is not
    set there; without it is kept as it is.
    """
    found = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        line = line.removesuffix("\r").lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        _check(name, number)
        if equals:
            found.append(f"{name}={value}")
        elif not inherit:
            found.append(name)
        elif name in os.environ:
            found.append(f"{name}={os.environ[name]}")
    return found


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise UsageError(f"open {path}: {reason(error).lower()}") from error
    if len(data) > LIMIT:
        raise UsageError(f"cannot use {path}: it is larger than {LIMIT} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"invalid utf8 bytes in {path} at byte {error.start}") from None


def _check(name: str, number: int) -> None:
    if not name:
        raise UsageError(f"poorly formatted environment: no variable name on line {number}")
    if any(blank in name for blank in " \t"):
        raise UsageError(f"poorly formatted environment: variable '{name}' contains whitespaces")
