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
    for number, line in enumerate(_data(path).split(b"\n"), 1):
        text = _decode(line, path, number)
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        _check(text, name, path)
        if equals:
            found.append(f"{name}={value}")
        elif not inherit:
            found.append(name)
        elif name in os.environ:
            found.append(f"{name}={os.environ[name]}")
    return found


def _data(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise UsageError(f"open {path}: {reason(error).lower()}") from error
    if len(data) > LIMIT:
        raise UsageError(f"invalid env file ({path}): it is larger than {LIMIT} bytes")
    return data.removeprefix(b"\xef\xbb\xbf")  # the mark that some editors begin UTF-8 with


def _decode(line: bytes, path: str, number: int) -> str:
    """Return one line as text, without its carriage return and the blanks before it."""
    try:
        return line.removesuffix(b"\r").decode("utf-8").lstrip()
    except UnicodeDecodeError:
        raise UsageError(
            f"invalid env file ({path}): invalid utf8 bytes at line {number}"
        ) from None


def _check(line: str, name: str, path: str) -> None:
    """Refuse what is no variable: without a name, with a blank in it, or with a null byte."""
    why = ""
    if not name:
        why = f"no variable name on line '{line}'"
    elif " " in name or "\t" in name:
        why = f"variable '{name}' contains whitespaces"
    elif "\0" in line:
        why = f"variable '{name}' contains a null byte"
    if why:
        raise UsageError(f"invalid env file ({path}): {why}")
