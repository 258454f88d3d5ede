"""What an instruction may say: its flags, and how many arguments of which kind.

check() is asked while the Dockerfile is read, so that a build does not run for an hour
before its last line turns out to be wrong. The words are those of BuildKit's errors.
moby/buildkit: frontend/dockerfile/instructions/{parse,bflag}.go.
"""

from __future__ import annotations

import re

from mini_docker import builder_forms, builder_heredocs, durations, strconv, suggest
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.builder_instructions import Instruction

MILLISECOND = 10**6
STAGE = re.compile(r"[a-z][a-z0-9-_.]*")
FLAGS = {  # a flag that ends in ? may stand alone, one in * may come again
    "ADD": "checksum chmod chown exclude* keep-git-dir? link? unpack?",
    "COPY": "chmod chown exclude* from link? parents?",
    "FROM": "platform",
    "HEALTHCHECK": "interval retries start-interval start-period timeout",
    "RUN": "device* mount* network security",
}


def flags(it: Instruction) -> dict[str, list[str]]:
    """Return the flags of *it*, by name, each with its values ("true" or "false" for a bool).

    UsageError for one that there is not, that comes twice or that lacks its value.
    """
    return _read_flags(it.name, it.flags)


def _read_flags(instruction: str, given: list[str]) -> dict[str, list[str]]:
    known = {flag.rstrip("?*"): flag[-1] for flag in FLAGS.get(instruction, "").split()}
    found: dict[str, list[str]] = {}
    for flag in given:
        name, equals, value = flag[2:].partition("=")
        kind = known.get(name)
        if kind is None:
            near = suggest.nearest(name, known)
            raise UsageError(f"unknown flag: --{name}" + (f" (did you mean {near}?)" * bool(near)))
        if name in found and kind != "*":
            raise UsageError(f"duplicate flag specified: --{name}")
        if (equals and not value) if kind == "?" else not equals:
            raise UsageError(f"missing a value on flag: --{name}")
        if kind == "?":
            value = value.lower() or "true"
            if value not in ("true", "false"):
                raise UsageError(f"expecting boolean value for flag --{name}, not: {value}")
        found.setdefault(name, []).append(value)
    return found


def check(it: Instruction, staged: bool) -> None:
    """Refuse an instruction that cannot be carried out whatever its variables are.

    UsageError for an unknown one, wrong flags or arguments, and for one that stands before
    the first FROM (not *staged*) and is no ARG.
    """
    if it.name not in builder_forms.FORMS:
        near = suggest.nearest(it.name, builder_forms.NAMES)
        near = near and (near.lower() if it.spelled.islower() else near)
        hint = f" (did you mean {near}?)" if near else ""
        raise UsageError(f"unknown instruction: {it.spelled[:80]}{hint}")
    flags(it)
    if it.name in CHECKS:
        CHECKS[it.name](it)
    if not staged and it.name != "ARG":
        raise UsageError(f"no build stage in current context: {it.name} stands before any FROM")


def _one(it: Instruction) -> None:
    if len(it.words) != 1:
        raise UsageError(f"{it.name} requires exactly one argument")


def _some(it: Instruction) -> None:
    if not it.words:
        raise UsageError(f"{it.name} requires at least one argument")


def _named(it: Instruction) -> None:
    _some(it)
    named = builder_forms.arguments(it.words) if it.name == "ARG" else builder_forms.pairs(it.words)
    if not all(name for name, _ in named):
        raise UsageError(f"{it.name} names can not be blank")


def _sources(it: Instruction) -> None:
    if len(it.words) < 2:
        raise UsageError(
            f"{it.name} requires at least two arguments, but only one was provided. "
            "Destination could not be determined"
        )
    if not it.json and builder_heredocs.announcement(it.words[-1]):
        raise UsageError(f"{it.name} cannot accept a heredoc as a destination")


def _from(it: Instruction) -> None:
    named = len(it.words) == 3 and it.words[1].lower() == "as"
    if not named and len(it.words) != 1:
        raise UsageError("FROM requires either one or three arguments")
    if named and not STAGE.fullmatch(it.words[2].lower()):
        raise UsageError(
            f'invalid name for build stage: "{it.words[2]}", '
            "name can't start with a number or contain symbols"
        )


def _volume(it: Instruction) -> None:
    _some(it)
    if not all(word.strip() for word in it.words):
        raise UsageError("VOLUME specified can not be an empty string")


def _shell(it: Instruction) -> None:
    _some(it)
    if not it.json:
        raise UsageError(f"SHELL requires the arguments to be in JSON form: {it.text}")


def _onbuild(it: Instruction) -> None:
    _some(it)
    inner = it.words[0].upper()
    if inner == "ONBUILD":
        raise UsageError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if inner in ("MAINTAINER", "FROM"):
        raise UsageError(f"{inner} isn't allowed as an ONBUILD trigger")


def _health(it: Instruction) -> None:
    _some(it)
    healthcheck(it.words, it.json, it.flags)


def healthcheck(words: list[str], json: bool, given: list[str]) -> dict[str, Any]:
    """Return the Healthcheck of an image's config that a HEALTHCHECK asks for.

    *words* are its arguments, *json* says that the command is a list, *given* are its flags.
    """
    kind, command = words[0].upper(), words[1:]
    if kind == "NONE":
        if command:
            raise UsageError("HEALTHCHECK NONE takes no arguments")
        return {"Test": ["NONE"]}
    if kind != "CMD":
        raise UsageError(f'Unknown type "{kind}" in HEALTHCHECK (try CMD)')
    if not command:
        raise UsageError("Missing command after HEALTHCHECK CMD")
    found: dict[str, Any] = {"Test": ["CMD" if json else "CMD-SHELL", *command]}
    for name, (value,) in _read_flags("HEALTHCHECK", given).items():
        number = _retries(value) if name == "retries" else _interval(name, value)
        if number:
            found["".join(part.capitalize() for part in name.split("-"))] = number
    return found


def _retries(value: str) -> int:
    try:
        retries = strconv.signed(value)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not 0 <= retries < 1 << 31:
        raise UsageError(f"--retries cannot be negative ({retries})")
    return retries


def _interval(name: str, value: str) -> int:
    """Return the duration *value* in nanoseconds; none is 0, and 0 means the default."""
    try:
        interval = durations.parse(value) if value else 0
    except ValueError as error:
        raise UsageError(f"HEALTHCHECK --{name}: {error}") from None
    if interval != 0 and interval < MILLISECOND:
        raise UsageError(f'Interval "{name}" cannot be less than 1ms')
    return interval


CHECKS: dict[str, Callable[[Instruction], Any]] = {
    "ADD": _sources,
    "ARG": _named,
    "COPY": _sources,
    "ENV": _named,
    "EXPOSE": _some,
    "FROM": _from,
    "HEALTHCHECK": _health,
    "LABEL": _named,
    "MAINTAINER": _one,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _one,
    "USER": _one,
    "VOLUME": _volume,
    "WORKDIR": _one,
}
