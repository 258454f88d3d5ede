"""Grade one lab in a process of its own, count points by behaviour, and note what passed.

A behaviour is one test function; with several sets of parameters it holds if it holds for
all of them. A task's points are shared among its behaviours by their weight.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import progress
from course.table import REPO, Lab, Task
from mini_docker import swap

ORDER = ("failed", "passed", "skipped")  # of several outcomes the first one counts


class GradeError(Exception):
    """The grader itself did not work; the message is pytest's last word."""


@dataclass
class Behaviour:
    """What one test function asks for, and whether it was seen."""

    task: int
    sentence: str
    weight: float
    outcome: str
    message: str


@dataclass
class Result:
    """What came of grading *file* for *lab*."""

    lab: Lab
    file: Path
    broken: str = ""  # why the file cannot be imported
    behaviours: list[Behaviour] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)  # as the grader reports them

    def of(self, task: Task, *outcomes: str) -> list[Behaviour]:
        """Return *task*'s behaviours, those with one of *outcomes* if any are named."""
        return [
            it
            for it in self.behaviours
            if it.task == task.number and (not outcomes or it.outcome in outcomes)
        ]

    def points(self, task: Task) -> int:
        """Return what *task* has earned: its points, by the weight of what passed.

        They are rounded down: all of them are for all behaviours.
        """
        whole = sum(it.weight for it in self.of(task))
        return int(task.points * sum(it.weight for it in self.of(task, "passed")) / (whole or 1))

    @property
    def failures(self) -> list[Behaviour]:
        """The behaviours that were not seen, those of the first task first."""
        failed = [it for it in self.behaviours if it.outcome == "failed"]
        return sorted(failed, key=lambda it: it.task)

    @property
    def skipped(self) -> list[Behaviour]:
        return [it for it in self.behaviours if it.outcome == "skipped"]

    @property
    def passed(self) -> bool:
        """Nothing failed, and of each task something was seen."""
        seen = all(self.of(task, "passed") for task in self.lab.tasks)
        return not self.broken and not self.failures and seen


def run(
    lab: Lab, keyword: str = "", file: Path | None = None, options: Sequence[str] = ()
) -> Result:
    """Run *lab*'s tests on *file*, or on the student's copy, or the skeleton.

    *keyword* chooses tests as pytest's -k does; "--reference" among *options* grades the
    engine's module, "--quick" does not run what is not written. Raises GradeError if no
    test ran.
    """
    told = _pytest(lab, keyword, file, options)
    copy = progress.copy(lab)
    graded = (
        lab.engine
        if "--reference" in options
        else file or (copy if copy.exists() else lab.skeleton)
    )
    return Result(lab, graded, told["broken"], _behaviours(told["tests"]), told["tests"])


def note(result: Result, fingerprint: str, whole: bool) -> bool:
    """Note points, and that the file with *fingerprint* has passed; True if it newly has.

    *whole*: all tests were asked for. A lower score for the same file is not noted: what
    needs root was then left out.
    """
    with progress.changing() as noted:
        entry = progress.topic(noted, result.lab)
        if fingerprint != swap.fingerprint(str(result.file)):
            return False  # edited meanwhile
        before = entry.get("points", {})
        points = before.get(fingerprint, {})
        for task in result.lab.tasks:
            if result.of(task):
                points[task.name] = max(points.get(task.name, 0), result.points(task))
        kept = {file: it for file, it in before.items() if file == entry.get("passed")}
        entry["points"] = kept | {fingerprint: points}
        new = whole and result.passed and entry.get("passed") != fingerprint
        if new:
            entry["passed"] = fingerprint
        return new


def _pytest(lab: Lab, keyword: str, file: Path | None, options: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"]
    command += ["-p", "pytest_timeout", str(lab.tests.parent)]
    # What a wrong answer has locked away may stay; it must not keep the grade from the student.
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder:
        report = Path(folder, "report.json")
        command += ["--report", str(report), "--basetemp", f"{folder}/tests"]
        command += ["-k", keyword] if keyword else []
        command += ["--file", str(file)] if file else []
        command += options
        done = subprocess.run(
            command, cwd=REPO, env=_environment(), capture_output=True, text=True, check=False
        )
        told = json.loads(report.read_text()) if report.exists() else None
    if told is None or not (told["broken"] or told["tests"]):
        words = (done.stdout + done.stderr).strip().splitlines()
        last = words[-1] if words else f"exit status {done.returncode}"
        raise GradeError(f"no test of lab {lab.number} ran: {last}")
    found: dict[str, Any] = told
    return found


def _environment() -> dict[str, str]:
    """Leave out plugins that nobody here needs, and byte code in somebody else's clone."""
    more = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    if REPO.stat().st_uid != os.geteuid():
        more["PYTHONDONTWRITEBYTECODE"] = "1"
    return os.environ | more


def _behaviours(tests: list[dict[str, Any]]) -> list[Behaviour]:
    """Put the tests that share a function together: the first failure speaks for all."""
    found: dict[str, Behaviour] = {}
    for it in tests:
        name = it["test"].partition("[")[0]
        new = Behaviour(
            it["task"], it["behaviour"], it["weight"], it["outcome"], it["message"].strip("\n")
        )
        old = found.setdefault(name, new)
        if ORDER.index(new.outcome) < ORDER.index(old.outcome):
            found[name] = new
    return list(found.values())
