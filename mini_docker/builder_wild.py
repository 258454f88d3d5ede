"""Wildcards of COPY and ADD: Go's filepath.Match, one part of a path at a time.

*       any characters         [a-z]    one of these
?       one character          [^a-z]   one of the others
\\x      x itself               **       directories, as many as there are (--parents)

A name is compared as one of .dockerignore's is (builder_ways.py): in bounded time, however
many stars there are. The parts are gone through one after the other, each for all paths that
have been found so far, so that no path is come to twice.
"""

from __future__ import annotations

import os
import re

from mini_docker import builder_patterns, builder_ways
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.builder_select import Root

MARKS = re.compile(r"[*?\[]")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
WIDEST = 1_000_000  # paths to look into for one pattern
STARS = (builder_ways.LOOSE, builder_ways.ALL)


def is_wild(part: str) -> bool:
    """Say whether there is a wildcard in *part*, a pattern."""
    return MARKS.search(ESCAPED.sub("", part)) is not None


def plain(part: str) -> str:
    """Return the name that *part*, a pattern without wildcards, stands for."""
    return ESCAPED.sub(r"\1", part)


def matcher(part: str) -> Callable[[str], bool]:
    """Return the function that says whether a name is like the pattern *part*.

    UsageError for a malformed one.

    >>> [name for name in ("a.c", "a.h", "a.o") if matcher("*.[ch]")(name)]
    ['a.c', 'a.h']
    """
    try:
        tokens = builder_patterns.tokens(part)
    except UsageError:
        raise UsageError(f"syntax error in pattern: {part!r:.200}") from None
    # Two stars in a name are as one, and ^ is a character as any other.
    tokens = [builder_ways.STAR if token in STARS else token for token in tokens]
    return builder_ways.name_matcher([f"\\{it[1]}" if it[0] == "=" else it for it in tokens])


def expand(root: Root, pattern: str, deep: bool) -> list[str]:
    """Return the paths in *root* that *pattern* stands for; ** means directories if it is *deep*.

    UsageError for a malformed one, and for one that stands for too many.
    """
    found, parts = [""], pattern.split("/")
    matchers = [matcher(part) if is_wild(part) else None for part in parts]
    for number, (part, match) in enumerate(zip(parts, matchers, strict=True), 1):
        within = number < len(parts)
        after: dict[str, None] = {}  # a path once, in the order in which they turn up
        for path in found:
            root.alive()
            if deep and part == "**" and within:
                after |= dict.fromkeys(_trees(root, path))
            elif match is None:
                after |= dict.fromkeys(_existing(root, _join(path, plain(part))))
            else:
                names = _names(root, path, within)
                after |= dict.fromkeys(_join(path, name) for name in names if match(name))
            if len(after) > WIDEST:
                raise UsageError(f"{pattern!r:.200} leads through more than {WIDEST} paths")
        found = list(after)
    return found


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _existing(root: Root, path: str) -> list[str]:
    try:
        os.close(root.open(path))
    except OSError:
        return []
    return [path]


def _trees(root: Root, path: str) -> list[str]:
    """Return *path* and the directories below it, each before those that are in it."""
    found, todo = list[str](), [path]
    while todo:
        here = todo.pop()
        root.alive()
        found.append(here)
        names = _names(root, here, directories=True, links=False)
        todo += [_join(here, name) for name in reversed(names)]
        if len(found) > WIDEST:
            raise UsageError(f"there are more than {WIDEST} directories below {path or '.'}")
    return found


def _names(root: Root, path: str, directories: bool, links: bool = True) -> list[str]:
    """Return the names in the directory *path*, sorted; only those of *directories* and *links*."""
    try:
        folder = root.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return []
    try:
        with os.scandir(folder) as rows:
            return sorted(
                row.name
                for row in rows
                if not directories
                or row.is_dir(follow_symlinks=False)
                or (links and row.is_symlink())
            )
    finally:
        os.close(folder)
