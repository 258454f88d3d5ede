"""The table: what came out of a run, as Markdown that reads well in a terminal too."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import Job, Result, Target
from benchmarks.peers import OURS

HEADINGS = ("job", "program", "median", "least", "ours / it", "of the least", "at most", "")
BEGIN = "<!-- written by scripts/bench -->"
END = "<!-- end of what scripts/bench wrote -->"


@dataclass(frozen=True)
class Run:
    """One run of scripts/bench."""

    facts: tuple[str, ...]  # the machine, the programs, the date: a line each
    absent: Mapping[str, str]  # peer: reason
    jobs: Sequence[tuple[Job, Result]]


def missed(run: Run) -> list[str]:
    """Return a line for each target that was missed; one whose peer is absent is not."""
    lines = []
    for job, result in run.jobs:
        for target in job.targets:
            found = _measured(target, result)
            if found is not None and found > target.limit:
                other = f"times {target.peer}" if target.peer else job.unit
                lines.append(f"{job.title}: {found:.2f} {other}, at most {target.limit:g}")
    return lines


def render(run: Run) -> str:
    """Return the facts, the table, and who is not in it, as Markdown."""
    rows = [row for job, result in run.jobs for row in _rows(job, result)]
    lines = [*(f"- {fact}" for fact in run.facts), "", *_table([HEADINGS, *rows])]
    notes = [
        f"no {name}: {reason.removeprefix(f'{name}: ')}" for name, reason in run.absent.items()
    ]
    for job, result in run.jobs:
        notes += [f"{name} not in {job.title}: {why}" for name, why in result.failed.items()]
    if notes:
        lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def replace(document: str, text: str) -> str:
    """Return *document* with *text* between the markers. ValueError unless both are there once."""
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ValueError(f"the lines {BEGIN} and {END} have to be there, once each")
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def _measured(target: Target, result: Result) -> float | None:
    """Return what is to be compared with the limit of *target*; None if its peer is absent."""
    ours, theirs = result.readings.get(OURS), result.readings.get(target.peer)
    if not target.peer:
        return statistics.median(ours) if ours else None
    return statistics.median(ours) / statistics.median(theirs) if ours and theirs else None


def _rows(job: Job, result: Result) -> list[tuple[str, ...]]:
    limits = {target.peer or OURS: target for target in job.targets}
    rows = []
    title = f"{job.title} ({job.unit})"
    ours = result.readings.get(OURS, [])  # none, if the job could not be measured
    for name, values in result.readings.items():
        figures = [f"{statistics.median(values):.2f}", f"{min(values):.2f}", "", ""]
        if name != OURS:
            figures[2] = f"{statistics.median(ours) / statistics.median(values):.2f}"
            figures[3] = f"{min(ours) / min(values):.2f}"
        rows.append((title, name, *figures, *_verdict(limits.get(name), result)))
        title = ""
    return rows


def _verdict(target: Target | None, result: Result) -> tuple[str, str]:
    """Return the limit, and whether it was held."""
    found = _measured(target, result) if target else None
    if target is None or found is None:
        return "", ""
    return f"{target.limit:g}", "held" if found <= target.limit else "**missed**"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return *rows*, the first of them headings, as a Markdown table with aligned columns."""
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(HEADINGS))]
    numbers = range(2, 7)  # aligned to the right

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return f"| {' | '.join(cells)} |"

    rule = [
        "-" * (width - 1) + ":" if column in numbers else "-" * width
        for column, width in enumerate(widths)
    ]
    return [line(rows[0]), line(rule), *(line(row) for row in rows[1:])]
