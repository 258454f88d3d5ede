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

ABOUT = "Your guide through the course."
NAMES = "LAB is 4, cgroups or 04_cgroups; 4.2 or 4.apply is one task of it."
POLL = 0.3  # seconds between two looks at the files


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `run` is the function of the command given."""
    top = argparse.ArgumentParser(prog="lab", description=ABOUT, epilog=NAMES)
    top.set_defaults(run=lambda console, given: lab_show.show_map(console))
    add = top.add_subparsers(dest="command", metavar="COMMAND").add_parser
    add("map", help="all labs, with progress and points (also without a command)")
    it = add("start", help="begin a lab: make your copy of its module under work/")
    it.add_argument("which", nargs="?", metavar="LAB", help="the next one without it")
    it.set_defaults(run=lambda console, given: lab_work.start(console, given.which))
    it = add("check", help="grade a lab")
    it.add_argument("which", nargs="?", metavar="LAB", help="the one you are at without it")
    it.add_argument(
        "-k", dest="task", default="", metavar="TASK", help="one task: task2, or create"
    )
    it.set_defaults(run=lambda console, given: check(console, given.which, given.task))
    it = add("watch", help="grade a lab each time you save it; ctrl-c ends it")
    it.add_argument("which", nargs="?", metavar="LAB", help="all that are begun without it")
    it.set_defaults(run=lambda console, given: watch(console, given.which))
    it = add("hint", help="the next of three hints for a task")
    it.add_argument("which", metavar="N.M", help="lab and task, such as 4.2")
    it.set_defaults(run=lambda console, given: lab_work.hint(console, given.which))
    it = add("solution", help="our version; asks first")
    it.add_argument("which", metavar="LAB")
    it.add_argument("--yes", action="store_true", help="do not ask")
    it.set_defaults(run=lambda console, given: lab_work.solution(console, given.which, given.yes))
    _add_others(add)
    return top


def _add_others(add: Callable[..., argparse.ArgumentParser]) -> None:
    it = add("reset", help="begin a lab anew; a copy of yours is kept")
    it.add_argument("which", metavar="LAB")
    it.set_defaults(run=lambda console, given: lab_work.reset(console, given.which))
    it = add("borrow", help="let mini-docker use the course's module for a topic, or for several")
    it.add_argument("topics", nargs="+", metavar="TOPIC")
    it.set_defaults(run=lambda console, given: lab_work.borrow(console, given.topics))
    it = add("doctor", help="is this machine fit for the course?")
    it.set_defaults(run=lambda console, given: doctor.report(console))
    it = add("release", help="for teachers: write the tree to hand out, without the answers")
    it.add_argument("directory", type=Path, metavar="DIR")
    it.add_argument("--open", type=int, default=0, metavar="K", help="with answers up to lab K")
    it.set_defaults(
        run=lambda console, given: console.print(release.write(given.directory, given.open))
    )


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit status, 130 for ctrl-c. A refusal is one line."""
    given = parser().parse_args(argv)
    console = Console(highlight=False)
    try:
        return int(given.run(console, given) or 0)
    except (MiniDockerError, LookupError, grade.GradeError) as error:
        print(f"lab: {error.args[0]}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more: Python would complain once again at its end
    return 1


def check(console: Console, which: str | None, task: str = "") -> int:
    """Grade a lab (None: the one the student is at); return 0 if everything asked for passed.

    *which* may name one task of it, and so may *task*.
    """
    lab, one = table.named(which) if which is not None else (_current(), None)
    if one and task:
        raise UsageError(f"say the task once: lab check {lab.number}.{one.number}")
    one = lab.named(task) if task else one
    if not progress.copy(lab).exists():
        raise UsageError(f"lab {lab.number} is not begun: run lab start {lab.number}")
    fingerprint = swap.fingerprint(str(progress.copy(lab)))
    began = time.monotonic()
    keyword = f"task{one.number}_" if one else ""
    result = grade.run(lab, keyword, options=["--quick"])
    new, refused = False, None
    try:
        new = grade.note(result, fingerprint, whole=not one)
    except progress.Refused as error:
        refused = error
    lab_show.show_result(console, result, time.monotonic() - began)
    if new:
        lab_show.show_passed(console, lab)
    if refused:
        lab_show.show_not_noted(refused)
    return int(bool(result.broken or result.failures))


def watch(console: Console, which: str | None = None) -> None:
    """Grade the begun labs, or *which* alone, each time the file changes, until interrupted."""
    lab = table.named(which)[0] if which is not None else None
    seen = _times(lab)
    if not seen:
        raise UsageError(f"no lab is begun: run lab start {lab.number if lab else 1}")
    console.print("watching " + ", ".join(str(path.name) for path in seen) + "; ctrl-c ends it")
    while True:
        time.sleep(POLL)
        now = _times(lab)
        for path, it in _copies(lab).items():
            if now.get(path) != seen.get(path):
                console.rule(style="dim")
                try:
                    check(console, which or str(it.number))
                except grade.GradeError as error:
                    console.print(f"lab: {error}")
        seen = now


def _copies(only: Lab | None) -> dict[Path, Lab]:
    labs = [only] if only else table.labs()
    return {path: lab for lab in labs if (path := progress.copy(lab)).exists()}


def _times(only: Lab | None) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in _copies(only) if path.exists()}


def _current() -> Lab:
    """Return the first lab that has not passed, or else the last one that is begun.

    One that is borrowed comes after those that are worked on.
    """
    begun = list(_copies(None).values())
    if not begun:
        raise UsageError("no lab is begun: run lab start 1")
    states = progress.states()
    begun.sort(key=lambda lab: states[lab.topic] == "borrowed")
    last = max(begun, key=lambda lab: (states[lab.topic] != "borrowed", lab.number))
    return next((lab for lab in begun if progress.unfinished(lab)), last)


if __name__ == "__main__":
    sys.exit(main())
