"""Tables as docker prints them: --format, with or without the word "table" before it.

Without it the template is applied to each row, a line each; "json" prints each row as an
object. With it the columns, separated by tabs in the template, get a line of headings
and are padded to the widest cell and three blanks.
"""

from __future__ import annotations

import json

from mini_docker import gotemplate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

GAP = 3  # blanks between two columns
NARROWEST = 10  # cells: docker's tabwriter gives no column less


def show(form: str, rows: Iterable[dict[str, str]], headings: dict[str, str]) -> None:
    """Print *rows* by the format *form*; *headings* has the title of each field's column."""
    if form == "json":
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    whole = form == "table" or form.startswith("table ")
    text = form.removeprefix("table").lstrip() if whole else form
    template = gotemplate.Template(_unescape(text), strict=False)
    lines = [template.render(row) for row in rows]
    if not whole:
        for line in lines:
            print(line)
        return
    for line in align([template.heading(headings), *lines]):
        print(line)


def align(lines: list[str]) -> list[str]:
    """Return *lines* with their tabs turned into columns.

    >>> align(["A\\tB", "1234567890\\tx"])
    ['A            B', '1234567890   x']
    """
    cells = [line.split("\t") for line in lines]
    count = max(len(row) for row in cells)
    widths = [
        max([NARROWEST, *(len(row[n]) + GAP for row in cells if n < len(row) - 1)])
        for n in range(count)
    ]
    return [
        "".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + row[-1]
        for row in cells
    ]


def _unescape(text: str) -> str:
    """Let a shell's user write \\t and \\n."""
    return text.replace("\\t", "\t").replace("\\n", "\n")
