"""What keeps the course true: the promises that one file of a lab makes about another.

Everything here goes over course.toml, so a new lab is held to all of it from its first day.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from course import generate, grade, lab_work, machine, mistakes, table
from course.grade import Result
from course.mistakes import Mistake
from course.table import Lab, Task

LABS = table.labs()
TASKS = [(lab, task) for lab in LABS for task in lab.tasks]
MISTAKES = [mistake for lab in LABS for mistake in mistakes.of(lab)]
AS_ORDINARY_USER = (
    "setpriv --reuid 1000 --regid 1000 --clear-groups env -i HOME=/ PATH=/usr/bin "
    "MINI_DOCKER_PROGRESS= PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=."
)
by_lab = pytest.mark.parametrize("lab", LABS, ids=[lab.folder for lab in LABS])
by_task = pytest.mark.parametrize(
    ("lab", "task"), TASKS, ids=[f"{lab.folder}-{task.name}" for lab, task in TASKS]
)


@cache
def reference(lab: Lab) -> Result:
    return grade.run(lab, options=["--reference"])


def ran(result: Result) -> list[dict[str, Any]]:
    """Return the tests that ran; one that was left out must lack a named property."""
    for test in result.tests:
        if test["outcome"] == "skipped":
            named = re.match(r"needs ([\w-]+): ", test["message"])
            assert named and machine.missing(named[1]), f"{test['test']}: {test['message']}"
    return [test for test in result.tests if test["outcome"] != "skipped"]


def test_there_is_something_to_hold_to_these_promises() -> None:
    assert [lab.number for lab in LABS] == list(range(1, len(LABS) + 1)) != []


def test_generated_files_are_fresh() -> None:
    stale = [str(path.relative_to(table.REPO)) for path, _ in generate.stale()]
    assert not stale, "run  .venv/bin/python -m course.generate"


def test_nothing_else_looks_generated() -> None:
    ours = {path for path, _ in generate.generated()}
    found = {*table.REPO.glob("solutions/*/*.py"), *table.REPO.glob("labs/*/README.md")}
    assert found <= ours


@by_lab
def test_our_module_passes_its_lab(lab: Lab) -> None:
    result = reference(lab)
    assert not result.broken
    assert [test for test in ran(result) if test["outcome"] != "passed"] == []
    assert len(ran(result)) >= len(lab.tasks)


@by_lab
def test_the_skeleton_fails_every_test(lab: Lab) -> None:
    result = grade.run(lab, file=lab.skeleton)
    assert [test["test"] for test in ran(result) if test["outcome"] != "failed"] == []
    assert len(result.tests) == len(reference(lab).tests)


@by_task
def test_an_empty_answer_fails_every_test_of_its_task(lab: Lab, task: Task, tmp_path: Path) -> None:
    file = tmp_path / f"{lab.topic}.py"
    file.write_text(mistakes.emptied(lab, task))
    result = grade.run(lab, f"task{task.number}_", file)
    assert [test["test"] for test in ran(result) if test["outcome"] != "failed"] == []
    for test in ran(result):
        assert_is_a_story(test["message"], lab)


@by_lab
def test_every_task_is_tested_and_every_test_has_a_task(lab: Lab) -> None:
    assert {test["task"] for test in ran(reference(lab))} == {it.number for it in lab.tasks}


@by_lab
def test_a_lab_keeps_at_least_five_mistakes_and_one_for_each_task(lab: Lab) -> None:
    kept = mistakes.of(lab)
    assert len(kept) >= 5
    assert {mistake.task for mistake in kept} == set(lab.tasks)


@pytest.mark.parametrize(
    "mistake", MISTAKES, ids=[f"{it.lab.folder}-{it.path.stem}" for it in MISTAKES]
)
def test_a_mistake_is_rejected_with_a_message_that_names_it(
    mistake: Mistake, tmp_path: Path
) -> None:
    for name in mistake.needs:
        if why := machine.missing(name):
            pytest.skip(f"needs {name}: {why}")
    file = tmp_path / f"{mistake.lab.topic}.py"
    file.write_text(mistake.text)
    messages: list[str] = []
    # One that hangs may do so in every test: mostly the first failures name it.
    for options in ["--maxfail=3"], []:
        result = grade.run(mistake.lab, f"task{mistake.task.number}_", file, options)
        messages = [test["message"] for test in ran(result) if test["outcome"] == "failed"]
        if any(mistake.named_in(message) for message in messages):
            break
    assert messages, f"the grader of lab {mistake.lab.number} accepts it"
    said = [message for message in messages if mistake.named_in(message)]
    assert said, f"no message says {mistake.says!r}, but:\n" + "\n--\n".join(messages)
    for message in messages:
        assert_is_a_story(message, mistake.lab)


def assert_is_a_story(message: str, lab: Lab) -> None:
    """A student reads what happened, never the grader's own code."""
    assert message.strip()
    for sign in ("Traceback", "assert ", ">       ", lab.tests.name, "fixture"):
        assert sign not in message, message


@by_lab
def test_every_task_has_three_hints(lab: Lab) -> None:
    assert set(lab_work.read_hints(lab)) == {task.name for task in lab.tasks}


@by_lab
def test_the_solution_has_notes(lab: Lab) -> None:
    assert len(lab.solution.with_name("README.md").read_text().split()) > 100


@by_lab
def test_the_notebook_is_stored_without_output(lab: Lab) -> None:
    book = json.loads(lab.tests.with_name("lab.ipynb").read_text())
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)


@pytest.mark.root
@by_lab
def test_the_notebook_runs_with_our_module(lab: Lab, tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    book = nbformat.read(lab.tests.with_name("lab.ipynb"), as_version=4)
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": tmp_path}}).execute()


@pytest.mark.root
@pytest.mark.parametrize("lab", LABS[:3], ids=[lab.folder for lab in LABS[:3]])
def test_labs_01_to_03_pass_for_an_ordinary_user(lab: Lab, tmp_path: Path) -> None:
    clone, report = tmp_path / "clone", tmp_path / "out" / "report.json"
    clone.mkdir()
    report.parent.mkdir()
    report.parent.chmod(0o777)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    # The clone may lie where only its owner may look: bound, it is everybody's to read.
    subprocess.run(["mount", "--bind", table.REPO, clone], check=True)
    command = [str(clone / ".venv/bin/python3"), "-m", "pytest", "-q"]
    options = [
        "-p",
        "no:cacheprovider",
        "--reference",
        f"--report={report}",
        f"--basetemp={report.parent}/tmp",
    ]
    done = subprocess.run(
        [*AS_ORDINARY_USER.split(), *command, *options, f"labs/{lab.folder}"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    subprocess.run(["umount", "-l", clone], check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = json.loads(report.read_text())["tests"]
    left_out = {test["message"] for test in tests if test["outcome"] == "skipped"}
    assert not any("root" in message for message in left_out), left_out
    assert {test["task"] for test in tests if test["outcome"] == "passed"} == {
        task.number for task in lab.tasks
    }
