"""Patterns of the shell within ``${name#pattern}``: * is any text, ? any character.

A backslash takes the meaning from what follows. There are no brackets. The work is done piece
by piece between the stars, in time that grows with the text and never with its square or
worse: a regular expression with several stars may go on for ever.
"""

from __future__ import annotations

import re

from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Piece = re.Pattern[str]


def without_prefix(value: str, pattern: str, longest: bool) -> str:
    """Return *value* without the shortest or longest beginning that is like *pattern*.

    >>> without_prefix("a/b/c", "*/", longest=True)
    'c'
    """
    end = _end(_compiled(_pieces(pattern)), value, longest)
    return value if end is None else value[end:]


def without_suffix(value: str, pattern: str, longest: bool) -> str:
    """Return *value* without the shortest or longest end that is like *pattern*.

    >>> without_suffix("a.tar.gz", ".*", longest=False)
    'a.tar'
    """
    pieces = [piece[::-1] for piece in reversed(_pieces(pattern))]
    end = _end(_compiled(pieces), value[::-1], longest)
    return value if end is None else value[: len(value) - end]


def replace(value: str, pattern: str, replacement: str, every: bool, limit: int) -> str:
    """Return *value* with the first or *every* part like *pattern* replaced; a star is greedy.

    UsageError if the result is longer than *limit*.

    >>> replace("aaabbb", "a?", "-", every=True, limit=100)
    '--bb'
    """
    pieces = _compiled(_pieces(pattern))
    parts, size, copied, at = list[str](), 0, 0, 0
    while at <= len(value):
        start, end = _span(pieces, value, at)
        if start < 0:
            break
        if end > start or start > copied or not parts:  # nothing right after a match is none
            parts += [value[copied:start], replacement]
            size += start - copied + len(replacement)
            copied = end
        if not every:
            break
        if size > limit:
            raise UsageError(f"the result has more than {limit} characters")
        at = end if end > start else end + 1
    return "".join([*parts, value[copied:]])


def _pieces(pattern: str) -> list[list[str]]:
    """Return the characters of *pattern* between its stars, "" standing for a ?."""
    pieces, at = [list[str]()], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 1
            char = pattern[at : at + 1]
            if char not in ("*", "?", "\\", "}", "/"):
                reason = f"invalid escape '\\{char}'"
                raise UsageError(f"invalid pattern ({pattern}) in substitution: {reason}")
            pieces[-1].append(char)
        elif char == "*":
            pieces.append([])
        else:
            pieces[-1].append("" if char == "?" else char)
        at += 1
    # Two stars are as one.
    inner = [piece for piece in pieces[1:-1] if piece]
    return [pieces[0], *inner, *pieces[1:][-1:]]


def _compiled(pieces: list[list[str]]) -> list[Piece]:
    return [
        re.compile("".join(re.escape(char) if char else "." for char in piece), re.DOTALL)
        for piece in pieces
    ]


def _end(pieces: list[Piece], value: str, longest: bool) -> int | None:
    """Return where the beginning of *value* that is like the *pieces* ends, if there is one."""
    first = pieces[0].match(value)
    return None if first is None else _rest(pieces, value, first.end(), longest)


def _span(pieces: list[Piece], value: str, at: int) -> tuple[int, int]:
    """Return where the first part after *at* that is like the *pieces* lies; -1 for none."""
    first = pieces[0].search(value, at)
    # If the others do not follow the first that there is, they do not follow a later one.
    end = None if first is None else _rest(pieces, value, first.end(), True)
    return (-1, -1) if first is None or end is None else (first.start(), end)


def _rest(pieces: list[Piece], value: str, at: int, longest: bool) -> int | None:
    """Return where the last of the *pieces* ends if all but the first follow after *at*."""
    for piece in pieces[1:-1]:
        found = piece.search(value, at)
        if found is None:
            return None
        at = found.end()
    if len(pieces) == 1:
        return at
    if not longest:
        found = pieces[-1].search(value, at)
        return None if found is None else found.end()
    for start in range(len(value), at - 1, -1):
        found = pieces[-1].match(value, start)
        if found is not None:
            return found.end()
    return None
