"""Wildcards of COPY and ADD: Go's filepath.Match, one part of a path at a time.

*       any letters            [a-z]    one of these
?       one letter             [^a-z]   one of the others
\\x      x itself
"""

from __future__ import annotations

import re

from mini_docker.errors import UsageError

MARKS = re.compile(r"(?<!\\)[*?\[]")


def go_match(part: str) -> str:
    """Return the regular expression of *part*, a pattern of Go's filepath.Match without "/".

    >>> go_match("*.[ch]")
    '[^/]*\\\\.[ch]'
    """
    found, at = "", 0
    while at < len(part):
        letter = part[at]
        at += 1
        if letter == "[":
            end = part.find("]", at + (2 if part[at : at + 1] == "^" else 1))
            if end < 0:
                raise UsageError(f"syntax error in pattern: {part!r:.200}")
            inside = part[at:end].replace("[", "\\[")
            found += f"[{inside}]"
            at = end + 1
        elif letter == "\\" and at < len(part):
            found += re.escape(part[at])
            at += 1
        else:
            found += {"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter)
    return found
