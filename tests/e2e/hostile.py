"""What the hostile tests share: a root to attack from, decoys to attack, and controls.

The programs of an attack are in attacks/. They run in a root made of busybox, Debian's own
Python with the few modules that they import, and the programs.
A control runs the same program where the wall is missing: outside of every container, or
below an engine from which weakened() has taken one protecting step away.

What an attack would reach is always a decoy: a file, a directory or a copy of the test's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.conftest import REPO, Engine, Result

ATTACKS = Path(__file__).parent / "attacks"
PYTHON = os.path.realpath("/usr/bin/python3")
LIBRARY = os.path.dirname(os.path.realpath(os.__file__))  # where that interpreter looks
MODULES = (
    "__future__ collections.abc ctypes errno fcntl functools os runpy signal socket stat struct "
    "termios time typing"
)
LIBRARY = os.path.dirname(os.path.realpath(os.__file__))  # where that interpreter looks
MODULES = (
    "__future__ collections.abc ctypes errno fcntl functools os runpy signal socket stat struct "
    "termios time typing"
)
# A copy of the interpreter for the engine finds no library beside itself: it takes this one.
RUN = ("import sys", "from mini_docker.cli.main import main", "sys.exit(main())")


def base(engine: Engine) -> Path:
    """Return a root with all that an attack needs; the attacks write to its /tmp alone."""
    made = engine.root.parent / "attacker"
    if not made.exists():  # once for all tests, each of which has a store of its own
        making = made.with_name(f"attacker-{os.getpid()}")
        copy_tree(busybox(engine), making)
        for file in _python_files():
            _copy(file, making)
        target = making / LIBRARY.lstrip("/") / "tests/e2e/attacks"
        shutil.copytree(ATTACKS, target, ignore=shutil.ignore_patterns("__pycache__"))
        os.rename(making, made)
    return made


def busybox(engine: Engine) -> Path:
    """Return the directory that holds the files of the image busybox."""
    found = engine.root.glob("*/*/*/bin/busybox")
    return next(path.parents[1] for path in found if "containers" not in path.parts)


def image(engine: Engine, name: str, files: Path, *changes: str) -> None:
    """Make the image *name* of *files*; *changes* are lines of a Dockerfile."""
    archive = subprocess.run(["tar", "-C", str(files), "-c", "."], check=True, capture_output=True)
    words = [word for change in changes for word in ("--change", change)]
    engine.ok("import", *words, "-", name, stdin=archive.stdout)


def copy_tree(source: Path, target: Path) -> Path:
    """Copy with hard links kept: the commands of busybox are one file with 400 names."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    return target


def command(program: str, *words: str) -> list[str]:
    """Return the words that run *program* of attacks/ inside that root."""
    return ["/usr/bin/python3", "-ES", "-m", f"tests.e2e.attacks.{program}", *words]


def attack(
    engine: Engine, program: str, *words: str, flags: tuple[str, ...] = ()
) -> dict[str, str]:
    """Run *program* with *words* in a container with *flags*; return what came of each attempt."""
    root = str(base(engine))
    result = engine("run", "--rm", *flags, "--rootfs", root, *command(program, *words))
    assert result.code == 0, result
    return outcome(result)


def outcome(result: Result) -> dict[str, str]:
    """Return what each attempt of an attack has come to: "EPERM", or "done" and what it found."""
    return pairs(result.out)


def pairs(output: bytes) -> dict[str, str]:
    """Return the lines that an attack has printed: the names of attempts, and their results."""
    lines = output.decode("utf-8", "replace").splitlines()
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def outside(program: str, *words: str, **options: Any) -> dict[str, str]:
    """Run *program* outside of every container: the control."""
    done = subprocess.run(
        command(program, *words),
        **{"cwd": REPO, "capture_output": True, "start_new_session": True, **options},
    )
    result = Result(words, done.returncode, done.stdout or b"", done.stderr or b"")
    assert result.code == 0, result
    return outcome(result)


def weakened(engine: Engine, *lines: str) -> Engine:
    """Return an engine on the same root from which the Python *lines* take something away."""
    other = Engine(engine.root)
    program = "\n".join([*lines, *RUN])
    other.command = [engine.python, "-c", program, "--root", str(engine.root)]
    return other


def copied(engine: Engine, directory: Path) -> tuple[Engine, Path]:
    """Return an engine on the same root run by a copy of the interpreter, and the copy."""
    copy = directory / "python"
    shutil.copy(PYTHON, copy)
    other = Engine(engine.root)
    other.python = str(copy)
    other.command = [other.python, "-m", "mini_docker", "--root", str(engine.root)]
    return other, copy


def _python_files() -> set[str]:
    """Return what MODULES needs to be imported: the interpreter, modules, shared libraries."""
    program = (
        f"import {MODULES.replace(' ', ', ')}, sys\n"
        "print(*(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', 0)),"
        " *(m.__cached__ for m in list(sys.modules.values()) if getattr(m, '__cached__', 0)))"
    )
    words = subprocess.run([PYTHON, "-ISc", program], check=True, capture_output=True, cwd=REPO)
    files = {"/usr/bin/python3", *words.stdout.decode().split()}
    libraries = [PYTHON, *(file for file in files if file.endswith(".so"))]
    told = subprocess.run(["ldd", *libraries], check=True, capture_output=True).stdout.decode()
    return files | set(re.findall(r"(/\S+) \(0x", told))


def _copy(file: str, root: Path) -> None:
    """Copy *file* to the same place below *root*, with its times: byte code depends on them."""
    if os.path.exists(file):
        target = root / file.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(os.path.realpath(file), target)
