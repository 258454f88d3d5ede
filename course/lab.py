"""The command `lab`: a student's guide through the course."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from course import doctor, grade, lab_show, lab_work, progress, release, table
from course.table import Lab
from mini_docker import swap
from mini_docker.errors import MiniDockerError, UsageError

POLL = 0.3  # seconds between two looks at the files


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `run` is the function of the command given."""
    top = argparse.ArgumentParser(prog="lab", description="Your guide through the course.")
    top.set_defaults(run=lambda console, given: lab_show.show_map(console))
    add = top.add_subparsers(dest="command", metavar="COMMAND").add_parser
    add("map", help="all labs, with progress and points (also without a command)")
    it = add("start", help="begin a lab: make your copy of its module under work/")
    it.add_argument("number", type=int, nargs="?", metavar="N", help="the next one without it")
    it.set_defaults(run=lambda console, given: lab_work.start(console, given.number))
    it = add("check", help="grade a lab")
    it.add_argument(
        "number", type=int, nargs="?", metavar="N", help="the one you are at without it"
    )
    it.add_argument(
        "-k", dest="task", default="", metavar="TASK", help="one task: task2, or create"
    )
    it.set_defaults(run=lambda console, given: check(console, given.number, given.task))
    it = add("watch", help="grade a lab each time you save it; ctrl-c ends it")
    it.set_defaults(run=lambda console, given: watch(console))
    it = add("hint", help="the next of three hints for a task")
    it.add_argument("which", metavar="N.M", help="lab and task, such as 4.2")
    it.set_defaults(run=lambda console, given: lab_work.hint(console, given.which))
    it = add("solution", help="our version; asks first")
    it.add_argument("number", type=int, metavar="N")
    it.add_argument("--yes", action="store_true", help="do not ask")
    it.set_defaults(run=lambda console, given: lab_work.solution(console, given.number, given.yes))
    _add_others(add)
    return top


def _add_others(add: Callable[..., argparse.ArgumentParser]) -> None:
    it = add("reset", help="begin a lab anew; a copy of yours is kept")
    it.add_argument("number", type=int, metavar="N")
    it.set_defaults(run=lambda console, given: lab_work.reset(console, given.number))
    it = add("borrow", help="let mini-docker use the course's module for a topic")
    it.add_argument("topic", metavar="TOPIC")
    it.set_defaults(run=lambda console, given: lab_work.borrow(console, given.topic))
    it = add("doctor", help="is this machine fit for the course?")
    it.set_defaults(run=lambda console, given: doctor.report(console))
    it = add("release", help="for teachers: write the tree to hand out, without the answers")
    it.add_argument("directory", type=Path, metavar="DIR")
    it.add_argument("--open", type=int, default=0, metavar="K", help="with answers up to lab K")
    it.set_defaults(
        run=lambda console, given: console.print(release.write(given.directory, given.open))
    )


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status. A refusal is one line."""
    given = parser().parse_args(argv)
    console = Console(highlight=False)
    try:
        return int(given.run(console, given) or 0)
    except (MiniDockerError, LookupError, grade.GradeError) as error:
        print(f"lab: {error.args[0]}", file=sys.stderr)
    except KeyboardInterrupt:
        print(file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more: Python would complain once again at its end
    return 1


def check(console: Console, number: int | None, task: str = "") -> int:
    """Grade a lab (None: the one the student is at); return 0 if everything asked for passed."""
    lab = table.lab(number) if number is not None else _current()
    if not progress.copy(lab).exists():
        raise UsageError(f"lab {lab.number} is not begun: run lab start {lab.number}")
    fingerprint = swap.fingerprint(str(progress.copy(lab)))
    began = time.monotonic()
    result = grade.run(lab, _keyword(lab, task), options=["--quick"])
    new = grade.note(result, fingerprint, whole=not task)
    lab_show.show_result(console, result, time.monotonic() - began)
    if new:
        lab_show.show_passed(console, lab)
    return int(bool(result.broken or result.failures))


def watch(console: Console) -> None:
    """Grade a begun lab each time its file changes, until interrupted."""
    seen = _times()
    console.print("watching " + ", ".join(str(path.name) for path in seen) + "; ctrl-c ends it")
    if not seen:
        raise UsageError("no lab is begun: run lab start 1")
    while True:
        time.sleep(POLL)
        now = _times()
        for path, lab in _copies().items():
            if now.get(path) != seen.get(path):
                console.rule(style="dim")
                try:
                    check(console, lab.number)
                except grade.GradeError as error:
                    console.print(f"lab: {error}")
        seen = now


def _copies() -> dict[Path, Lab]:
    return {path: lab for lab in table.labs() if (path := progress.copy(lab)).exists()}


def _times() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in _copies() if path.exists()}


def _current() -> Lab:
    """Return the first lab that is being tried, or else the last one that is begun."""
    states = progress.states()
    begun = [lab for lab in table.labs() if states[lab.topic] in ("trying", "yours")]
    trying = [lab for lab in begun if states[lab.topic] == "trying"]
    if not begun:
        raise UsageError("no lab is begun: run lab start 1")
    return trying[0] if trying else begun[-1]


def _keyword(lab: Lab, task: str) -> str:
    """Return pytest's -k for *task*: "task2", its number, or the name of the function."""
    if not task:
        return ""
    numbers = {name: it.number for it in lab.tasks for name in (it.name, f"task{it.number}")}
    numbers |= {str(it.number): it.number for it in lab.tasks}
    if task not in numbers:
        names = ", ".join(f"task{it.number} ({it.name})" for it in lab.tasks)
        raise UsageError(f"lab {lab.number} has no task {task!r}: it has {names}")
    return f"task{numbers[task]}_"


if __name__ == "__main__":
    sys.exit(main())
