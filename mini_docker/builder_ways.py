"""Paths and patterns of .dockerignore: does the one match the other, in bounded time?

patternmatcher writes a regular expression for Go, whose expressions are quick whatever they
are. Python's may go on for ever if several stars are in one: each is tried at every length.
So each star but the last of a name takes the first place that serves, for good (``(?>...)``):
a later one would serve no better, as nothing but a slash ends the name; and so does each **,
for directories. The few patterns for which that does not hold (``a**b``, or a class with the
slash in it) are followed in all ways at once, character by character.

A pattern is a list of tokens: those below, "[...]" for a class, "=c" for the character c,
"\\c" if it was escaped.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STAR, ANY = "*", "?"  # within a name: any text, any character
TREE, LOOSE = "**/", "**"  # any number of directories, or none; LOOSE has no slash after it
ALL = "**$"  # anything at all, up to the end
SLASH = "=/"
ONE = {ANY: "[^/]", "=^": "^"}
END = r"(?:/|\Z)"  # what is below a directory is like the directory


def matcher(tokens: list[str]) -> Callable[[str], bool]:
    """Return the function that says whether a path, or a directory above it, is like *tokens*."""
    expression = _plain(tokens)
    if expression is None and not _regular(tokens):
        return _Ways(tokens).match
    if expression is None:
        expression = _expression(tokens)
    match = re.compile(expression, re.DOTALL).match
    return lambda path: match(path) is not None


def name_matcher(tokens: list[str]) -> Callable[[str], bool]:
    """Return the function that says whether a name, which has no slash, is like *tokens*.

    They stand for characters, and STAR for any text; there is no directory in them.
    """
    match = re.compile(_name(tokens) + r"\Z", re.DOTALL).match
    return lambda name: match(name) is not None


def _plain(tokens: list[str]) -> str | None:
    """Return the regular expression of characters with a TREE before or ALL after them.

    The model compares these as they are written: **abc is any text that ends so, and ^ is no
    more than itself. In any other pattern a ^ that is not escaped stands for the beginning.
    """
    literal = [token for token in tokens if token[0] == "="]
    plain = re.escape("".join(token[1:] for token in literal))
    if tokens == [*literal, ALL]:
        return plain
    for before, meaning in (([], ""), ([TREE], "(?:.*/)?"), ([LOOSE], ".*")):
        if tokens == [*before, *literal]:
            return meaning + plain + END
    return None


def _regular(tokens: list[str]) -> bool:
    """Return whether each TREE begins a name, and only SLASH is like a slash."""
    before = SLASH
    for token in tokens:
        if token in (TREE, LOOSE) and before not in (SLASH, TREE, LOOSE):
            return False
        if token == "\\/" or (token[0] == "[" and re.match(token, "/")):
            return False
        before = token
    return True


def _expression(tokens: list[str]) -> str:
    """Return the regular expression of *tokens*, which are _regular."""
    end = END
    if tokens[-1:] == [ALL]:
        tokens, end = tokens[:-1], ""
    first, *others = _split(tokens, (TREE, LOOSE))
    if not others:
        return _names(first) + end
    *inner, last = others
    middle = "".join(f"(?>(?:[^/]*/)*?{_names(part)})" for part in inner if part)
    return f"{_names(first)}{middle}(?:[^/]*/)*?{_names(last)}{end}"


def _names(tokens: list[str]) -> str:
    return "/".join(_name(name) for name in _split(tokens, (SLASH,)))


def _name(tokens: list[str]) -> str:
    first, *others = (_fixed(part) for part in _split(tokens, (STAR,)))
    if not others:
        return first
    middle = "".join(f"(?>[^/]*?{part})" for part in others[:-1] if part)
    return f"{first}{middle}[^/]*{others[-1]}"


def _fixed(tokens: list[str]) -> str:
    """Return the regular expression of *tokens* that each stand for one character."""
    return "".join(
        token if token[0] == "[" else ONE.get(token) or re.escape(token[1:]) for token in tokens
    )


def _split(tokens: list[str], at: tuple[str, ...]) -> list[list[str]]:
    parts = [list[str]()]
    for token in tokens:
        if token in at:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


class _Ways:
    """All the ways to go through *tokens* at once: the places where a path may have come to.

    A place is the number of a token; within the directories of TREE, before their last
    slash, it is the number's complement.
    """

    __slots__ = ("tokens",)

    def __init__(self, tokens: list[str]) -> None:
        begins = next((at for at, token in enumerate(tokens) if token != "=^"), len(tokens))
        self.tokens = ["" if token == "=^" else token for token in tokens[begins:]]

    def match(self, path: str) -> bool:
        """Return whether *path*, or a directory above it, comes to the end of the tokens."""
        places = self._open({0})
        for char in path:
            if char == "/" and len(self.tokens) in places:
                return True
            places = self._open({after for place in places for after in self._step(place, char)})
            if not places:
                return False
        return len(self.tokens) in places

    def _open(self, places: set[int]) -> set[int]:
        """Return *places* and those that are reached from there by nothing at all."""
        todo, found = list(places), set(places)
        while todo:
            place = todo.pop()
            token = self.tokens[place] if 0 <= place < len(self.tokens) else ""
            if token in (STAR, TREE, LOOSE, ALL) and place + 1 not in found:
                found.add(place + 1)
                todo.append(place + 1)
        return found

    def _step(self, place: int, char: str) -> list[int]:
        """Return the places that *char* leads to from *place*."""
        if place < 0:
            return [place, ~place + 1] if char == "/" else [place]
        token = self.tokens[place] if place < len(self.tokens) else ""
        if token in (TREE, LOOSE):
            return [~place, place + 1] if char == "/" else [~place]
        if token == ALL or (token == STAR and char != "/"):
            return [place]
        if token[:1] == "[":
            return [place + 1] if re.match(token, char) else []
        fits = char != "/" if token == ANY else token[:1] in ("=", "\\") and token[1:] == char
        return [place + 1] if fits else []
