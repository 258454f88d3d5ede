"""kill -9 at every step of create, run, start, exec, stop, restart, rename, rm -f and prune.

strace ends whoever makes the k-th call of a kind (inject: strace(1)), for each kind that changes
something and every k: the command itself, its monitor, the container's child; but not between
two calls that change nothing or the same. Each time: what
the engine says is what the kernel has, the same command works when it is given once more, and
once the container is removed nothing is left: no file, no mount, no process, no control group.
Nobody repairs anything in between.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mini_docker import containers
from mini_docker.errors import NotFound
from mini_docker.store import Store
from tests.e2e.conftest import REPO, Engine, _groups, until

pytestmark = pytest.mark.e2e

CALLS = (
    *("mkdir", "rename", "symlink", "unlink", "rmdir", "clone3", "clone", "execve", "bind"),
    *("write", "flock", "kill", "pidfd_send_signal"),
)
LASTING = ("rename", "unlink", "bind", "clone", "flock")  # those that others can see
RUNNING = ("rename", "bind", "clone3", "clone", "flock", "sendmsg", "execve")  # of a run -d
TRAP = ("sh", "-c", "trap 'exit 5' TERM; sleep 1000 & wait")  # few calls: it may be traced
# The parent of what loses its parent: a namespace ends once all in it are reaped, and not every
# process 1 does that. It tells how the command has ended, and stays until there is nobody left.
REAPER = """
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
null = os.open("/dev/null", os.O_RDWR)
command = subprocess.Popen(sys.argv[1:], stdout=null)
while True:
    try:
        pid, status = os.waitpid(-1, 0)
    except ChildProcessError:
        break
    if pid == command.pid:
        os.write(1, b"%d\\n" % os.waitstatus_to_exitcode(status))
        os.dup2(null, 1)
os._exit(0)
"""
LEFT: list[int] = []  # reapers that have not ended yet
OFTEN = ("mkdir", "write")
SHORT = re.compile(rb'write\(\d+, "[^"]{1,14}", .*')
NEVER = 9999  # no command makes so many calls
MOST = 200  # no command makes a call of one kind so often
NAME = "victim"

Step = tuple[str, int, int]  # the call, which one of them, the command's exit code


def every_step(
    engine: Engine,
    words: tuple[str, ...],
    before: Callable[[], object],
    tmp_path: Path,
    calls: tuple[str, ...] = CALLS,
) -> Iterator[Step]:
    """Yield each step, once *words* have been killed at it: the caller looks, and goes on.

    *before* makes what the command is given; it is removed after each step.
    """
    log = tmp_path / "strace"
    for call in calls:
        skipped: set[int] = set()
        if call in OFTEN:
            before()
            killed_at(engine, (call, NEVER), words, log)
            truth(engine, (call, NEVER, 0))
            skipped = repeated(log)
            clean(engine, (call, NEVER, 0))
        for number in (it for it in range(1, MOST) if it not in skipped):
            before()
            step = (call, number, killed_at(engine, (call, number), words, log))
            truth(engine, step)
            yield step
            clean(engine, step)
            if most_often(log) < number:
                break
        else:
            raise AssertionError(f"{words} makes the call {call} more than {MOST} times")


def killed_at(engine: Engine, step: tuple[str, int], words: tuple[str, ...], log: Path) -> int:
    """Run a command; whoever of it makes a call for the n-th time is killed. Return its code.

    strace is no parent of it (-D), and stays with what the command leaves behind.
    """
    call, number = step
    inject = f"inject={call}:signal=KILL:when={number}"
    strace = ["strace", "-D", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject]
    log.write_bytes(b"")
    command = [sys.executable, "-c", REAPER, *strace, *engine.command, *words]
    with subprocess.Popen(
        command,
        env=engine.environment,
        cwd=REPO,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as reaper:
        assert reaper.stdout
        code = int(reaper.stdout.readline())
        LEFT.append(reaper.pid)
        reaper.returncode = 0  # it is ours to wait for: see clean()
    return code


def calls_of(log: Path) -> list[list[bytes]]:
    """Return the calls that each process has made, as strace shows them."""
    found: dict[bytes, list[bytes]] = {}
    for line in log.read_bytes().splitlines():
        pid, _, text = line.partition(b" ")
        made = found.setdefault(pid, [])
        if b" resumed>" in text and made:
            made[-1] += text
        elif b"(" in text:
            made.append(text.strip())
    return list(found.values())


def most_often(log: Path) -> int:
    """Return how many calls the process has made that made most of them."""
    return max(map(len, calls_of(log)), default=0)


def repeated(log: Path) -> set[int]:
    """Return at which calls a kill finds what it finds at the one before, in each process.

    That is so after a directory that was there already, and in the middle of a row of words
    for a control group: one device after the other, or one hierarchy.
    """
    skipped: set[int] = set()
    kept: set[int] = set()
    for made in calls_of(log):
        words = [bool(SHORT.match(it)) for it in made]
        for number in range(1, len(made) + 1):
            row = words[max(number - 2, 0) : number + 1] == [True] * 3
            again = number > 1 and (b"EEXIST" in made[number - 2] or row)
            (skipped if again else kept).add(number)
    return skipped - kept


def truth(engine: Engine, step: Step) -> None:
    """What the engine says is what the kernel has, once those who live have had their moment."""
    until(lambda: not lies(engine), f"the truth after {step}, not {lies(engine)}", 5)


def lies(engine: Engine) -> list[str]:
    """Return what the engine says of its containers and the kernel does not."""
    found, broken = containers.listing(Store(str(engine.root)))
    told = [str(error) for error in broken]
    for it in found:
        if it.running() and not containers.alive(containers.read_note(it.store, it.id)):
            told.append(f"{it.state}: no such process")
        if not it.running() and not it.lock().held() and (it.state["Pid"] or _groups(it.id)):
            told.append(f"{it.state}: groups {_groups(it.id)}")
    return told


def clean(engine: Engine, step: Step) -> None:
    """Remove what is there: then there is nothing at all, and nobody has had to repair it."""
    ids = sorted(path.name for path in (engine.root / "containers").glob("?" * 64))
    result = engine("rm", "-f", NAME, *ids)
    assert result.code == 0, (step, result)
    for name in ("containers", "names", "run"):
        left = list((engine.root / name).iterdir())
        assert not left, (step, left)
    for id in ids:
        assert not _groups(id), (step, "a control group is left behind")
    while LEFT:
        until(lambda: os.waitpid(LEFT[-1], os.WNOHANG)[0], f"the last process of {step}")
        LEFT.pop()


def runs(engine: Engine, words: tuple[str, ...]) -> bool:
    """Give the command once more; say whether the container runs after that.

    One that was started by a command which was traced is traced as well: at its own n-th call
    it may end after all.
    """
    engine.ok(*words)
    return engine("exec", NAME, "echo", "in").out == b"in\n"


def state(engine: Engine, name: str = NAME) -> str:
    """Return the state of the container *name*, or "" if there is none."""
    try:
        return containers.load(Store(str(engine.root)), name).status()
    except NotFound:
        return ""


def let_go(engine: Engine, step: Step) -> None:
    """End a container with --rm: its monitor removes it, and may be killed at that.

    Then the next command goes on, whatever it is.
    """
    left = engine.root / "containers"
    until(lambda: not (engine("rm", "-f", NAME) and list(left.iterdir())), f"its end after {step}")


def test_create_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    words = ("create", "--name", NAME, "busybox", "true")
    seen = set()
    for step in every_step(engine, words, lambda: None, tmp_path):
        seen.add(state(engine))
        if not state(engine):
            engine.ok(*words)  # the name is free
        else:
            engine(*words).refused("is already in use", code=1)
        assert state(engine) == "created", step
    assert seen == {"", "created"}


def test_run_with_rm_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    """It runs, or there is nothing: no program that runs on, and no container of an end."""
    words = ("run", "-d", "--rm", "--name", NAME, "busybox", *TRAP)
    seen = set()
    for step in every_step(engine, words, lambda: None, tmp_path, RUNNING):
        until(lambda: state(engine) in ("", "running"), f"one of the two after {step}")
        seen.add(state(engine))
        if not state(engine):
            engine.ok(*words)  # the name is free
        let_go(engine, step)
    assert seen == {"", "running"}


def test_start_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    words = ("start", NAME)
    seen = set()

    def make() -> None:
        engine.ok("create", "--name", NAME, "busybox", *TRAP)

    for step in every_step(engine, words, make, tmp_path):
        seen.add(state(engine))
        assert state(engine) in ("created", "running", "exited"), step
        until(lambda: runs(engine, words), f"the container, started again, after {step}")
    assert seen >= {"created", "running"}


def test_start_of_an_ended_one_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    words = ("start", NAME)
    script = "test -e /ran && exec sleep 99; >/ran; exit 4"
    seen = set()

    def make() -> None:
        assert engine("run", "--name", NAME, "busybox", "sh", "-c", script).code == 4

    for step in every_step(engine, words, make, tmp_path):
        seen.add(state(engine))
        found = containers.load(Store(str(engine.root)), NAME).state
        assert found["Status"] == "running" or found["ExitCode"] in (4, 137, 255), (step, found)
        until(lambda: runs(engine, words), f"the container, started again, after {step}")
    assert seen == {"exited", "running"}


def test_stop_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    words = ("stop", "-t", "5", NAME)
    seen = set()

    def make() -> None:
        engine.ok("run", "-d", "--name", NAME, "--restart", "always", "busybox", *TRAP)

    for step in every_step(engine, words, make, tmp_path):
        seen.add(state(engine))
        engine.ok(*words)
        found = containers.load(Store(str(engine.root)), NAME).state
        assert (found["Status"], found["Pid"]) == ("exited", 0), (step, found)
    assert seen >= {"running", "exited"}


@pytest.mark.parametrize("calls", [CALLS[:4], CALLS[4:9], CALLS[9:]], ids=["files", "more", "rest"])
def test_restart_killed_at_every_step(
    engine: Engine, tmp_path: Path, calls: tuple[str, ...]
) -> None:
    words = ("restart", "-t", "5", NAME)
    seen = set()

    def make() -> None:
        engine.ok("run", "-d", "--name", NAME, "busybox", *TRAP)

    for step in every_step(engine, words, make, tmp_path, calls):
        seen.add(state(engine))
        until(lambda: runs(engine, words), f"the container, started again, after {step}")
    assert seen and seen <= {"exited", "running"}


def test_restart_with_rm_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    """It runs, or it is gone: nobody removes an ended one that its restart needed."""
    words = ("restart", "-t", "5", NAME)
    seen = set()

    def make() -> None:
        engine.ok("run", "-d", "--rm", "--name", NAME, "busybox", *TRAP)

    for step in every_step(engine, words, make, tmp_path, (*LASTING, "pidfd_send_signal")):
        until(lambda: state(engine) in ("", "running"), f"one of the two after {step}")
        seen.add(state(engine))
        let_go(engine, step)
    assert seen == {"", "running"}


def test_exec_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    """However it ends, the container is none the worse for it, and nobody stays in it."""
    words = ("exec", NAME, "sh", "-c", "exit 0")

    def make() -> None:
        engine.ok("run", "-d", "--name", NAME, "busybox", "sleep", "1000")

    for step in every_step(engine, words, make, tmp_path):
        assert state(engine) == "running", step
        until(lambda: len(engine.ok("top", NAME).splitlines()) == 2, f"the end of exec {step}")
        engine.ok(*words)


def test_rename_killed_at_every_step(engine: Engine, tmp_path: Path) -> None:
    words = ("rename", NAME, "other")
    seen = set()

    def make() -> None:
        engine.ok("create", "--name", NAME, "busybox", "true")

    for step in every_step(engine, words, make, tmp_path):
        before = state(engine), state(engine, "other")
        seen.add(before)
        assert before in (("created", ""), ("", "created")), step
        if before[0]:
            engine.ok(*words)
        assert (state(engine), state(engine, "other")) == ("", "created"), step
        engine.ok("create", "--name", NAME, "busybox", "true")  # the old name is free
    assert len(seen) == 2


@pytest.mark.parametrize("words", [("rm", "-f", NAME), ("rm", NAME), ("container", "prune", "-f")])
def test_removal_killed_at_every_step(
    engine: Engine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    seen = set()

    def make() -> None:
        form = ("run", "-d") if "-f" in words and words[0] == "rm" else ("create",)
        engine.ok(*form, "--name", NAME, "busybox", "sh", "-c", ">/a; exec sleep 1000")

    for step in every_step(engine, words, make, tmp_path):
        seen.add(state(engine))
        code = int(words == ("rm", NAME) and not state(engine))
        assert engine(*words).code == code, step
        assert not state(engine), step
    assert "" in seen and len(seen) > 1


def test_the_end_and_the_return_of_a_container_killed_at_every_step(
    engine: Engine, tmp_path: Path
) -> None:
    """Its monitor is killed while it writes an end down, waits, and starts the container again."""
    words = ("run", "-d", "--restart", "always", "--name", NAME, "busybox", "sleep", "0.2")
    seen = set()

    def later() -> bool:
        it = containers.load(Store(str(engine.root)), NAME)
        return it.state.get("RestartCount", 0) > 0 or not it.lock().held()

    for step in every_step(engine, words, lambda: None, tmp_path, LASTING):
        if not state(engine):
            engine.ok(*words)
        until(later, f"a restart, or no monitor, after {step}")
        seen.add(state(engine))
        truth(engine, step)
        engine.ok("stop", "-t", "0", NAME)
        assert state(engine) in ("exited", "created"), step
        engine.ok("start", NAME)
    assert "exited" in seen
