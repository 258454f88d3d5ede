"""What a student reads when a test fails: the story, and nothing of the grader's own code."""

from __future__ import annotations

import linecache
import re
from collections.abc import Collection
from pathlib import Path

import pytest

from course import source
from course.table import Lab
from mini_docker.swap_blame import blame

NAME = re.compile(r"test_(?:task(\d+)_)?(\w+)")
UNWRITTEN = re.compile(r"lab \d+, task (\d+): write (\S+)")


def sentence(test: str) -> tuple[int, str]:
    """Return the task and the sentence that the name of *test* stands for; task 0 is none.

    >>> sentence("test_task2_a_refused_write_names_the_file[x]")
    (2, 'a refused write names the file')
    """
    match = NAME.match(test)
    if match is None:
        return 0, test
    return int(match[1] or 0), match[2].replace("_", " ")


def tell(error: BaseException, lab: Lab, file: Path) -> str:
    """Return what to say about *error*, which failed a test of the student's *file*.

    An assertion says what its author wrote; an exception that passed through *file*
    says where; any other came from using what the student's functions returned.
    """
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return str(error).split("\nassert ")[0].strip()
    found = blame(error, str(file))
    unwritten = UNWRITTEN.fullmatch(str(error))
    if isinstance(error, NotImplementedError) and unwritten:
        where = f": {short(file, lab)}:{found[0]}" if found else ""
        return f"task {unwritten[1]}, {unwritten[2]}, is not written yet{where}"
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    if found is None:
        return f"what your function left or returned could not be used: {what}"
    line, function = found
    code = linecache.getline(str(file), line).strip()
    where = f", in {function}" if function else ""
    return f"{what}\n  at {short(file, lab)}:{line}{where}:\n      {code}"


def broken(error: BaseException, lab: Lab, file: Path) -> str:
    """Return what to say about a *file* that cannot even be imported."""
    if isinstance(error, SyntaxError):
        place = f"{short(file, lab)}:{error.lineno}"
        return f"{place} is not Python: {error.msg}\n      {(error.text or '').strip()}"
    return f"{short(file, lab)} cannot be imported: {tell(error, lab, file)}"


def lacking(lab: Lab, file: Path, names: Collection[str]) -> str:
    """Return what to say if *file*, which defines *names*, lacks tasks of *lab*, or ""."""
    gone = ", ".join(task.name for task in lab.tasks if task.name not in names)
    remedy = f"lab reset {lab.number} gives a new copy and keeps yours"
    return f"{short(file, lab)} has no {gone}: {remedy}" if gone else ""


def unwritten(lab: Lab, file: Path) -> dict[int, str]:
    """Return the numbers of the tasks that are in *file* as in the skeleton, with what to say."""
    found = {}
    for task in lab.tasks:
        try:
            now, given = source.find(file, task.name), source.find(lab.skeleton, task.name)
        except (LookupError, SyntaxError):
            continue  # the import, or the tests, will say what is wrong with the file
        if now.code == given.code:
            where = f"{short(file, lab)}:{now.end}"
            found[task.number] = f"task {task.number}, {task.name}, is not written yet: {where}"
    return found


def short(file: Path, lab: Lab) -> str:
    """Return *file* as seen from the clone, if it lies in it."""
    return str(file.relative_to(lab.repo)) if file.is_relative_to(lab.repo) else str(file)
