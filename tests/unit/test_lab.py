"""The command `lab` as a student types it, on a work folder somewhere else."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from course import doctor, grade, lab_show, lab_work, machine, progress, table
from mini_docker.errors import ConfigError

LAB = table.labs()[0]
TASK = LAB.tasks[0]


class Student:
    """Somebody with a work folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.user: int | None = None
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
            user=self.user,
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
    assert "Next: chapter 1 (scripts/docs serve), then lab start 1" in said
    assert not student.work.exists()


def test_start_makes_the_students_copy_and_locks_the_rest(student: Student) -> None:
    said = student("start")
    assert student.copy.read_text() == LAB.skeleton.read_text()
    assert "lab check 1" in said
    assert re.search(r"1 .* begun .*\n *2 .* not begun ", student())
    student.copy.write_text("mine")
    assert "there already" in student("start", "1")
    assert student.copy.read_text() == "mine"


def test_start_of_a_later_lab_says_what_the_engine_lacks(student: Student) -> None:
    assert "mini-docker lacks processes: do those labs, or lab borrow" in student("start", "2")


def test_check_of_a_fresh_copy_fails_fast_and_tells_the_first_cause_first(
    student: Student,
) -> None:
    student("start")
    took: list[float] = []
    while not took or (took[-1] >= 2 * machine.slowness() and len(took) < 6):  # others work too
        began = time.monotonic()
        said = student("check", status=1)
        took.append(time.monotonic() - began)
    assert min(took) < 2 * machine.slowness(), took
    assert f"task 1, {TASK.name}, is not written yet: {student.copy}:" in said
    assert "stuck? lab hint 1.1" in said


def test_check_of_one_task_takes_its_number_and_its_name(student: Student) -> None:
    student("start")
    for word in "task2", "2", LAB.tasks[1].name:
        said = student("check", "-k", word, status=1)
        assert "task 2" in said and "task 1" not in said
    assert f"it has task1 ({TASK.name})" in student("check", "-k", "task9", status=1)


def test_a_lab_that_passes_is_the_students_until_its_file_changes(
    student: Student, tmp_path: Path
) -> None:
    student.environment["TMPDIR"] = str(tmp_path)
    student.solve()
    assert "Lab 1 has passed: mini-docker runs on your processes" in student("check")
    assert re.search(rf"1 +Processes +yours +{LAB.points}/{LAB.points}", student())
    assert "has passed" not in student("check")
    assert os.listdir(tmp_path) == ["work"], "grading leaves something behind"
    with student.copy.open("a") as file:
        file.write("# once more\n")
    assert re.search(r"1 +Processes +trying ", student())


def test_the_map_follows_the_file_that_is_there(student: Student) -> None:
    student.solve()
    student("check")
    good = student.copy.read_text()
    full = f"{LAB.points}/{LAB.points}"
    student.copy.write_text("def spawn(:\n")
    assert re.search(rf"1 +Processes +trying +0/{LAB.points} .*[^$]*Next: lab check 1", student())
    student("check", status=1)
    student("reset", "1")
    for _ in range(2):
        assert re.search(rf"1 +Processes +begun +0/{LAB.points} ", student())
        student("check", status=1)
    student.copy.write_text(good)
    assert re.search(rf"1 +Processes +yours +{full} ", student())
    student("borrow", LAB.topic)
    for text in good, good + "#":
        student.copy.write_text(text)
        assert "Next: chapter 2" in student()
    student("start", "1")
    student.copy.unlink()
    assert re.search(rf"1 +Processes +not begun +0/{LAB.points} ", student())
    assert "not begun" in student("check", "1", status=1)


def test_a_borrowed_lab_that_passes_is_not_said_to_run(student: Student) -> None:
    student.solve()
    student("borrow", LAB.topic)
    said = student("check", "1")
    assert "Lab 1 has passed" in said and "until you say: lab start 1" in said
    assert "runs on your" not in said


def test_borrowed_labs_are_left_to_do_but_come_last(student: Student) -> None:
    for lab in table.labs():
        student("borrow", lab.topic)
    assert "Next: lab start 1" in student()
    student("start", "1")
    student("borrow", LAB.topic)
    student("start", "2")
    assert "Next: lab check 2" in student()
    assert "Lab 2: " in student("check", status=1)


def test_a_file_cut_short_is_told_with_what_it_lacks(student: Student) -> None:
    lab = table.labs()[2]
    student("start", "3")
    copy = student.work / lab.folder / lab.skeleton.name
    names = ", ".join(task.name for task in lab.tasks)
    for text, gone in ("", names), (f"def {lab.tasks[0].name}(): ...\n", names.split(", ", 1)[1]):
        copy.write_text(text)
        said = student("check", "3", status=1)
        assert f"{copy} has no {gone}: lab reset 3 gives a new copy and keeps yours" in said


def test_a_lab_is_named_by_number_topic_or_folder() -> None:
    for word in "1", "processes", "01_processes":
        assert table.named(word) == (LAB, None)
        for task in "2", "task2", "spawn":
            assert table.named(f"{word}.{task}") == (LAB, LAB.tasks[1])
    for word in "", ".", "99", "gone", "1.", "1.9", "1.gone":
        with pytest.raises(LookupError, match=r"the labs are|it has task1"):
            table.named(word)


@pytest.mark.parametrize("word", ["01_processes", "1.2"])
def test_every_command_takes_every_name_of_a_lab(student: Student, word: str) -> None:
    assert f"{student.copy} is there" in " ".join(student("start", word).split())
    said = student("check", word, status=1)
    assert "task 2" in said and ("task 1" in said) == ("." not in word)
    if "." in word:
        assert "Hint 1 of 3 for spawn" in student("hint", word)
        assert "lab reset 1" in student("reset", word, status=1)
        assert "Task 2: spawn" in (said := student("solution", word, "--yes"))
        assert "Task 1" not in said
    else:
        assert "Task 1" in student("solution", word, "--yes")
        student("reset", word)
    student("borrow", word)
    assert re.search(r"1 +Processes +borrowed ", student())


def test_a_task_is_said_once(student: Student) -> None:
    student("start", "1")
    assert student("check", "1.1", "-k", "task2", status=1).startswith("lab: say the task once")


NOBODY = 65534


@pytest.mark.root
def test_who_may_not_write_work_reads_why_and_is_graded_all_the_same(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o005:
            folder.chmod(0o755)
    student = Student(tmp_path / "work")
    student("start", "1")
    student.user = NOBODY
    said = student("start", "2", status=1)
    assert said == f"lab: {tmp_path}/work belongs to root: use sudo, or a clone of your own\n"
    said = student("check", "1.1", status=1)
    assert "is not written yet" in said and "belongs to root: use sudo" in said
    said = student("hint", "1.1")
    assert "Hint 1 of 3" in said and "belongs to root: use sudo" in said
    student.environment["MINI_DOCKER_PROGRESS"] = str(tmp_path / "new/progress.json")
    assert student("start", status=1).startswith(f"lab: {tmp_path} belongs to root: use sudo")
    student.environment["MINI_DOCKER_PROGRESS"] = str(table.REPO / "gone/progress.json")
    if table.REPO.stat().st_uid == 0:
        assert student("start", status=1).startswith("lab: this clone belongs to root: use sudo")


@pytest.mark.parametrize("words", [("watch", "1"), ("check", "1")])
def test_ctrl_c_ends_it_quietly(student: Student, words: tuple[str, ...]) -> None:
    student("start", "1")
    student.copy.write_text("import time\nprint('here')\ntime.sleep(100)\n")
    with subprocess.Popen(
        [sys.executable, "-um", "course.lab", *words],
        env=student.environment,
        cwd=table.REPO,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as it:
        assert it.stdout is not None
        if words[0] == "watch":
            assert b"watching" in it.stdout.readline()
        else:
            time.sleep(1 * machine.slowness())
        os.killpg(it.pid, signal.SIGINT)
        assert it.stdout.read() == b""
    assert it.returncode == 130


def test_a_hint_is_wrapped_as_prose_and_its_code_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = "x = " + "1 + " * 20 + "1"
    text = f"\n    if a:\n        {long}\n\n    b\n\nSome words go on here and\nend here.\n\nNew.\n"
    lab_show.show_hint(Console(width=40), text)
    assert capsys.readouterr().out == (
        f"    if a:\n        {long}\n\n    b\n\nSome words go on here and end here.\n\nNew.\n"
    )
    lab_show.show_hint(Console(width=20), "Some words go on\nhere and end here.")
    assert capsys.readouterr().out == "Some words go on\nhere and end here.\n"


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
        assert " ".join(hints[level - 1].split()) in " ".join(said.split())
    assert student.noted()["hints"] == {"1.1": 3}


@pytest.mark.parametrize("which", ["", "1", "1.", "x.y", "1.9", "99.1"])
def test_a_hint_for_nothing_is_refused(student: Student, which: str) -> None:
    assert student("hint", which, status=1).startswith("lab: ")


def test_the_solution_is_shown_only_when_asked_for_twice(student: Student) -> None:
    assert "say --yes" in student("solution", "1", status=1)
    code = LAB.engine.read_text()
    said = student("solution", "1", "--yes")
    for task in LAB.tasks:
        assert f"Task {task.number}: {task.name}" in said and f"def {task.name}(" in said
    assert code.splitlines()[0] not in said


def test_no_line_of_the_solution_is_cut(student: Student) -> None:
    student.environment["COLUMNS"] = "40"
    lines = [line.rstrip() for line in student("solution", "1", "--yes").splitlines()]
    text = LAB.solution.read_text()
    wide = [line for line in lines if len(line) > 80]
    assert wide and all(line in text for line in wide)


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
    assert re.search(r"1 +Processes +begun ", student())
    assert "the labs are 1 (processes), 2" in student("borrow", "gone", status=1)


def test_several_topics_can_be_borrowed_at_once_and_all_or_none_are(student: Student) -> None:
    assert "the labs are 1 (processes), 2" in student("borrow", "2", "gone", status=1)
    assert not re.search("Namespaces +borrowed", student())
    said = student("borrow", "1", "namespaces", "03_rootfs")
    assert [f"lab start {n}" in said for n in (1, 2, 3)] == [True] * 3
    for name in "Processes", "Namespaces", "The root file system":
        assert re.search(f"{name} +borrowed", student())


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
    assert result.points(TASK) == int(TASK.points * 0.75)
    assert not result.passed


@pytest.mark.parametrize(("missing", "points"), [(0, 5), (1, 4), (4, 3), (6, 2), (12, 0), (13, 0)])
def test_full_points_are_for_all_behaviours_and_others_are_rounded_down(
    missing: int, points: int
) -> None:
    task = table.Task(1, TASK.name, 5)
    result = grade.Result(LAB, LAB.copy)
    for number in range(13):
        outcome = "failed" if number < missing else "passed"
        result.behaviours.append(grade.Behaviour(1, str(number), 1.0, outcome, ""))
    assert result.points(task) == points


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
