"""Graders' machinery: what a student is told, tests in namespaces of their own, pretend kernels."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from course import machine, mistakes, table, telling
from mini_docker import syscalls

REPO = table.REPO
LAB = table.labs()[0]

INNER_CONFTEST = """
import pytest
from course import isolate, machine

def pytest_configure(config):
    config.addinivalue_line("markers", "root: in namespaces of its own")
    machine.add_marker(config)

def pytest_runtest_setup(item):
    machine.skip_without_needs(item)

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    return isolate.protocol(item, 4.0) if item.get_closest_marker("root") else None
"""
INNER = """
import os, subprocess, time
import pytest
from mini_docker import syscalls

pytestmark = pytest.mark.root
KEPT = []

def test_good(tmp_path):
    syscalls.mount("none", str(tmp_path), "tmpfs")
    (tmp_path / "secret").touch()
    syscalls.umount(str(tmp_path))
    assert subprocess.run(["true"]).returncode == 0

def test_mount(tmp_path):
    syscalls.mount("none", str(tmp_path), "tmpfs")

def test_process():
    subprocess.Popen(["sleep", "1000"])

def test_orphan():
    subprocess.run(["sh", "-c", "sleep 1000 & exit 0"], check=True)

def test_link():
    subprocess.run(["ip", "link", "add", "left", "type", "bridge"], check=True)

def test_file(tmp_path):
    KEPT.append(open(tmp_path / "file", "w"))

def test_hang(tmp_path):
    words = ["sh", "-c", 'sleep 1000 & echo $! >"$0"', tmp_path.parent.parent / "pid"]
    subprocess.run(["setsid", "-w", *words])
    time.sleep(1000)

def test_end():
    os._exit(0)

def test_wrong():
    assert 1 == 2, "one is not two"

@pytest.mark.needs("cgroup-v1", "cgroup-v2")
def test_both():
    pass
"""


@pytest.mark.root
def test_a_root_test_runs_apart_and_may_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(INNER_CONFTEST)
    (tmp_path / "test_inner.py").write_text(INNER)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    links = os.listdir("/sys/class/net")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider"),
            *(f"--basetemp={tmp_path}/inner", str(tmp_path)),
        ],
        env=os.environ | {"PYTHONPATH": str(REPO)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout
    for name in "mount", "process", "orphan", "link", "file", "hang", "end", "wrong":
        assert re.search(rf"^FAILED test_inner.py::test_{name}\b", said, re.M), f"{name}: {said}"
    assert "PASSED test_inner.py::test_good" in said
    assert re.search(r"SKIPPED .*needs cgroup-v[12]: ", said)
    assert "test_both" not in re.findall(r"^(?:PASSED|FAILED) .*", said, re.M)
    for words in (
        r"left behind: mount .*test_mount0",
        r"left behind: process \d+ sleep",
        "left behind: link left",
        r"left behind: open file \d+ .*/file",
        "did not end within 4 seconds",
        "ended before the test did",
        "one is not two",
    ):
        assert re.search(words, said), f"{words}: {said}"
    assert os.listdir("/sys/class/net") == links
    orphan = Path(tmp_path, "pid").read_text().strip()
    # Nobody here has waited for it: a zombie has no words any more.
    command = Path(f"/proc/{orphan}/cmdline")
    assert not command.exists() or not command.read_bytes(), "it outlived the test that was ended"


def test_every_property_of_the_machine_can_be_asked_for() -> None:
    for name in machine.PROPERTIES:
        assert isinstance(machine.missing(name), str)
        assert machine.missing(name.replace("-", "_")) == machine.missing(name)
    with pytest.raises(LookupError, match="no property gone"):
        machine.missing("gone")


@pytest.mark.parametrize(
    ("name", "task", "words"),
    [
        ("test_task2_a_limit_holds", 2, "a limit holds"),
        ("test_task12_a_limit_holds[x-y]", 12, "a limit holds"),
        ("test_no_task", 0, "no task"),
    ],
)
def test_the_name_of_a_test_is_a_sentence(name: str, task: int, words: str) -> None:
    assert telling.sentence(name) == (task, words)


def run_file(file: Path, name: str) -> BaseException:
    """Return what calling *name*, defined in *file*, raises."""
    space: dict[str, object] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    function = space[name]
    assert callable(function)
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError(f"{name} raised nothing")


def test_an_exception_is_told_with_the_students_line_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "processes.py"
    file.write_text("def spawn():\n    return [].gone\n")
    said = telling.tell(run_file(file, "spawn"), LAB, file)
    assert said == (
        f"AttributeError: 'list' object has no attribute 'gone'\n"
        f"  at {file}:2, in spawn:\n      return [].gone"
    )


def test_what_is_not_written_is_told_as_that(tmp_path: Path) -> None:
    file = tmp_path / "processes.py"
    file.write_text('def spawn():\n    raise NotImplementedError("lab 1, task 2: write spawn")\n')
    said = telling.tell(run_file(file, "spawn"), LAB, file)
    assert said == f"task 2, spawn, is not written yet: {file}:2"


def test_an_assertion_is_told_without_pytests_explanation() -> None:
    error = AssertionError("did: x\nsaw: y\nassert 1 == 2\n +  where 1 = f()")
    assert telling.tell(error, LAB, LAB.copy) == "did: x\nsaw: y"


def test_an_error_outside_of_the_students_file_is_told_without_the_graders_code() -> None:
    said = telling.tell(TypeError("'NoneType' object is not iterable"), LAB, LAB.copy)
    assert said.startswith("what your function left or returned could not be used: TypeError")


PRETEND = sorted(path.stem for path in (REPO / "course").glob("pretend_*.py"))


@pytest.mark.parametrize("name", PRETEND)
def test_a_pretend_call_takes_what_the_real_one_takes(name: str) -> None:
    module = importlib.import_module(f"course.{name}")
    for kernel in vars(module).values():
        if not inspect.isclass(kernel) or kernel.__module__ != module.__name__:
            continue
        for call, pretend in vars(kernel).items():
            real = getattr(syscalls, call, None)
            if inspect.isfunction(pretend) and inspect.isfunction(real):
                _, *taken = inspect.signature(pretend).parameters.values()
                wanted = list(inspect.signature(real).parameters.values())
                assert taken == wanted, f"{name}.{kernel.__name__}.{call}"


def test_some_pretend_calls_are_compared() -> None:
    calls = {
        call
        for name in PRETEND
        for call in vars(getattr(importlib.import_module(f"course.{name}"), "Kernel", object))
        if inspect.isfunction(getattr(syscalls, call, None))
    }
    assert {"mount", "umount", "pivot_root", "clone", "setns"} <= calls


def kept(tmp_path: Path, text: str) -> list[mistakes.Mistake]:
    lab = table.Lab("01_x", "X", 60, (table.Task(1, "first", 3),), repo=tmp_path)
    folder = tmp_path / "tests/mistakes/01_x"
    folder.mkdir(parents=True)
    (folder / "wrong.py").write_text(text)
    lab.engine.parent.mkdir()
    lab.engine.write_text(
        'import os\n\n\ndef first():\n    """Do it."""\n    return 1\n\n\nX = 1\n'
    )
    return mistakes.of(lab)


@pytest.mark.parametrize("head", ["# Says: it is two", '"""it is two"""', "# it is two"])
def test_a_mistake_replaces_one_function_and_says_what_is_said_of_it(
    tmp_path: Path, head: str
) -> None:
    (wrong,) = kept(tmp_path, f"{head}\n# Needs: swap\ndef first():\n    return 2\n")
    assert wrong.text == "import os\n\n\ndef first():\n    return 2\n\n\nX = 1\n"
    assert wrong.needs == ["swap"]
    assert wrong.named_in("saw: it\n     is   two, not one") and not wrong.named_in("it is three")


@pytest.mark.parametrize(
    "text", ["def first():\n    pass\n", "# Says: x\n", "# Says: x\ndef second():\n    pass\n"]
)
def test_a_mistake_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"wrong\.py"):
        kept(tmp_path, text)
