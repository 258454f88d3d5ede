"""The command `lab` as a student types it, on a work folder somewhere else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from course import doctor, grade, lab_work, machine, progress, table
from mini_docker.errors import ConfigError

LAB = table.labs()[0]
TASK = LAB.tasks[0]


class Student:
    """Somebody with a work folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.copy = work / LAB.folder / LAB.skeleton.name
        self.environment = os.environ | {
            "MINI_DOCKER_PROGRESS": str(work / "progress.json"),
            "COLUMNS": "100",
        }

    def __call__(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "course.lab", *words],
            env=self.environment,
            cwd=table.REPO,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def noted(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.work / "progress.json").read_text())
        return found

    def solve(self) -> None:
        self("start", "1")
        self.copy.write_text(LAB.engine.read_text())


@pytest.fixture
def student(tmp_path: Path) -> Student:
    return Student(tmp_path / "work")


def test_the_map_shows_all_labs_and_what_is_next_and_writes_nothing(student: Student) -> None:
    said = student()
    for lab in table.labs():
        assert re.search(rf"{lab.number} +{lab.title} +the course's +0/{lab.points}", said)
    assert "Next: chapters/01-processes.md, then lab start 1" in said
    assert not student.work.exists()


def test_start_makes_the_students_copy_and_locks_the_rest(student: Student) -> None:
    said = student("start")
    assert student.copy.read_text() == LAB.skeleton.read_text()
    assert "lab check 1" in said
    assert re.search(r"1 .* trying .*\n *2 .* not begun ", student())
    student.copy.write_text("mine")
    assert "there already" in student("start", "1")
    assert student.copy.read_text() == "mine"


def test_start_of_a_later_lab_says_what_the_engine_lacks(student: Student) -> None:
    assert "mini-docker lacks processes: do those labs, or lab borrow" in student("start", "2")


def test_check_of_a_fresh_copy_fails_fast_and_tells_the_first_cause_first(
    student: Student,
) -> None:
    student("start")
    student("check", status=1)  # byte code is there now
    began = time.monotonic()
    said = student("check", status=1)
    assert time.monotonic() - began < 2 * machine.slowness()
    assert f"task 1, {TASK.name}, is not written yet: {student.copy}:" in said
    assert "stuck? lab hint 1.1" in said


def test_check_of_one_task_takes_its_number_and_its_name(student: Student) -> None:
    student("start")
    for word in "task2", "2", LAB.tasks[1].name:
        said = student("check", "-k", word, status=1)
        assert "task 2" in said and "task 1" not in said
    assert f"it has task1 ({TASK.name})" in student("check", "-k", "task9", status=1)


def test_a_lab_that_passes_is_the_students_until_its_file_changes(student: Student) -> None:
    student.solve()
    assert "Lab 1 has passed: mini-docker runs on your processes" in student("check")
    assert re.search(rf"1 +Processes +yours +{LAB.points}/{LAB.points}", student())
    assert "has passed" not in student("check")
    with student.copy.open("a") as file:
        file.write("# once more\n")
    assert re.search(r"1 +Processes +trying ", student())


def test_a_file_that_is_no_python_is_told_with_its_line(student: Student) -> None:
    student("start")
    student.copy.write_text("def spawn(:\n")
    said = student("check", status=1)
    assert f"{student.copy}:1 is not Python: invalid syntax" in said


def test_hints_come_one_by_one_and_the_third_stays(student: Student) -> None:
    hints = lab_work.read_hints(LAB)[TASK.name]
    for level in (1, 2, 3, 3):
        said = student("hint", "1.1")
        assert f"Hint {level} of 3 for {TASK.name}" in said
        assert hints[level - 1].strip().splitlines()[0] in said
    assert student.noted()["hints"] == {"1.1": 3}


@pytest.mark.parametrize("which", ["", "1", "1.", "x.y", "1.9", "9.1"])
def test_a_hint_for_nothing_is_refused(student: Student, which: str) -> None:
    assert student("hint", which, status=1).startswith("lab: ")


def test_the_solution_is_shown_only_when_asked_for_twice(student: Student) -> None:
    assert "say --yes" in student("solution", "1", status=1)
    code = LAB.engine.read_text()
    said = student("solution", "1", "--yes")
    for task in LAB.tasks:
        assert f"Task {task.number}: {task.name}" in said and f"def {task.name}(" in said
    assert code.splitlines()[0] not in said


def test_reset_keeps_what_the_student_wrote(student: Student) -> None:
    student("start")
    for number, text in enumerate(["first", "second"], 1):
        student.copy.write_text(text)
        student("reset", "1")
        assert student.copy.with_name(f"{student.copy.name}.{number}").read_text() == text
        assert student.copy.read_text() == LAB.skeleton.read_text()
    assert "not begun" in student("reset", "2", status=1)


def test_a_borrowed_topic_is_the_courses_until_it_is_begun(student: Student) -> None:
    student("borrow", LAB.topic)
    assert re.search(r"1 +Processes +borrowed ", student())
    student("start", "1")
    assert re.search(r"1 +Processes +trying ", student())
    assert "the topics are processes" in student("borrow", "gone", status=1)


@pytest.mark.parametrize("words", [("check",), ("watch",), ("check", "1"), ("start", "77")])
def test_what_makes_no_sense_yet_is_refused_in_one_line(
    student: Student, words: tuple[str, ...]
) -> None:
    assert re.search(r"lab: .*(run lab start 1|the labs are)", student(*words, status=1))


def test_watch_grades_when_the_file_is_saved(student: Student) -> None:
    student("start")
    command = [sys.executable, "-um", "course.lab", "watch"]
    with subprocess.Popen(
        command, env=student.environment, cwd=table.REPO, stdout=subprocess.PIPE, text=True
    ) as watch:
        assert watch.stdout is not None
        assert "watching" in watch.stdout.readline()
        with student.copy.open("a") as file:
            file.write("# saved\n")
        lines = iter(watch.stdout.readline, "")
        assert any(line.startswith("Lab 1: Processes") for line in lines)
        watch.terminate()


def test_a_damaged_progress_file_is_named(student: Student) -> None:
    student("start")
    (student.work / "progress.json").write_text("{")
    said = student(status=1)
    assert str(student.work / "progress.json") in said and said.count("\n") == 1


def test_two_writers_of_progress_lose_nothing(student: Student) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "course.lab", "hint", f"1.{number}"],
            env=student.environment,
            cwd=table.REPO,
            stdout=subprocess.DEVNULL,
        )
        for number in (1, 2, 3)
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert student.noted()["hints"] == {"1.1": 1, "1.2": 1, "1.3": 1}
    assert [path.name for path in student.work.iterdir()] == ["progress.json"]


@pytest.mark.root
def test_what_root_writes_belongs_to_the_clones_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clone").mkdir()
    os.chown(tmp_path / "clone", 1000, 1001)
    monkeypatch.setattr(progress, "REPO", tmp_path / "clone")
    monkeypatch.setenv("MINI_DOCKER_PROGRESS", str(tmp_path / "clone/work/progress.json"))
    with progress.changing() as noted:
        noted["hints"]["1.1"] = 1
    progress.put(LAB.skeleton, progress.copy(LAB))
    made = [path for path in (tmp_path / "clone").rglob("*")]
    assert len(made) == 4
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(1000, 1001)}


def test_points_follow_the_weight_of_what_passed() -> None:
    result = grade.Result(LAB, LAB.copy)
    for weight, outcome in (3.0, "passed"), (1.0, "failed"):
        result.behaviours.append(grade.Behaviour(1, "x", weight, outcome, ""))
    assert result.points(TASK) == TASK.points * 0.75
    assert not result.passed


def test_a_behaviour_holds_only_if_it_holds_for_all_parameters() -> None:
    tests = [
        {"test": f"test_task1_x[{n}]", "task": 1, "behaviour": "x", "weight": 1.0}
        | {"outcome": outcome, "message": outcome}
        for n, outcome in enumerate(["skipped", "passed", "failed", "passed"])
    ]
    assert [it.outcome for it in grade._behaviours(tests)] == ["failed"]
    assert [it.outcome for it in grade._behaviours(tests[:2])] == ["passed"]


def test_the_doctor_has_a_line_for_everything_and_a_remedy_for_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = {"kernel", "python", "namespaces", "cgroups", "overlay", "nftables", "busybox"}
    assert wanted <= {it.what for it in doctor.findings()}
    monkeypatch.setattr(machine, "missing", lambda name: f"no {name}")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    found = doctor.findings()
    assert {"error", "warning"} <= {it.level for it in found}
    assert all(it.remedy for it in found if it.level != "ok")


@pytest.mark.parametrize("text", ["x = [", "a = 1", 'spawn = ["1"]', "spawn = 3"])
def test_hints_that_are_not_three_for_each_task_are_refused(tmp_path: Path, text: str) -> None:
    lab = table.Lab("01_x", "X", 60, (table.Task(1, "spawn", 3),), repo=tmp_path)
    lab.hints.parent.mkdir(parents=True)
    lab.hints.write_text(text)
    with pytest.raises(ConfigError, match=r"hints\.toml"):
        lab_work.read_hints(lab)
