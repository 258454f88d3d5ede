"""A released tree is whole enough to work with, and holds no answer that is still kept back."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from course import release, source, table
from course.table import Lab
from mini_docker.errors import UsageError

LABS = table.labs()
OPEN = 2
SHARE = 0.6  # of an answer's lines standing together give it away; a hint may give more, not all


def body(lab: Lab, name: str) -> list[str]:
    """Return the code of our answer to the task *name*."""
    it = source.find(lab.engine, name)
    return list(code_of(it.lines[it.body : it.end]))


def code_of(lines: list[str]) -> Iterator[str]:
    """Yield *lines* without indentation, comments and blanks, however they are wrapped up."""
    for line in lines:
        bare = line.partition("  #")[0].strip()
        if bare and not bare.startswith("#"):
            yield bare


def longest_run(answer: list[str], lines: list[str]) -> int:
    """Return how many lines of *answer* stand together in *lines*."""
    longest = 0
    before = [0] * (len(lines) + 1)
    for wanted in answer:
        now = [0] * (len(lines) + 1)
        for number, line in enumerate(lines):
            if line == wanted:
                now[number + 1] = before[number] + 1
        longest = max(longest, *now)
        before = now
    return longest


def leaks(folder: Path, withheld: list[Lab]) -> list[str]:
    """Return the files below *folder* that hold an answer to a task of *withheld*."""
    answers = [(task.name, body(lab, task.name)) for lab in withheld for task in lab.tasks]
    assert answers and all(len(lines) >= 2 for _, lines in answers)
    found = []
    for path in folder.rglob("*"):
        if not path.is_file() or path.suffix == ".pyc":
            continue
        text = path.read_bytes().decode(errors="replace")
        if path.suffix in (".html", ".json"):
            text = html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\\n", "\n")
        lines = list(code_of(text.replace('\\"', '"').splitlines()))
        for name, answer in answers:
            share = 1 if path.name == "hints.toml" else SHARE
            if longest_run(answer, lines) >= max(2, share * len(answer)):
                found.append(f"{path.relative_to(folder)}: {name}")
    return found


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "course"
    release.write(folder, OPEN)
    return folder


def python(released: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=released,
        env=os.environ | {"PYTHONPATH": str(released), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_search_finds_an_answer_wherever_it_is(tmp_path: Path) -> None:
    lab = LABS[-1]
    answer = "\n".join(source.find(lab.engine, lab.tasks[0].name).code)
    (tmp_path / "a.md").write_text(f"text\n\n    ```python\n    {answer}\n    ```\n")
    (tmp_path / "b.html").write_text(f"<pre><b>{html.escape(answer)}</b></pre>")
    (tmp_path / "c.md").write_text("nothing of the kind")
    assert sorted(it.partition(":")[0] for it in leaks(tmp_path, [lab])) == ["a.md", "b.html"]


def test_no_answer_that_is_kept_back_is_in_the_tree(released: Path) -> None:
    assert leaks(released, release.withheld_labs(OPEN)) == []


def test_answers_of_open_labs_are_in_the_tree(released: Path) -> None:
    for lab in LABS:
        opened = lab.number <= OPEN
        for path in (lab.engine, lab.solution):
            assert (released / path.relative_to(table.REPO)).exists() == opened, path
        compiled = lab.engine.relative_to(table.REPO).with_suffix(".pyc")
        assert (released / compiled).exists() != opened


def test_mistakes_course_tests_and_history_stay_at_home(released: Path) -> None:
    assert not (released / ".git").exists()
    assert not (released / "tests" / "mistakes").exists()
    assert not list(released.rglob("test_course*"))
    assert (released / "labs" / LABS[-1].folder / f"{LABS[-1].topic}.py").exists()


def test_the_engine_of_a_released_tree_is_whole(released: Path) -> None:
    names = ", ".join(lab.topic for lab in LABS)
    code = f"from mini_docker import {names}; print(*(m.__file__ for m in ({names})))"
    done = subprocess.run(
        [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(released)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    suffixes = [Path(name).suffix for name in done.stdout.split()]
    assert suffixes == [".py" if lab.number <= OPEN else ".pyc" for lab in LABS]


def test_a_released_lab_grades_and_keeps_its_solution(released: Path) -> None:
    lab = LABS[-1]
    passed = python(released, "pytest", "-q", "--reference", f"labs/{lab.folder}", "-k", "task1")
    assert passed.returncode == 0, passed.stdout
    refused = python(released, "course.lab", "solution", str(lab.number), "--yes")
    assert refused.returncode == 1 and "ask your teacher" in refused.stderr


def test_the_site_of_a_released_tree_holds_no_answer_either(released: Path, tmp_path: Path) -> None:
    done = python(released, "mkdocs", "build", "--quiet", "--no-strict", "-d", str(tmp_path / "s"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s" / "index.html").exists()
    assert leaks(tmp_path / "s", release.withheld_labs(OPEN)) == []


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="not empty"):
        release.write(tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("opened", [-1, 99])
def test_a_lab_that_does_not_exist_cannot_be_open(tmp_path: Path, opened: int) -> None:
    with pytest.raises(UsageError, match="--open takes a lab"):
        release.write(tmp_path / "x", opened)
