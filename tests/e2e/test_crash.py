"""kill -9 at any point: the engine tells the truth afterwards, and nothing is left behind.

strace ends each process of the engine at its k-th system call that changes something (inject:
strace(1)), for every k of a run, of a detached run, of an exec and of an rm.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Engine, _groups, until

pytestmark = pytest.mark.e2e

CHANGES = (
    "mkdir,rename,symlink,unlink,unlinkat,rmdir,clone3,clone,vfork,write,flock,pipe2,execve,"
    "bind,sendmsg,memfd_create,socketpair"
)
# What only the monitor, or the child, does of it.
BEHIND = "setsid,bind,clone3,mount,pivot_root,seccomp,memfd_create,pidfd_open"


def killed_at(engine: Engine, step: int, *words: str, calls: str = CHANGES) -> int:
    """Run a command of which each process is killed at its *step*-th of *calls*.

    Return its exit code, or -9.
    """
    inject = f"inject={calls}:signal=KILL:when={step}"
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject]
    done = subprocess.run(
        [*strace, *engine.command, *words],
        env=engine.environment,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode


def settle(engine: Engine, step: int) -> None:
    """After a crash: repair, then nothing is wrong, and every container can be removed."""
    engine("system", "check", "--repair")
    again = engine("system", "check")
    assert again.out == b"everything is in order\n", (step, again)
    for line in engine.ok("ps", "-a", "--format", "{{.ID}} {{.State}}").splitlines():
        id, state = line.split()
        pid = engine.inspect(id)["State"]["Pid"]
        assert (state == "running") == (pid > 0), (step, line)
        if pid:
            os.kill(pid, 0)


@pytest.mark.parametrize(("calls", "code"), [(CHANGES, -9), (BEHIND, 125)])
def test_a_run_killed_at_every_step(engine: Engine, root: Path, calls: str, code: int) -> None:
    """The command, its monitor and the container's child are each killed at their step.

    The command takes many more of them before the others begin: so those have their own.
    """
    words = ("run", "--name", "again", "--rm", "busybox", "true")
    step = 0
    codes: list[int] = []
    while codes[-3:] != [0, 0, 0]:  # a monitor that is killed after its answer spoils no code
        step += 1
        codes.append(killed_at(engine, step, *words, calls=calls))
        assert step < 400
        settle(engine, step)
        engine("rm", "-f", "again")
        assert not list((root / "run").glob("*")), step
    assert step > 20, "strace has not killed anything: is its syntax another one?"
    assert code in codes, codes


def test_a_detached_run_killed_at_every_step(engine: Engine) -> None:
    """The command, its monitor and the container's child are each killed at their step."""
    words = ("run", "-d", "--name", "again", "busybox", "usleep", "1000")
    step, endings = 0, set()
    while True:
        step += 1
        code = killed_at(engine, step, *words)
        settle(engine, step)
        result = engine("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "again")
        endings.add(ending := (code, result.out.decode().strip()))
        assert code != 0 or ending[1].startswith("exited"), (step, ending)
        engine("rm", "-f", "again")
        assert engine.ok("ps", "-aq") == "", step
        if ending == (0, "exited 0"):
            break
        assert step < 400
    assert step > 15 and len(endings) > 2, (step, endings)


def test_an_rm_killed_at_every_step(engine: Engine) -> None:
    step = 0
    while True:
        step += 1
        if not engine.ok("ps", "-aq", "--filter", "name=gone"):
            engine.ok("run", "--name", "gone", "busybox", "touch", "/a", "/b")
        code = killed_at(engine, step, "rm", "gone")
        settle(engine, step)
        if code not in (-9, 137):
            break
        assert step < 400
    assert step > 5 and code in (0, 1)
    engine("rm", "gone")


def test_the_monitor_is_killed_and_the_container_runs_on(engine: Engine) -> None:
    id = engine.ok("run", "-d", "--name", "orphan", "busybox", "sleep", "1000")
    monitor = until(lambda: monitor_of(id), "its monitor, a program of its own by now")
    os.kill(monitor, signal.SIGKILL)
    until(lambda: gone(monitor), "the monitor's end")
    assert engine.inspect("orphan")["State"]["Status"] == "running"
    assert engine.ok("exec", "orphan", "echo", "alive") == "alive"
    pid = engine.inspect("orphan")["State"]["Pid"]
    os.kill(pid, signal.SIGKILL)
    state = until(lambda: ended(engine, "orphan"), "the orphan's end")
    assert state["ExitCode"] == 255 and "monitor" in state["Error"]
    assert not _groups(id)


def test_the_foreground_engine_is_killed_and_its_container_is_found(engine: Engine) -> None:
    with engine.popen("run", "--rm", "--name", "left", "busybox", "sleep", "1000") as process:
        until(lambda: engine("inspect", "left").out != b"[]\n" and up(engine, "left"), "the start")
        process.kill()
    assert engine.ok("ps", "--format", "{{.Names}}") == "left"
    engine.ok("kill", "left")
    until(lambda: engine.ok("ps", "-aq") == "", "its removal, which --rm asked for")


def monitor_of(id: str) -> int:
    """Return the pid of the monitor of container *id*; 0 while that is a fork of the command."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if id.encode() in words and any(word.endswith(b"/monitor.py") for word in words):
            return int(path.parent.name)
    return 0


def gone(pid: int) -> bool:
    """Say whether process *pid* has ended; a zombie has, whoever is late in reaping it."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""
    except FileNotFoundError:
        return True


def up(engine: Engine, name: str) -> bool:
    """Say whether the container runs."""
    result = engine("inspect", "--format", "{{.State.Status}}", name)
    return result.out.strip() == b"running"


def ended(engine: Engine, name: str) -> dict[str, object]:
    """Return the state of a container that has ended, or nothing."""
    state: dict[str, object] = engine.inspect(name)["State"]
    return state if state["Status"] == "exited" else {}
