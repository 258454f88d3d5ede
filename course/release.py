"""`lab release DIR`: the tree that a teacher hands out, without answers, wrong answers or history.

The engine of a released tree is whole: it runs, and topics can be borrowed. But the modules
whose labs are not open yet travel as byte code, which imports and cannot be read; it is
for the Python that wrote it, which is the VM's if the teacher releases there.
"""

from __future__ import annotations

import py_compile
import re
import shutil
import subprocess
import sys
from pathlib import Path

from course import table
from course.table import REPO, Lab
from mini_docker.errors import UsageError

LEFT_OUT = ("tests/mistakes/", "tests/vm/", ".ci/", ".github/")
COURSE_TEST = re.compile(rb"^\s*(from|import) course\b", re.M)


def write(directory: Path, opened: int) -> str:
    """Write the tree to *directory*, which must be empty, with answers up to lab *opened*.

    Return what to tell the teacher.

    Raises UsageError if it is not empty, or this is no git clone with all sources.
    """
    withheld = withheld_labs(opened)
    for lab in withheld:
        if not lab.engine.exists():
            raise UsageError(f"cannot release: {lab.engine} is not here; release from a full clone")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"cannot release to {directory}: it is there already and not empty")
    names = [name for name in _tracked() if _handed_out(name, withheld)]
    for name in names:
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, target, follow_symlinks=False)
    for lab in withheld:
        module = lab.engine.relative_to(REPO)
        py_compile.compile(
            str(lab.engine),
            cfile=str(directory / module.with_suffix(".pyc")),
            dfile=str(module),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    topics = ", ".join(lab.topic for lab in withheld) or "nothing"
    version = ".".join(map(str, sys.version_info[:2]))
    return f"wrote {directory}: {len(names)} files; as byte code for Python {version}: {topics}"


def withheld_labs(opened: int) -> list[Lab]:
    """Return the labs whose answers are kept back when those up to lab *opened* are not."""
    labs = table.labs()
    if not 0 <= opened <= labs[-1].number:
        raise UsageError(f"--open takes a lab, 0 to {labs[-1].number}, not {opened}")
    return [lab for lab in labs if lab.number > opened]


def _tracked() -> list[str]:
    done = subprocess.run(
        ["git", "-c", f"safe.directory={REPO}", "ls-files", "-z"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UsageError(
            "cannot release: this is not a git clone, so what belongs to it is unknown"
        )
    return [name for name in done.stdout.split("\0") if name and (REPO / name).exists()]


def _handed_out(name: str, withheld: list[Lab]) -> bool:
    if name.startswith(LEFT_OUT):
        return False
    if name.startswith("tests/") and not name.endswith("conftest.py"):
        return COURSE_TEST.search((REPO / name).read_bytes()) is None
    path = REPO / name
    for lab in withheld:
        if path == lab.engine or path.is_relative_to(lab.solution.parent):
            return False
    return True
