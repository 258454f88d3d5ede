"""course.toml, read and checked: which labs there are, and what each asks for."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
FOLDER = re.compile(r"\d\d_[a-z]+")


@dataclass(frozen=True)
class Task:
    """One function that the student writes."""

    number: int
    name: str
    points: int


@dataclass(frozen=True)
class Lab:
    """One lab: a topic, its tasks, and where its files lie below *repo*."""

    folder: str
    title: str
    minutes: int
    tasks: tuple[Task, ...]
    unlocks: tuple[str, ...] = ()
    repo: Path = field(default=REPO, compare=False)

    @property
    def number(self) -> int:
        return int(self.folder[:2])

    @property
    def topic(self) -> str:
        return self.folder[3:]

    @property
    def points(self) -> int:
        return sum(task.points for task in self.tasks)

    @property
    def chapter(self) -> Path:
        return self.repo / "chapters" / f"{self.folder[:2]}-{self.topic}.md"

    @property
    def engine(self) -> Path:
        """The engine's module: the truth that skeleton and solution are made from."""
        return self.repo / "mini_docker" / f"{self.topic}.py"

    @property
    def skeleton(self) -> Path:
        return self.repo / "labs" / self.folder / f"{self.topic}.py"

    @property
    def tests(self) -> Path:
        return self.repo / "labs" / self.folder / f"test_{self.topic}.py"

    @property
    def hints(self) -> Path:
        return self.repo / "labs" / self.folder / "hints.toml"

    @property
    def copy(self) -> Path:
        """The student's copy, made by `lab start`."""
        return self.repo / "work" / self.folder / f"{self.topic}.py"

    @property
    def solution(self) -> Path:
        return self.repo / "solutions" / self.folder / f"{self.topic}.py"

    def task(self, number: int) -> Task:
        """Return task *number*, counted from 1; LookupError, naming those there are."""
        if not 1 <= number <= len(self.tasks):
            raise LookupError(f"lab {self.number} has tasks 1 to {len(self.tasks)}, not {number}")
        return self.tasks[number - 1]

    def named(self, word: str) -> Task:
        """Return the task called *word*: "2", "task2" or its function. LookupError if none is."""
        for task in self.tasks:
            if word in (str(task.number), f"task{task.number}", task.name):
                return task
        names = ", ".join(f"task{it.number} ({it.name})" for it in self.tasks)
        raise LookupError(f"lab {self.number} has no task {word!r}: it has {names}")


def labs(repo: Path = REPO) -> list[Lab]:
    """Return the published labs in order. ValueError, naming the entry, if course.toml is wrong."""
    table = tomllib.loads((repo / "course.toml").read_text())
    found = [_lab(entry, repo) for entry in table["lab"]]
    if [lab.number for lab in found] != sorted({lab.number for lab in found}):
        raise ValueError("course.toml: the labs are not in the order of their numbers")
    return found


def lab(number: int, repo: Path = REPO) -> Lab:
    """Return lab *number*; LookupError, naming those there are."""
    published = labs(repo)
    for it in published:
        if it.number == number:
            return it
    numbers = ", ".join(str(it.number) for it in published)
    raise LookupError(f"there is no lab {number}: the labs are {numbers}")


def named(word: str, repo: Path = REPO) -> tuple[Lab, Task | None]:
    """Return the lab, and the task if one is meant, that a student calls *word*.

    A lab is called "4", "cgroups" or "04_cgroups"; its second task "4.2" or "4.apply".
    LookupError, naming what there is, if there is none of that name.
    """
    name, dot, rest = word.partition(".")
    found = None
    for it in labs(repo):
        if name in (it.topic, it.folder):
            found = it
    if found is None and name.isdecimal():
        found = lab(int(name), repo)
    if found is None:
        topics = ", ".join(f"{it.number} ({it.topic})" for it in labs(repo))
        raise LookupError(f"there is no lab {name!r}: the labs are {topics}")
    return found, found.named(rest) if dot else None


def _lab(entry: dict[str, Any], repo: Path) -> Lab:
    folder = entry["folder"]
    where = f"course.toml: lab {folder}"
    if not FOLDER.fullmatch(folder):
        raise ValueError(f"{where}: a folder is two digits, '_' and one word")
    if folder[3:] in sys.stdlib_module_names:
        raise ValueError(f"{where}: the topic hides a module of the standard library")
    unknown = entry.keys() - {"folder", "title", "minutes", "tasks", "unlocks", "lent"}
    if unknown:
        raise ValueError(f"{where}: unknown key {min(unknown)}")
    tasks = tuple(
        Task(number, it["name"], it["points"]) for number, it in enumerate(entry["tasks"], 1)
    )
    if not tasks or any(task.points < 1 for task in tasks):
        raise ValueError(f"{where}: it needs tasks, each worth at least a point")
    unlocks = tuple(entry.get("unlocks", ()))
    return Lab(folder, entry["title"], entry["minutes"], tasks, unlocks, repo)
