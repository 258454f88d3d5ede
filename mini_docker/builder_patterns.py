"""The patterns of .dockerignore: Go's filepath.Match with ** for any number of directories.

    *      any text within a name          **/a   a, in whatever directory
    ?      one character of a name         a/**   all that is in a
    [a-c]  one of these; [^a-c] another    \\*     a star

A pattern that matches a directory matches all that is in it. moby/patternmatcher is the
model, its deviations from filepath.Match included.
"""

from __future__ import annotations

import posixpath
import re

from mini_docker import builder_ways
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LENGTH = 4096  # of a pattern: no path is longer
COUNT = 10_000  # of patterns


class Pattern:
    """One pattern, ready to be asked."""

    __slots__ = ("_heads", "_match", "clean", "negated")

    def __init__(self, clean: str, negated: bool = False) -> None:
        """Take the pattern *clean*, without its !; UsageError if it is malformed."""
        self.clean = clean
        self.negated = negated
        self._match = builder_ways.matcher(tokens(clean))
        self._heads: dict[int, Pattern] = {}

    def matches(self, path: str) -> bool:
        """Return whether *path* or a directory above it is like the pattern."""
        return self._match(path)

    def may_match_below(self, directory: str) -> bool:
        """Return whether something in *directory* might match; True where it is not sure."""
        if "**" in self.clean or "[" in self.clean:
            fixed = re.split(r"[*?\[\\]", self.clean, maxsplit=1)[0]
            return f"{directory}/".startswith(fixed) or fixed.startswith(f"{directory}/")
        depth = directory.count("/") + 1
        if depth not in self._heads:
            self._heads[depth] = Pattern("/".join(self.clean.split("/")[:depth]))
        return self._heads[depth].matches(directory)


def compile_all(patterns: Iterable[str]) -> list[Pattern]:
    """Return the *patterns* ready to be asked; UsageError for a malformed one."""
    found = []
    for pattern in patterns:
        pattern = pattern.strip()
        if not pattern:
            continue
        cleaned = clean(pattern)
        if cleaned == "!":
            raise UsageError('illegal exclusion pattern: "!"')
        found.append(Pattern(cleaned.removeprefix("!"), cleaned[0] == "!"))
        if len(found) > COUNT:
            raise UsageError(f"more than {COUNT} patterns in .dockerignore")
    return found


def read(text: str) -> list[str]:
    """Return the patterns in *text*, a .dockerignore: cleaned, and relative to the context.

    >>> read("# not these\\n/build/\\n! build/keep\\n")
    ['build', '!build/keep']
    """
    found = []
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        pattern = line.strip()
        bare = pattern.removeprefix("!").strip() if pattern[0] == "!" else pattern
        if bare:
            bare = clean(bare)
            bare = bare[bare != "/" and bare[0] == "/" :]
        found.append("!" + bare if pattern[0] == "!" else bare)
    return found


def clean(path: str) -> str:
    """Return the shortest path that means the same (Go's filepath.Clean)."""
    cleaned = posixpath.normpath(path)
    return cleaned[cleaned.startswith("//") :]


def tokens(pattern: str) -> list[str]:
    """Return what *pattern* is made of, in builder_ways' words; UsageError if malformed."""
    if len(pattern) > LENGTH:
        raise UsageError(f"a pattern of .dockerignore has more than {LENGTH} characters")
    found, at = list[str](), 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "[":
            it, at = _class(pattern, at)
            found.append(it)
        elif char == "\\":
            if at == len(pattern):
                raise _malformed(pattern)
            found.append("\\" + pattern[at])
            at += 1
        elif char == "*" and pattern.startswith("*", at):
            tree = builder_ways.TREE if pattern.startswith("/", at + 1) else builder_ways.LOOSE
            at += len(tree) - 1
            found.append(builder_ways.ALL if at == len(pattern) else tree)
        else:
            found.append(char if char in "*?" else "=" + char)
    return found


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Return the class after its [ as a regular expression, and where the rest begins."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges = list[str]()
    while not ranges or not pattern.startswith("]", at):
        low, at = _member(pattern, at)
        high = low
        if pattern.startswith("-", at):
            high, at = _member(pattern, at + 1)
        if low > high:
            raise _malformed(pattern)
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    return f"[{'^' * negated}{''.join(ranges)}]", at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    """Return the character of a class at *at*; the class must go on after it."""
    at += pattern.startswith("\\", at)
    escaped = pattern[at - 1] == "\\"
    char = pattern[at : at + 1]
    if at + 1 >= len(pattern) or (char in "-]" and not escaped):
        raise _malformed(pattern)
    return char, at + 1


def _malformed(pattern: str) -> UsageError:
    return UsageError(f"malformed pattern in .dockerignore: {pattern[:200]} (is a bracket open?)")
