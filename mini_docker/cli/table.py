"""Tables as docker prints them: --format, with or without the word "table" before it.

Without it the template is applied to each row, a line each; "json" prints each row as an
object. With it the columns, separated by tabs in the template, get a line of headings
and are padded to the widest cell and three blanks.
"""

from __future__ import annotations

import sys

from mini_docker import gotemplate
from mini_docker.gotemplate.values import to_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

GAP = 3  # blanks between two columns
NARROWEST = 10  # columns: docker's tabwriter makes none narrower
MOST = 100  # columns: a tab beyond is left as it is
ROW = "*formatter.Context"  # what an error calls a row


def show(
    form: str, rows: Iterable[dict[str, Any]], headings: dict[str, str], default: str = ""
) -> None:
    """Print *rows* by the format *form*; *headings* has the title of each field's column.

    *default* is the format that an empty one and the bare word "table" stand for.
    Raises TemplateError for a template that makes no sense, or names an unknown field.
    """
    form = form.strip(" ")
    if form in ("", "table"):
        form = default
    whole = form.startswith("table")
    if form == "json":
        form = "{{json .}}"
    try:
        template = gotemplate.Template(_unescape(form.removeprefix("table").strip(" ")))
        lines = [template.render(gotemplate.Struct(ROW, row)) for row in rows]
        if whole:
            lines = align([template.heading(headings), *lines])
    except gotemplate.TemplateError as error:
        raise gotemplate.TemplateError(f"template parsing error: {error}") from None
    put("".join(f"{line}\n" for line in lines))


def put(text: str) -> None:
    """Print *text*; bytes in it that are no UTF-8 (as surrogate escapes) come out as they were."""
    sys.stdout.flush()
    sys.stdout.buffer.write(to_bytes(text))
    sys.stdout.buffer.flush()


def align(lines: list[str]) -> list[str]:
    """Return *lines* with their tabs turned into columns, as Go's tabwriter does.

    A tab ends a cell. A column is a run of neighbouring lines that have such a cell
    at the same place; what follows a line's last tab belongs to no column.

    >>> align(["A\\tB", "1234567890\\tx"])
    ['A            B', '1234567890   x']
    """
    rows = [line.split("\t", MOST) for text in lines for line in text.split("\n")]
    widths: list[list[int]] = [[] for _ in rows]
    _measure(rows, widths, (0, len(rows)))
    return [
        "".join(cell.ljust(width) for cell, width in zip(row, wide, strict=False)) + row[-1]
        for row, wide in zip(rows, widths, strict=True)
    ]


def _measure(rows: list[list[str]], widths: list[list[int]], span: tuple[int, int]) -> None:
    """Append to *widths* those of the columns in *span*, the first of which is the next one."""
    at, end = span
    column = len(widths[at]) if at < end else 0
    while at < end:
        stop = at
        while stop < end and column < len(rows[stop]) - 1:
            stop += 1
        width = max([NARROWEST, *(len(row[column]) + GAP for row in rows[at:stop])])
        for wide in widths[at:stop]:
            wide.append(width)
        if stop > at:
            _measure(rows, widths, (at, stop))
        at = stop + 1


def _unescape(text: str) -> str:
    """Let a shell's user write \\t and \\n."""
    return text.replace("\\t", "\t").replace("\\n", "\n")
