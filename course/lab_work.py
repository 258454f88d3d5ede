"""The student's copies: begin, put back, borrow, hints, and our version when asked for."""

from __future__ import annotations

import sys
import tomllib

from rich.console import Console
from rich.syntax import Syntax

from course import lab_show, progress, source, table, telling
from course.table import Lab
from mini_docker.errors import ConfigError, UsageError

LEVELS = 3


def start(console: Console, which: str | None) -> None:
    """Make the student's copy of the lab called *which* (None: the first that is not begun)."""
    lab = table.named(which)[0] if which is not None else _first_not_begun()
    copy = progress.copy(lab)
    new = not copy.exists()
    if new:
        progress.put(lab.skeleton, copy)
    with progress.changing() as noted:
        entry = progress.topic(noted, lab)
        entry["begun"] = True
        entry.pop("borrowed", None)
    file = telling.short(copy, lab)
    console.print(
        f"{file} is {'there' if new else 'there already'}: {len(lab.tasks)} tasks", soft_wrap=True
    )
    console.print(
        f"read chapter {lab.number} (scripts/docs serve), edit, and run: lab check {lab.number}"
    )
    _tell_of_locked(console, lab)


def reset(console: Console, which: str) -> None:
    """Put the skeleton of the lab called *which* in the place of the student's copy, now kept."""
    lab, task = table.named(which)
    copy = progress.copy(lab)
    if task:
        raise UsageError(f"it is the whole lab that begins anew: run lab reset {lab.number}")
    if not copy.exists():
        raise UsageError(f"lab {lab.number} is not begun: run lab start {lab.number}")
    count = 1
    while (kept := copy.with_name(f"{copy.name}.{count}")).exists():
        count += 1
    progress.put(copy, kept)
    progress.put(lab.skeleton, copy)
    console.print(
        f"{telling.short(copy, lab)} is new; yours is kept in {kept.name} beside it", soft_wrap=True
    )


def borrow(console: Console, names: list[str]) -> None:
    """Let the engine use the course's modules for the topics of the labs called *names*.

    Nothing is borrowed if one of them is no lab's name: LookupError.
    """
    labs = [table.named(name)[0] for name in names]
    with progress.changing() as noted:
        for lab in labs:
            progress.topic(noted, lab)["borrowed"] = True
    for lab in labs:
        console.print(
            f"mini-docker uses the course's {lab.topic} until you say: lab start {lab.number}"
        )


def hint(console: Console, which: str) -> None:
    """Show the next hint for a task; *which* names it, such as "4.2"."""
    lab, task = table.named(which)
    if task is None:
        raise UsageError(f"lab hint takes a lab and a task, such as {lab.number}.1")
    hints = read_hints(lab)[task.name]
    key = f"{lab.number}.{task.number}"
    shown = _next_hint(progress.read(), key)
    refused = None
    try:
        with progress.changing() as noted:
            shown = noted["hints"][key] = _next_hint(noted, key)
    except progress.Refused as error:
        refused = error
    console.print(f"[bold]Hint {shown} of {LEVELS} for {task.name}[/]")
    lab_show.show_hint(console, hints[shown - 1])
    if refused:
        lab_show.show_not_noted(refused)
    if shown == LEVELS:
        console.print(f"\nThat was the last one. Our version: lab solution {lab.number}")


def _next_hint(noted: progress.Noted, key: str) -> int:
    return min(int(noted["hints"].get(key, 0)) + 1, LEVELS)


def solution(console: Console, which: str, sure: bool) -> None:
    """Show our version of the lab or task called *which*, if the student really wants that."""
    lab, wanted = table.named(which)
    number = lab.number
    if not lab.solution.exists():
        raise UsageError(f"the solution of lab {number} is not in this copy: ask your teacher")
    if not sure and not _asked(f"Show our version of lab {number}? [y/N] "):
        console.print(f"Nothing shown. A hint: lab hint {number}.1")
        return
    for task in [wanted] if wanted else lab.tasks:
        code = "\n".join(source.find(lab.solution, task.name).code)
        console.print(f"\n[bold]Task {task.number}: {task.name}[/]")
        text = Syntax("", "python", background_color="default").highlight(code)
        text.rstrip()
        console.print(text, soft_wrap=True)  # a line that is cut, or broken, cannot be copied
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


def _first_not_begun() -> Lab:
    states = progress.states()
    for lab in table.labs():
        if states[lab.topic] in ("ours", "locked"):
            return lab
    raise UsageError("every lab is begun or borrowed: say which one, such as lab start 1")


def _tell_of_locked(console: Console, lab: Lab) -> None:
    states = progress.states()
    before = [it.topic for it in table.labs() if it.number < lab.number]
    locked = [topic for topic in before if states[topic] in ("locked", "begun")]
    if locked:
        names = ", ".join(locked)
        console.print(f"mini-docker lacks {names}: do those labs, or lab borrow {' '.join(locked)}")


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("lab solution asks first, and there is no terminal to ask on: say --yes")
    return input(question).strip().lower() in ("y", "yes")
