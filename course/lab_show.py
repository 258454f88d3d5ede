"""What `lab` prints: the map of the course, and what came of grading a lab."""

from __future__ import annotations

import sys
import textwrap
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from course import progress, table, telling
from course.grade import Behaviour, Result
from course.table import Lab

STATES = {
    "ours": ("the course's", "dim"),
    "locked": ("not begun", "dim"),
    "begun": ("begun", "yellow"),
    "trying": ("trying", "yellow"),
    "yours": ("yours", "green"),
    "borrowed": ("borrowed", "cyan"),
}
MORE = 4  # further failures that are named


def show_map(console: Console) -> None:
    """Print every lab with its state and points, and what to do next."""
    noted = progress.read()
    states = progress.states()
    grid = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("lab", "", "state", "points", "about"):
        grid.add_column(title, justify="right" if title in ("lab", "points") else "left")
    earned = 0
    for lab in table.labs():
        got = progress.points(noted, lab)
        earned += got
        words, style = STATES[states[lab.topic]]
        points = f"{got}/{lab.points}"
        grid.add_row(
            str(lab.number), lab.title, Text(words, style), points, f"{lab.minutes} minutes"
        )
    console.print(grid)
    whole = sum(lab.points for lab in table.labs())
    console.print(f"\n{earned} of {whole} points. {_next(states)}")


def _next(states: dict[str, str]) -> str:
    for lab in table.labs():
        if progress.unfinished(lab) and states[lab.topic] != "borrowed":
            return f"Next: lab check {lab.number}"
    for lab in table.labs():
        if states[lab.topic] in ("locked", "ours"):
            return f"Next: chapter {lab.number} (scripts/docs serve), then lab start {lab.number}"
    for lab in table.labs():
        if states[lab.topic] == "borrowed":
            return f"Next: lab start {lab.number}, in the place of the {lab.topic} you borrowed"
    return "There is nothing left to do here."


def show_result(console: Console, result: Result, seconds: float) -> None:
    """Print a line for each task that was graded, then the first cause in full."""
    lab = result.lab
    file = telling.short(result.file, lab)
    console.print(f"[bold]Lab {lab.number}: {lab.title}[/]  [dim]{file}, {seconds:.1f} s[/]")
    if result.broken:
        console.print(f"\n{result.broken}", markup=False, highlight=False, soft_wrap=True)
        return
    grid = Table(box=None, show_header=False, pad_edge=False)
    for task in lab.tasks:
        if not (all_of := result.of(task)):
            continue
        failed = len(result.of(task, "failed"))
        mark, style = ("✘", "red") if failed else ("✔", "green")
        if not failed and not result.of(task, "passed"):
            mark, style = "·", "dim"
        said = f"{failed} of {len(all_of)} behaviours are missing" if failed else ""
        points = f"{result.points(task)}/{task.points}"
        grid.add_row(Text(mark, style), f"task {task.number}", task.name, points, said)
    console.print(grid)
    if result.failures:
        _show_failures(console, result)
    _show_skipped(console, result)


def _show_failures(console: Console, result: Result) -> None:
    distinct: dict[str, Behaviour] = {}
    for it in result.failures:
        distinct.setdefault(it.message, it)
    first, *others = distinct.values()
    console.print(f"\n[red]task {first.task}:[/] [bold]{first.sentence}[/]")
    console.print(first.message, markup=False, highlight=False, soft_wrap=True)
    if others:
        console.print("\nthen:", style="dim")
    for it in others[:MORE]:
        console.print(f"  task {it.task}: {it.sentence}", style="dim", highlight=False)
    if len(others) > MORE:
        console.print(f"  and {len(others) - MORE} more", style="dim")
    if first.task:
        console.print(f"\nstuck? lab hint {result.lab.number}.{first.task}", style="dim")


def _show_skipped(console: Console, result: Result) -> None:
    reasons: dict[str, int] = {}
    for it in result.skipped:
        reasons[it.message] = reasons.get(it.message, 0) + 1
    for reason, count in reasons.items():
        tests = "1 behaviour was" if count == 1 else f"{count} behaviours were"
        console.print(f"{tests} left out: {reason}", style="dim", highlight=False)


def show_not_noted(refused: progress.Refused) -> None:
    """Say on standard error why what was shown is not written down."""
    print(f"lab: this is not noted: {refused}", file=sys.stderr)


def show_passed(console: Console, lab: Lab) -> None:
    """Print what a lab that has newly passed unlocks."""
    if progress.states()[lab.topic] == "borrowed":
        now = f"mini-docker uses the course's {lab.topic} until you say: lab start {lab.number}"
        console.print(f"\n[green]Lab {lab.number} has passed.[/] {now}")
        return
    console.print(f"\n[green]Lab {lab.number} has passed: mini-docker runs on your {lab.topic}.[/]")
    if lab.unlocks:
        names = ", ".join(f"mini-docker {it}" for it in lab.unlocks[:4])
        more = ", ..." if len(lab.unlocks) > 4 else ""
        console.print(f"It unlocks {names}{more}", highlight=False)


def show_hint(console: Console, text: str) -> None:
    """Print a hint: its prose as wide as the terminal, its code, which is indented, as it is."""
    for kind, lines in groupby(text.strip("\n").splitlines(), _kind):
        if kind == "prose":
            words = textwrap.wrap(" ".join(lines), console.width, break_on_hyphens=False)
            console.print("\n".join(words), markup=False, highlight=False, soft_wrap=True)
        else:
            console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    return "code" if line[0].isspace() else "prose"
