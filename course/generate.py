"""Make labs/ and solutions/ from mini_docker/ and course.toml, or check that they are fresh.

    python -m course.generate            write what is missing or stale
    python -m course.generate --check    only say what is, and exit with 1

Three files a lab: the skeleton (the engine's module, with its tasks' bodies taken
out), the solution (the engine's module, byte for byte), and the lab's README.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from course import source, table
from course.table import REPO, Lab


def skeleton(lab: Lab) -> str:
    """Return the text of *lab*'s module without the code of its tasks.

    Signatures, docstrings and everything that is not a task stay as they are. The
    docstring is the assignment: a task without one is a ValueError.
    """
    lines = lab.engine.read_text().splitlines()
    found = [(source.find(lab.engine, task.name), task) for task in lab.tasks]
    for symbol, task in sorted(found, key=lambda pair: pair[0].start, reverse=True):
        if symbol.body == symbol.doc or symbol.body >= symbol.end:
            raise ValueError(f"{lab.engine}: the task {task.name} needs a docstring and a body")
        docstring = lines[symbol.doc]
        indent = docstring[: len(docstring) - len(docstring.lstrip())]
        words = f"lab {lab.number}, task {task.number}: write {task.name}"
        lines[symbol.body : symbol.end] = [f'{indent}raise NotImplementedError("{words}")']
    return "\n".join(lines) + "\n"


def summary(symbol: source.Symbol) -> str:
    """Return the first line of *symbol*'s docstring, without its quotes."""
    line = symbol.lines[symbol.doc].strip()
    return line.lstrip('r"').rstrip('"').strip()


def readme(lab: Lab) -> str:
    """Return the text of labs/NN_topic/README.md: what is asked, where, and which commands."""
    rows = []
    for task in lab.tasks:
        about = summary(source.find(lab.engine, task.name)).replace("|", "\\|")
        rows.append(f"| {task.number} | `{task.name}` | {about} | {task.points} |")
    n = lab.number
    return f"""\
<!-- Generated from course.toml and {lab.engine.relative_to(lab.repo)} by course/generate.py. -->

# Lab {n}: {lab.title}

Chapter: run `scripts/docs serve` and read http://127.0.0.1:8000/{lab.chapter.stem}.html (its
source: [{lab.chapter.name}](../../chapters/{lab.chapter.name})) · about {lab.minutes} minutes ·
{lab.points} points

You write {len(lab.tasks)} functions of `mini_docker/{lab.topic}.py`; the rest is given. Each
docstring is the assignment.

| task | function | what it does | points |
|---|---|---|---|
{chr(10).join(rows)}

```console
$ lab start {n}            # makes work/{lab.folder}/{lab.topic}.py, the file you edit
$ lab check {n}            # grades it
$ lab check {n} -k task1   # grades one task
$ lab hint {n}.1           # the next hint for task 1; there are three
$ sudo lab check {n}       # with the tests that need root
```

`lab.ipynb` is for experiments: nothing in it is graded.
"""


def generated(repo: Path = REPO) -> Iterator[tuple[Path, str]]:
    """Yield each file that this tool owns, with the text it should have."""
    for lab in table.labs(repo):
        yield lab.skeleton, skeleton(lab)
        yield lab.solution, lab.engine.read_text()
        yield lab.skeleton.with_name("README.md"), readme(lab)


def stale(repo: Path = REPO) -> list[tuple[Path, str]]:
    """Return the files that are missing or differ, with the text they should have."""
    return [
        (path, text)
        for path, text in generated(repo)
        if not path.is_file() or path.read_bytes() != text.encode()
    ]


def main() -> int:
    """Run the command; the exit status is 1 if --check found something stale."""
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print("usage: python -m course.generate [--check]", file=sys.stderr)
        return 2
    found = stale()
    for path, text in found:
        print("stale:" if check else "wrote", path.relative_to(REPO))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and found:
        print("run  .venv/bin/python -m course.generate  and commit what it writes")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
