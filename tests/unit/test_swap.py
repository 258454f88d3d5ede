"""The loader: which module a topic is, in each of its states. Each test is a fresh Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course import table
from mini_docker import swap

REPO = Path(__file__).resolve().parents[2]
LABS = table.labs()


class Work:
    """A student's work folder, somewhere else than in the clone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.progress = folder / "progress.json"
        self.topics: dict[str, dict[str, Any]] = {}
        self.note()

    def note(self, **topics: dict[str, Any]) -> None:
        self.topics |= topics
        self.progress.write_text(json.dumps({"version": 1, "topics": self.topics}))

    def copy(self, topic: str, change: tuple[str, str] = ("", ""), unwritten: bool = False) -> Path:
        """Make the student's copy of *topic* from the engine's module, with one *change*.

        *unwritten*: from the skeleton instead.
        """
        lab = next(lab for lab in LABS if lab.topic == topic)
        target = self.folder / lab.folder / f"{topic}.py"
        target.parent.mkdir(exist_ok=True)
        text = (lab.skeleton if unwritten else lab.engine).read_text()
        assert change[0] in text
        target.write_text(text.replace(*change, 1) if change[0] else text)
        return target

    def python(self, code: str, status: int = 0) -> str:
        """Run *code* as the engine runs, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(REPO)!r})\n{code}"],
            env=os.environ | {"MINI_DOCKER_PROGRESS": str(self.progress)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stdout.strip() or done.stderr.strip()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def test_a_fresh_clone_imports_nothing_for_the_swap(tmp_path: Path) -> None:
    nobody = Work(tmp_path)
    nobody.progress.unlink()
    code = "import mini_docker; print([m for m in sys.modules if m.startswith('mini_docker.')])"
    assert nobody.python(code) == "[]"
    code = "from mini_docker import swap, cgroups; print(swap.student(), swap.state('cgroups'))"
    assert nobody.python(code) == "False ours"


def test_the_state_of_a_topic_follows_from_what_is_noted_and_the_file(work: Work) -> None:
    passed = swap.fingerprint(str(work.copy("processes")))
    work.copy("namespaces")
    work.note(
        processes={"begun": True, "passed": passed},
        namespaces={"begun": True, "passed": passed},
        rootfs={"begun": True, "borrowed": True},
    )
    states = json.loads(
        work.python("from mini_docker import swap; import json; print(json.dumps(swap.states()))")
    )
    assert states == dict.fromkeys([lab.topic for lab in LABS], "locked") | {
        "processes": "yours",
        "namespaces": "trying",
        "rootfs": "borrowed",
    }


def test_a_passed_file_that_is_changed_is_being_tried_again(work: Work) -> None:
    file = work.copy("processes")
    work.note(processes={"begun": True, "passed": swap.fingerprint(str(file))})
    with file.open("a") as more:
        more.write("# changed\n")
    assert work.python("from mini_docker import swap; print(swap.state('processes'))") == "trying"


def test_the_students_module_is_the_one_that_runs(work: Work) -> None:
    file = work.copy("processes")
    work.note(processes={"begun": True}, rootfs={"borrowed": True})
    code = "from mini_docker import processes, rootfs; print(processes.__file__, rootfs.__file__)"
    assert work.python(code) == f"{file} {REPO}/mini_docker/rootfs.py"


def test_an_edit_within_a_second_is_seen_and_leaves_no_byte_code(work: Work) -> None:
    file = work.copy("processes")
    work.note(processes={"begun": True})
    times = os.stat(file)
    code = "from mini_docker import processes; print(processes.REPORT_LIMIT)"
    assert work.python(code) == "65536"
    file.write_text(file.read_text().replace("65536", "65537"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert work.python(code) == "65537"
    assert not list(work.folder.rglob("*.pyc"))


def test_a_locked_topic_imports_and_says_which_lab_when_used(work: Work) -> None:
    code = """
from mini_docker import cgroups
import mini_docker.cgroups
from mini_docker.errors import LockedTopic
try:
    cgroups.create
except LockedTopic as error:
    print(error)
"""
    said = work.python(code)
    assert said == "cgroups.create needs lab 4, cgroups: run `lab start 4`, or `lab borrow cgroups`"


def test_a_topic_that_is_lent_is_the_engine_s_until_something_is_written(work: Work) -> None:
    code = "from mini_docker import images, swap; print(images.__file__, swap.state('images'))"
    assert work.python(code) == f"{REPO}/mini_docker/images.py locked"
    file = work.copy("images", unwritten=True)
    work.note(images={"begun": True})
    assert work.python(code) == f"{REPO}/mini_docker/images.py begun"
    work.copy("images")
    assert work.python(code) == f"{file} trying"


def test_what_a_lent_topic_unlocks_waits_all_the_same(work: Work) -> None:
    code = """
from mini_docker import swap
from mini_docker.errors import LockedTopic
print(swap.locked("images"))
try:
    swap.needs("tag", [])
except LockedTopic as error:
    print(error)
"""
    lab = "lab 9, images: run `lab start 9`, or `lab borrow images`"
    assert work.python(code) == f"False\n`tag` needs {lab}"


def test_a_locked_topic_survives_those_who_only_look(work: Work) -> None:
    code = """
import copy, inspect, pydoc
from mini_docker import cgroups
print(hasattr(cgroups, "create"), getattr(cgroups, "create", None), hasattr(cgroups, "__path__"))
inspect.unwrap(cgroups); inspect.getmembers(cgroups); repr(cgroups); dir(cgroups)
assert "lab 4" in inspect.getdoc(cgroups)
"""
    assert work.python(code) == "False None False"


def test_what_a_command_or_a_flag_needs_is_said_before_anything_is_done(work: Work) -> None:
    code = """
from mini_docker import swap
from mini_docker.errors import LockedTopic
for command, flags in ("ps", []), ("run", ["detach"]), ("run", ["memory"]), ("pause", []):
    try:
        swap.needs(command, flags)
        print(command, "goes")
    except LockedTopic as error:
        print(error)
"""
    work.note(processes={"borrowed": True})
    assert work.python(code).splitlines() == [
        "ps goes",
        "run goes",
        "`run --memory` needs lab 4, cgroups: run `lab start 4`, or `lab borrow cgroups`",
        "`pause` needs lab 4, cgroups: run `lab start 4`, or `lab borrow cgroups`",
    ]


EXPLAIN = """
from mini_docker import swap
try:
    from mini_docker import processes
    {}
except BaseException as error:
    print(swap.explain(error))
"""

# The student's spawn() calls what stands in the engine's container.py.
CALLED_BACK = """processes.spawn(
        id, eval("lambda: {}", dict(globals(), __name__="mini_docker.container")))"""


def task(name: str) -> str:
    """Return how a message names the task *name* of lab 1."""
    number = next(task.number for task in LABS[0].tasks if task.name == name)
    return f"lab 1, task {number} ({name}): "


def test_an_error_in_the_students_function_names_lab_task_file_and_line(work: Work) -> None:
    file = work.copy("processes", ("    reader, report = os.pipe()", "    child.x"))
    work.note(processes={"begun": True})
    line = file.read_text()[: file.read_text().index("child.x")].count("\n") + 1
    assert work.python(EXPLAIN.format("processes.spawn(1)")) == (
        f"{task('spawn')}{file}:{line}: AttributeError: "
        "'int' object has no attribute 'x'; run: lab check 1"
    )


def test_a_file_that_is_no_python_names_the_function_it_stops_in(work: Work) -> None:
    work.copy("processes", ("def init(main: int) -> int:", "def init(main: int) -> int"))
    work.note(processes={"begun": True})
    said = work.python(EXPLAIN.format("processes.init(1)").replace("swap.explain", "str"))
    assert said.startswith(task("init")) and "SyntaxError: expected ':'" in said


def test_what_follows_from_a_wrong_answer_names_what_has_not_passed(work: Work) -> None:
    work.copy("processes", ("    return decode(status)\n", "    return None\n"))
    work.note(processes={"begun": True})
    said = work.python(EXPLAIN.format("None + 1"))
    assert said.startswith("TypeError: ")
    assert said.endswith("; processes has not passed as it is now; run: lab check 1")


def test_the_engines_own_errors_are_not_explained_away(work: Work) -> None:
    work.copy("processes")
    work.note(processes={"begun": True})
    assert work.python(EXPLAIN.format("processes.wait(1)")) == "None"


def test_a_copy_that_is_gone_is_not_begun(work: Work) -> None:
    file = work.copy("processes")
    work.note(processes={"begun": True, "passed": swap.fingerprint(str(file))})
    shutil.rmtree(file.parent)
    code = "from mini_docker import processes, swap; print(swap.state('processes'))"
    assert work.python(code) == "locked"
    said = work.python("from mini_docker import processes; processes.spawn", status=1)
    assert "needs lab 1, processes: run `lab start 1`" in said


def test_a_lab_of_which_nothing_is_written_yet_leaves_the_engine_as_it_was(work: Work) -> None:
    file = work.copy("namespaces", unwritten=True)
    work.note(processes={"borrowed": True}, namespaces={"begun": True})
    code = """
from mini_docker import swap
print(swap.state("namespaces"), swap.locked("namespaces"))
try:
    swap.needs("exec", [])
except swap.LockedTopic as error:
    print(error)
try:
    from mini_docker import namespaces
    namespaces.create({"pid"})
except swap.LockedTopic as error:
    print(error)
"""
    remedy = "lab 2, namespaces, of which nothing is written yet: run `lab check 2`, or "
    remedy += "`lab borrow namespaces`"
    assert work.python(code).splitlines() == [
        "begun True",
        f"`exec` needs {remedy}",
        f"namespaces.create needs {remedy}",
    ]
    file.write_text(file.read_text() + "\n# A thought.\n")
    assert work.python(code).startswith("begun")
    text = file.read_text()
    file.write_text(text.replace('raise NotImplementedError("lab 2, task 1: ', 'pass  # ("'))
    assert work.python("from mini_docker import swap; print(swap.state('namespaces'))") == "trying"


def test_what_is_not_written_yet_is_named_and_not_its_caller(work: Work) -> None:
    work.copy("processes")
    file = work.copy("namespaces", ("    flags = 0", "    return None"))
    text = table.lab(2).skeleton.read_text()
    line = '    raise NotImplementedError("lab 2, task 2: write create")'
    assert line in text
    file.write_text(text.replace("lab 2, task 1: write", "done:"))
    number = text[: text.index(line)].count("\n") + 1
    work.note(processes={"begun": True}, namespaces={"begun": True})
    code = "from mini_docker import namespaces as n; processes.spawn(id, lambda: n.create({'pid'}))"
    assert work.python(EXPLAIN.format(code)) == (
        f"lab 2, task 2 (create): {file}:{number}: not written yet; "
        "run: lab check 2, or `lab borrow namespaces`"
    )


def test_an_error_belongs_to_the_innermost_function_of_the_student(work: Work) -> None:
    work.copy("processes")
    file = work.copy("namespaces", ("    flags = 0", "    flags = gone"))
    work.note(processes={"begun": True}, namespaces={"begun": True})
    code = "from mini_docker import namespaces as n; processes.spawn(id, lambda: n.create({'pid'}))"
    said = work.python(EXPLAIN.format(code))
    assert said.startswith(f"lab 2, task 2 (create): {file}:") and "NameError" in said


def test_a_function_that_is_missing_names_its_own_lab(work: Work) -> None:
    passed = swap.fingerprint(str(work.copy("processes")))
    file = work.copy("rootfs", ("def hide(", "def hidden("))
    work.note(processes={"begun": True, "passed": passed}, rootfs={"begun": True})
    for code in "rootfs.hide([], [])", "rootfs.hide", CALLED_BACK.format("rootfs.hide"):
        code = EXPLAIN.format("from mini_docker import rootfs; " + code)
        assert work.python(code).startswith("lab 3, task 3 (hide): "), code
        assert f"{file} has no hide; run: lab check 3" in work.python(code)


def test_a_student_is_not_to_blame_for_what_is_called_back(work: Work) -> None:
    passed = swap.fingerprint(str(work.copy("processes")))
    work.note(processes={"begun": True, "passed": passed})
    code = EXPLAIN.format(CALLED_BACK.format("None + 1"))
    assert work.python(code) == "None"
    work.copy("rootfs")
    work.note(rootfs={"begun": True})
    said = work.python(code)
    assert said.startswith("TypeError: ") and said.endswith("; run: lab check 3")


def test_a_helper_given_nonsense_is_the_fault_of_its_caller(work: Work) -> None:
    wrong = "from mini_docker import syscalls\ndef block() -> None:\n    syscalls.prctl(None, {})"
    file = work.copy("processes", ("def block() -> None:", wrong))
    work.note(processes={"begun": True})
    said = work.python(EXPLAIN.format("processes.block()"))
    assert said.startswith("lab 1 (block): ") and f"{file}:" in said, said


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("def init(main: int) -> int:", "def init(main: int) -> int"), "SyntaxError"),
        (("def init(main: int) -> int:", "import gone\n\n\ndef init(main):"), "gone"),
        (("def init(main: int) -> int:", "raise SystemExit(3)\n\n\ndef init(main):"), "SystemExit"),
    ],
)
def test_a_broken_module_stops_only_what_uses_it(
    work: Work, change: tuple[str, str], error: str
) -> None:
    file = work.copy("processes", change)
    work.note(processes={"begun": True})
    assert work.python("import mini_docker.container, mini_docker.cli.run; print(1)") == "1"
    code = "assert not hasattr(processes, '__path__'); processes.{}"
    for name in "REPORT_LIMIT", "spawn", "init":
        said = work.python(EXPLAIN.format(code.format(name)).replace("swap.explain", "str"))
        assert said.startswith("lab 1") and f"{file}:" in said and error in said, said
        assert said.endswith("run: lab check 1, or `lab borrow processes`")


def test_a_broken_module_keeps_nobody_from_cleaning_up(work: Work) -> None:
    work.copy("lifecycle", ("STATES =", "import gone\n\nSTATES ="))
    work.note(lifecycle={"begun": True})
    code = """
from mini_docker import lifecycle, swap_loader
from mini_docker.errors import LockedTopic
for command in "stop", "rm":
    swap_loader.tidy(command)
    try:
        print(lifecycle.move("exited", "remove", "web"))
    except LockedTopic as error:
        print(error)
"""
    refused, done = work.python(code).splitlines()
    assert refused.startswith("lab 13") and "gone" in refused and done == "removing"


def test_of_several_locked_flags_the_first_by_name_is_told(work: Work) -> None:
    code = """
from mini_docker import swap
from mini_docker.errors import LockedTopic
try:
    swap.needs("run", {"restart", "no-healthcheck", "health-timeout", "health-interval"})
except LockedTopic as error:
    print(error)
"""
    work.note(processes={"borrowed": True})
    assert work.python(code).startswith("`run --health-interval` needs lab 13, lifecycle")


def test_all_flags_of_a_health_probe_wait_for_the_same_lab() -> None:
    from mini_docker.cli import run_flags

    flags = {flag.name for flag in run_flags.FLAGS if "health" in flag.name}
    unlocked = {lab.topic: set(lab.unlocks) for lab in LABS}["lifecycle"]
    assert {f"run --{name}" for name in flags} == {it for it in unlocked if "health" in it}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"topics": []}', '{"topics": {"cgroups": 1}}'])
def test_a_damaged_progress_file_is_named(work: Work, text: str) -> None:
    work.progress.write_text(text)
    code = """
from mini_docker import swap
from mini_docker.errors import ConfigError
try:
    swap.states()
except ConfigError as error:
    print(error)
"""
    assert str(work.progress) in work.python(code)


def test_the_banner_groups_the_topics(work: Work) -> None:
    work.copy("processes")
    work.copy("namespaces", unwritten=True)
    work.note(processes={"begun": True}, namespaces={"begun": True}, rootfs={"borrowed": True})
    locked = " ".join(lab.topic for lab in LABS[3:])
    assert work.python("from mini_docker import swap; print(swap.banner())") == (
        f"student mode; trying: processes; begun: namespaces; borrowed: rootfs; locked: {locked}; "
        "no security boundary before lab 7"
    )


def test_the_banner_warns_until_the_first_seven_labs_are_done(work: Work) -> None:
    banner = "from mini_docker import swap; print(swap.banner())"
    for lab in LABS[:7]:
        assert "no security boundary before lab 7" in work.python(banner)
        work.note(**{lab.topic: {"borrowed": True}})
    assert work.python(banner).startswith("student mode; borrowed: processes")
    assert "boundary" not in work.python(banner)


@pytest.mark.parametrize(("words", "comes"), [("run --rootfs /gone true", True), ("ps", False)])
def test_the_banner_comes_with_what_runs_something(work: Work, words: str, comes: bool) -> None:
    terminal, ours = os.openpty()
    command = [sys.executable, "-m", "mini_docker", "--root", str(work.folder / "root")]
    environment = os.environ | {"MINI_DOCKER_PROGRESS": str(work.progress)}
    work.note(processes={"borrowed": True}, rootfs={"borrowed": True})
    with os.fdopen(terminal, "rb", 0) as seen, os.fdopen(ours, "wb", 0) as stderr:
        stderr.write(b"begin: ")
        subprocess.run([*command, *words.split()], env=environment, cwd=REPO, stderr=stderr)
        assert (b"student mode" in seen.read(4096)) == comes


def test_a_graded_topic_is_one_object_under_two_names(work: Work) -> None:
    file = work.copy("processes")
    code = f"""
from mini_docker import swap
swap.grade({{"processes": {str(file)!r}}})
import processes, mini_docker.processes
from mini_docker import cgroups, processes as third
print(processes is mini_docker.processes is third, processes.__name__, processes.__file__)
print(cgroups.__file__)
"""
    assert work.python(code).splitlines() == [
        f"True mini_docker.processes {file}",
        f"{REPO}/mini_docker/cgroups.py",
    ]
