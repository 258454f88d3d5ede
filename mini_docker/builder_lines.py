"""A Dockerfile as lines: its directives, comments, and lines that go on in the next.

A file begins with directives, ``# name=value``: escape (the character that ends a line which
goes on), syntax (the reader that is wanted; there is one here) and check (which warnings are).
A byte order mark before all and a carriage return at the end of a line do not count.
moby/buildkit: frontend/dockerfile/parser/parser.go and directives.go.
"""

from __future__ import annotations

import re

from mini_docker.errors import UsageError

SIZE = 1 << 20  # of a Dockerfile; the longest known ones have some ten kilobytes
EMPTY = "Empty continuation line"
BLANKS = " \t\v\f\r\n\x85\xa0"
DIRECTIVE = re.compile(r"([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)")
RULER = "-" * 20
WIDTH = 1000  # of a line in an excerpt
DIRECTIVES = ("escape", "syntax", "check")


class DockerfileError(UsageError):
    """An instruction is wrong: the one in the lines from *line* to *end*, 1 being the first."""

    exit_code = 1

    def __init__(self, reason: str, line: int, end: int) -> None:
        self.reason = printable(reason)
        super().__init__(f"dockerfile parse error on line {line}: {self.reason}")
        self.line = line
        self.end = end


def physical(text: str) -> list[str]:
    """Return the lines of *text*, each with its line feed; UsageError if it cannot be read."""
    if not text:
        raise UsageError("the Dockerfile cannot be empty")
    if len(text) > SIZE:
        raise UsageError(
            f"cannot read the Dockerfile: it has more than {SIZE >> 20} MiB; "
            "files go into an image by COPY"
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DockerfileError("a null byte: this is no text file", line, line)
    lines = text.removeprefix("\ufeff").split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def directives(lines: list[str]) -> dict[str, str]:
    """Return the directives in the first of *lines*, by name in lower case.

    The first line that is none ends them: a blank one, or any other comment. DockerfileError
    for one that comes twice, and for an escape character other than a backslash or backtick.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        line = line.strip(BLANKS)
        it = DIRECTIVE.fullmatch(line[1:].lstrip(BLANKS)) if line[:1] == "#" else None
        if it is None or it[1].lower() not in DIRECTIVES:
            break
        name, value = it[1].lower(), it[2]
        if name in found:
            raise DockerfileError(f"only one {name} parser directive can be used", number, number)
        if name == "escape" and value not in ("\\", "`"):
            reason = f"invalid escape token '{value}' does not match ` or \\"
            raise DockerfileError(reason, number, number)
        found[name] = value
    return found


def is_blank(line: str) -> bool:
    """Return whether there is nothing in *line* but blanks."""
    return not line.strip(BLANKS)


def is_comment(line: str) -> bool:
    """Return whether the first thing in *line* is a #; one further on begins no comment."""
    return line.lstrip(BLANKS).startswith("#")


def comment(line: str) -> str:
    """Return what stands in the comment *line*, without its # and blanks."""
    return line.strip(BLANKS)[1:].strip(BLANKS)


def cut(line: str, escape: str) -> tuple[str, bool]:
    """Return *line* without its end, and whether it goes on in the next line.

    It does if the last character but for blanks is *escape*, which then is cut off; not if
    there are two of them.

    >>> cut("RUN a \\\\  \\n", "\\\\")
    ('RUN a ', True)
    """
    line = line.rstrip("\r\n")
    bare = line.rstrip(" \t")
    if bare.endswith(escape) and bare[-2:-1] != escape:
        return bare[:-1], True
    return line, False


def excerpt(name: str, text: str, line: int, end: int) -> str:
    """Return the lines from *line* to *end* of the Dockerfile *text*, marked, and some around.

    What would steer a terminal is replaced. The form is docker's: moby/buildkit, source.go.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    if not 1 <= line <= len(lines):
        return ""
    end = min(end, len(lines))
    first, last, added = line, end, 0
    while added < (4 if line == end else 2):
        added += (first > 1) + (last < len(lines)) + 1
        first, last = max(first - 1, 1), min(last + 1, len(lines))
    shown = [f"{name}:{line}", RULER]
    for number in range(first, last + 1):
        mark = ">>>" if line <= number <= end else "   "
        shown.append(f" {number:3d} | {mark} {printable(lines[number - 1].rstrip()[:WIDTH])}")
    return "\n".join([*shown, RULER, ""])


def printable(line: str) -> str:
    """Return *line* with a mark in the place of whatever would end it or steer a terminal."""
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)
