"""Wrong answers that are kept: tests/mistakes/NN_topic/NAME.py, each with what must be said of it.

The file is the one function that it replaces in the engine's module, or a class with the one
method. Its first line is a comment or a docstring with words that the grader's message must hold:

    # Says: the kernel keeps less than it was told
    # Needs: cgroup-v2                 (only where that property of the machine is needed)
    def apply(group, limits): ...
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from course import source
from course.table import Lab, Task

FIRST = re.compile(r'#\s*(?:Says:)?\s*(.+?)\s*|"""\s*(.+?)\s*"""')
NEEDS = re.compile(r"^# Needs: (\S+)$", re.M)


@dataclass(frozen=True)
class Mistake:
    """One wrong answer to one task."""

    lab: Lab
    task: Task
    path: Path
    says: str
    needs: list[str]

    @property
    def text(self) -> str:
        """The lab's module with this answer in the place of ours."""
        engine = source.find(self.lab.engine, self.task.name)
        wrong = source.find(self.path, self.task.name)
        lines = [*engine.lines[: engine.start], *wrong.whole, *engine.lines[engine.end :]]
        return "\n".join(lines) + "\n"

    def named_in(self, message: str) -> bool:
        """Say whether *message* holds the words, wherever its lines break."""
        said = " ".join(message.split())
        words = " ".join(self.says.split())
        return words in said or re.search(words, said) is not None


def of(lab: Lab) -> list[Mistake]:
    """Return the wrong answers to *lab*; ValueError, naming the file, if one makes no sense."""
    folder = lab.repo / "tests" / "mistakes" / lab.folder
    return [_read(lab, path) for path in sorted(folder.glob("*.py"))]


def _read(lab: Lab, path: Path) -> Mistake:
    text = path.read_text()
    first = FIRST.fullmatch(text.splitlines()[0])
    if first is None:
        raise ValueError(f"{path}: its first line must be a comment with what the grader says")
    defined = _defined(ast.parse(text))
    tasks = [task for task in lab.tasks if task.name in defined]
    if len(defined) != 1 or not tasks:
        raise ValueError(f"{path}: it must be one function, a task of lab {lab.number}")
    return Mistake(lab, tasks[0], path, first[1] or first[2], NEEDS.findall(text))


def _defined(tree: ast.Module) -> list[str]:
    """Return the names of the functions in *tree*; of a method "Class.method"."""
    found = []
    for it in tree.body:
        if isinstance(it, ast.ClassDef):
            found += [f"{it.name}.{one.name}" for one in it.body if hasattr(one, "name")]
        elif isinstance(it, source.Definition):
            found.append(it.name)
    return found


def emptied(lab: Lab, task: Task) -> str:
    """Return *lab*'s module with an answer to *task* that does nothing at all."""
    it = source.find(lab.engine, task.name)
    first = it.lines[it.doc]
    indent = first[: len(first) - len(first.lstrip())]
    return "\n".join([*it.lines[: it.body], f"{indent}pass", *it.lines[it.end :]]) + "\n"
