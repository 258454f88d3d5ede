"""Sizes keep their limits: what a reader has to hold in mind at once."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

from course import source, table

REPO = table.REPO
FILES = sorted([*(REPO / "mini_docker").rglob("*.py"), *(REPO / "course").rglob("*.py")])
TASKS = [(lab, task) for lab in table.labs() for task in lab.tasks]
FILE, FUNCTION, PARAMETERS, TASK = 250, 40, 6, 25
MEDIAN, MOST = 10, 25  # lines of code, without the docstring
WORDS = 3500
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, Function)]


def lines(node: Function) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def code(node: Function) -> int:
    """Return the lines of *node* without its docstring."""
    first = node.body[0]
    if ast.get_docstring(node) is None:
        return lines(node)
    return lines(node) - (first.end_lineno or 0) + first.lineno - 1


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(REPO)) for path in FILES])
def test_files_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE
    for node in functions(path):
        assert lines(node) <= FUNCTION, node.name
        count = sum(map(len, (node.args.args, node.args.posonlyargs, node.args.kwonlyargs)))
        own = [it.arg for it in node.args.args[:1] if it.arg in ("self", "cls")]
        assert count - len(own) <= PARAMETERS, node.name


@pytest.mark.parametrize("part", ["mini_docker", "course"])
def test_most_functions_are_short(part: str) -> None:
    sizes = [code(node) for path in FILES if part in path.parts for node in functions(path)]
    assert len(sizes) > 50
    assert statistics.median(sizes) <= MEDIAN
    assert sum(size <= MOST for size in sizes) >= 0.9 * len(sizes)


@pytest.mark.parametrize(
    ("lab", "task"), TASKS, ids=[f"{lab.folder}-{task.name}" for lab, task in TASKS]
)
def test_a_task_is_no_more_than_25_lines(lab: table.Lab, task: table.Task) -> None:
    it = source.find(lab.engine, task.name)
    assert it.end - it.body <= TASK


@pytest.mark.parametrize("lab", table.labs(), ids=[lab.folder for lab in table.labs()])
def test_a_lab_has_three_or_four_tasks_and_at_most_90_minutes(lab: table.Lab) -> None:
    assert 3 <= len(lab.tasks) <= 4 and 45 <= lab.minutes <= 90
    assert len(lab.engine.read_text().splitlines()) >= 80


CHAPTERS = sorted((REPO / "chapters").glob("[0-9][0-9]-*.md"))


@pytest.mark.parametrize("path", CHAPTERS, ids=[path.name for path in CHAPTERS])
def test_a_chapter_is_no_longer_than_an_evening(path: Path) -> None:
    assert 1000 <= len(path.read_text().split()) <= WORDS
