"""The student's copies: begin, put back, borrow, hints, and our version when asked for."""

from __future__ import annotations

import sys
import tomllib

from rich.console import Console
from rich.syntax import Syntax

from course import progress, source, table, telling
from course.table import Lab, Task
from mini_docker.errors import ConfigError, UsageError

LEVELS = 3


def start(console: Console, number: int | None) -> None:
    """Make the student's copy of lab *number* (None: the first that is not begun)."""
    lab = table.lab(number) if number is not None else _first_not_begun()
    copy = progress.copy(lab)
    new = not copy.exists()
    if new:
        progress.put(lab.skeleton, copy)
    with progress.changing() as noted:
        entry = progress.topic(noted, lab)
        entry["begun"] = True
        entry.pop("borrowed", None)
    file = telling.short(copy, lab)
    console.print(f"{file} is {'there' if new else 'there already'}: {len(lab.tasks)} tasks")
    console.print(f"read chapters/{lab.chapter.name}, then edit, and run: lab check {lab.number}")
    _tell_of_locked(console, lab)


def reset(console: Console, number: int) -> None:
    """Put the skeleton of lab *number* in the place of the student's copy, which is kept."""
    lab = table.lab(number)
    copy = progress.copy(lab)
    if not copy.exists():
        raise UsageError(f"lab {number} is not begun: run lab start {number}")
    count = 1
    while (kept := copy.with_name(f"{copy.name}.{count}")).exists():
        count += 1
    progress.put(copy, kept)
    progress.put(lab.skeleton, copy)
    console.print(f"{telling.short(copy, lab)} is new; yours is kept in {kept.name} beside it")


def borrow(console: Console, topic: str) -> None:
    """Let the engine use the course's module for *topic* from now on."""
    lab = _by_topic(topic)
    with progress.changing() as noted:
        progress.topic(noted, lab)["borrowed"] = True
    console.print(f"mini-docker uses the course's {topic} until you say: lab start {lab.number}")


def hint(console: Console, which: str) -> None:
    """Show the next hint for lab N, task M; *which* is "N.M"."""
    lab, task = _task(which)
    hints = read_hints(lab)[task.name]
    with progress.changing() as noted:
        shown = min(noted["hints"].get(which, 0) + 1, LEVELS)
        noted["hints"][which] = shown
    console.print(f"[bold]Hint {shown} of {LEVELS} for {task.name}[/]")
    console.print(hints[shown - 1].strip(), markup=False, highlight=False)
    if shown == LEVELS:
        console.print(f"\nThat was the last one. Our version: lab solution {lab.number}")


def solution(console: Console, number: int, sure: bool) -> None:
    """Show our version of lab *number*'s tasks, if the student really wants that."""
    lab = table.lab(number)
    if not lab.solution.exists():
        raise UsageError(f"the solution of lab {number} is not in this copy: ask your teacher")
    if not sure and not _asked(f"Show our version of lab {number}? [y/N] "):
        console.print(f"Nothing shown. A hint: lab hint {number}.1")
        return
    for task in lab.tasks:
        code = "\n".join(source.find(lab.solution, task.name).code)
        console.print(f"\n[bold]Task {task.number}: {task.name}[/]")
        console.print(Syntax(code, "python", background_color="default"))
    notes = lab.solution.with_name("README.md")
    if notes.exists():
        console.print(f"\nWhy this way: {notes.relative_to(lab.repo)}", highlight=False)


def read_hints(lab: Lab) -> dict[str, list[str]]:
    """Return the hints of *lab* by task; ConfigError unless each task has exactly three."""
    try:
        hints = tomllib.loads(lab.hints.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read {lab.hints}: {error}") from error
    names = [task.name for task in lab.tasks]
    if sorted(hints) != sorted(names):
        raise ConfigError(f"{lab.hints}: it must have hints for {', '.join(names)}")
    for name, texts in hints.items():
        good = isinstance(texts, list) and all(isinstance(it, str) and it.strip() for it in texts)
        if not good or len(texts) != LEVELS:
            raise ConfigError(f"{lab.hints}: {name} must have {LEVELS} hints")
    return hints


def _task(which: str) -> tuple[Lab, Task]:
    number, _, task = which.partition(".")
    if not (number.isdecimal() and task.isdecimal()):
        raise UsageError(f"lab hint takes a lab and a task, such as 4.2, not {which!r}")
    lab = table.lab(int(number))
    return lab, lab.task(int(task))


def _by_topic(topic: str) -> Lab:
    for lab in table.labs():
        if lab.topic == topic:
            return lab
    topics = ", ".join(lab.topic for lab in table.labs())
    raise UsageError(f"there is no topic {topic!r} to borrow: the topics are {topics}")


def _first_not_begun() -> Lab:
    states = progress.states()
    for lab in table.labs():
        if states[lab.topic] in ("ours", "locked"):
            return lab
    raise UsageError("every lab is begun or borrowed: say which one, such as lab start 1")


def _tell_of_locked(console: Console, lab: Lab) -> None:
    states = progress.states()
    before = [it.topic for it in table.labs() if it.number < lab.number]
    locked = [topic for topic in before if states[topic] == "locked"]
    if locked:
        names = ", ".join(locked)
        console.print(f"mini-docker lacks {names}: do those labs, or lab borrow {locked[0]}")


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("lab solution asks first, and there is no terminal to ask on: say --yes")
    return input(question).strip().lower() in ("y", "yes")
