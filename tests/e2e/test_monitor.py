"""The monitor: one small process for each container, which nobody's doings disturb."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.conftest import REPO, Engine, attached, until

pytestmark = pytest.mark.e2e

MOST = 3500  # KiB of its own and its share of the rest, among twenty
LINES = "i=0; while [ $i -lt 60000 ]; do echo line $i of sixty thousand lines; i=$((i+1)); done"


def monitor_of(engine: Engine, name: str) -> int:
    """Return the pid of the monitor of a container, once it has become small."""
    id = engine.inspect(name)["Id"].encode()

    def find() -> int:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if id in words and any(word.endswith(b"/monitor.py") for word in words):
                return int(path.parent.name)
        return 0

    return int(until(find, f"the monitor of {name}"))


def proportional(pid: int) -> int:
    """Return how much memory process *pid* takes, its share of what others use too, in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def open_files(pid: int) -> list[str]:
    """Return what process *pid* has open, without the numbers of pipes and sockets.

    And without the file of all modules (startup_modules.py), if it came from there.
    """
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has closed it meanwhile
            found.append(os.readlink(path).partition("[")[0])
    return sorted(it for it in found if it != str(REPO / "bin/modules"))


def status(engine: Engine, name: str) -> str:
    """Return the state of a container."""
    return str(engine.inspect(name)["State"]["Status"])


def test_twenty_monitors_are_small(engine: Engine) -> None:
    names = [f"small{number}" for number in range(20)]
    for name in names:
        engine.ok("run", "-d", "--name", name, "busybox", "sleep", "1000")
    pids = [monitor_of(engine, name) for name in names]
    until(lambda: all("memfd" not in "".join(open_files(it)) for it in pids), "their first moments")
    average = sum(map(proportional, pids)) / len(pids)
    assert average <= MOST, f"{average:.0f} KiB each"
    engine.ok("rm", "-f", *names)


def test_a_command_that_is_killed_leaves_its_container_alone(engine: Engine) -> None:
    script = "echo one; sleep 1; echo two; exit 7"
    with engine.popen("run", "--name", "left", "busybox", "sh", "-c", script) as process:
        assert process.stdout and process.stdout.readline() == b"one\n"
        process.kill()
    assert engine.ok("wait", "left") == "7"
    assert engine.ok("logs", "left") == "one\ntwo"


def test_a_reader_that_stands_still_holds_nobody_up(engine: Engine) -> None:
    """What it misses waits in a file, and is all there when it goes on."""
    script = f"{LINES}; echo end >&2"
    with engine.popen("run", "--name", "stuck", "busybox", "sh", "-c", script) as process:
        until(lambda: engine("inspect", "stuck").code == 0, "the container")
        until(lambda: status(engine, "stuck") == "exited", "its end, though nobody reads", 60)
        out, err = process.communicate(timeout=60)
    expected = subprocess.run(["sh", "-c", LINES], capture_output=True, check=True).stdout
    assert hashlib.sha256(out).digest() == hashlib.sha256(expected).digest(), len(out)
    assert (err, process.returncode) == (b"end\n", 0)


def test_no_signal_ends_a_monitor(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "calm", "busybox", "sleep", "1000")
    pid = monitor_of(engine, "calm")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE):
        os.kill(pid, number)
    engine.ok("kill", "calm")
    assert engine.inspect("calm")["State"]["ExitCode"] == 137


def test_a_monitor_keeps_nothing_of_its_caller(engine: Engine, tmp_path: Path) -> None:
    with open(tmp_path / "secret", "w") as secret:
        os.set_inheritable(secret.fileno(), True)
        engine.ok("run", "-d", "--name", "own", "busybox", "sleep", "1000", close_fds=False)
    pid = monitor_of(engine, "own")
    until(lambda: "memfd" not in "".join(open_files(pid)), "its first moments")
    files = open_files(pid)
    assert not [file for file in files if "secret" in file], files
    assert files.count("/dev/null") >= 3 and os.readlink(f"/proc/{pid}/cwd") == "/"


def test_a_container_is_restarted_as_its_policy_says(engine: Engine) -> None:
    words = ("run", "-d", "--name", "again", "--restart", "on-failure:3", "busybox")
    engine.ok(*words, "sh", "-c", "echo once more; exit 3")
    until(lambda: status(engine, "again") == "exited", "the last end")
    assert engine.ok("logs", "again").splitlines() == ["once more"] * 4
    found = engine.inspect("again")
    assert (found["RestartCount"], found["State"]["ExitCode"]) == (3, 3)
    engine.ok("rm", "again")


def test_who_reads_late_sees_the_end_before_a_restart(engine: Engine) -> None:
    words = ("run", "--name", "twice", "--restart", "on-failure:1", "busybox", "sh", "-c")
    with engine.popen(*words, f"{LINES}; exit 3") as process:
        until(lambda: engine("inspect", "twice").code == 0, "the container")
        until(
            lambda: status(engine, "twice") == "exited", "its second end, though nobody reads", 60
        )
        out, _ = process.communicate(timeout=60)
    expected = subprocess.run(["sh", "-c", LINES], capture_output=True, check=True).stdout
    assert (out == expected, process.returncode) == (True, 3), len(out)
    assert engine.inspect("twice")["RestartCount"] == 1


def test_a_monitor_does_not_grow_by_restarts(engine: Engine) -> None:
    script = "usleep 100000; exit 1"
    engine.ok("run", "-d", "--name", "often", "--restart", "always", "busybox", "sh", "-c", script)

    def count() -> int:
        return int(engine.inspect("often")["RestartCount"])

    until(lambda: count() >= 1, "the first end")
    pid = monitor_of(engine, "often")
    waiting = ["/dev/null"] * 3 + ["/memfd:monitor (deleted)", "lock", "socket:"]

    def files() -> list[str]:
        return sorted(
            name.rpartition("/")[2] if "lock" in name else name for name in open_files(pid)
        )

    until(lambda: files() == sorted(waiting), "its wait")
    until(lambda: count() >= 3, "three restarts")
    until(lambda: files() == sorted(waiting), "its wait again")
    assert monitor_of(engine, "often") == pid
    engine.ok("rm", "-f", "often")


def test_a_stop_ends_the_wait_for_a_restart(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "never", "--restart", "always", "busybox", "false")
    until(lambda: engine.inspect("never")["RestartCount"] >= 4, "a long wait")
    engine.ok("stop", "never")
    assert status(engine, "never") == "exited"
    count = engine.inspect("never")["RestartCount"]
    engine.ok("rm", "never")
    assert count < 9


def test_a_monitor_that_is_killed_while_it_waits(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "gone", "--restart", "always", "busybox", "false")
    until(lambda: engine.inspect("gone")["RestartCount"] >= 4, "a long wait")
    until(lambda: status(engine, "gone") == "restarting", "its wait")
    os.kill(monitor_of(engine, "gone"), signal.SIGKILL)
    until(lambda: status(engine, "gone") == "exited", "the truth")
    engine.ok("start", "gone")
    engine.ok("rm", "-f", "gone")


def test_a_detached_container_removes_itself(engine: Engine) -> None:
    engine.ok("run", "-d", "--rm", "--name", "brief", "busybox", "usleep", "100000")
    until(lambda: engine.ok("ps", "-aq") == "", "its removal")


def test_a_shared_pid_namespace_loses_no_output(engine: Engine) -> None:
    """What process 1 has started there lives on; the container does not."""
    engine.ok("run", "-d", "--name", "host", "busybox", "sleep", "1000")
    script = "(while :; do echo more; usleep 10000; done) & usleep 200000; echo end; exit 5"
    result = engine("run", "--rm", "--pid", "container:host", "busybox", "sh", "-c", script)
    assert result.code == 5 and b"end\n" in result.out, result
    left = engine.ok("exec", "host", "ps", "-o", "stat,args").splitlines()
    assert not [row for row in left if "usleep" in row and not row.startswith("Z")], left


STOP = """me=$$; while :; do for p in /proc/[0-9]*; do
[ ${p#/proc/} -gt $me ] && kill -STOP ${p#/proc/} 2>/dev/null; done; done"""


def test_ctrl_c_ends_a_start_that_somebody_holds_up(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", STOP)
    words = ("run", "--rm", "--pid", "container:box", "busybox", "true")
    for _ in range(5):  # on a busy machine the one who stops others may come too late
        with engine.popen(*words) as process:
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=20)
            assert process.stderr
            told = process.stderr.read()
        if code:
            break
    assert code == 130 and b"interrupted" in told, (code, told)
    engine.ok("rm", "-f", "box")
    assert engine.ok("ps", "-aq") == ""


def test_two_hundred_at_once(engine: Engine) -> None:
    def start(number: int) -> str:
        return engine.ok("run", "-d", "--name", f"many{number}", "busybox", "sleep", "1000")

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(start, range(200)))
    assert len(ids) == 200
    assert set(engine.ok("ps", "-q", "--no-trunc").split()) == ids
    engine.ok("rm", "-f", *ids)
    assert engine.ok("ps", "-aq") == ""


def test_fifty_by_eight_clients(engine: Engine) -> None:
    def whole(number: int) -> str:
        name = f"busy{number}"
        engine.ok("create", "--name", name, "busybox", "sh", "-c", f"echo {number}; sleep 1000")
        engine.ok("start", name)
        until(lambda: engine.ok("logs", name) == str(number), "its output")
        engine.ok("stop", "-t", "0", name)
        state = engine.inspect(name)["State"]
        engine.ok("rm", name)
        return f"{state['Status']} {state['ExitCode']}"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(whole, range(50))) == {"exited 137"}
    assert engine.ok("ps", "-aq") == ""


def test_who_attaches_while_the_end_is_dealt_with_has_its_exit_code(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "late", "busybox", "sleep", "1000")
    monitor, pid = monitor_of(engine, "late"), engine.inspect("late")["State"]["Pid"]
    os.kill(monitor, signal.SIGSTOP)
    with engine.popen("attach", "late") as process:
        attached(engine, "late")
        os.kill(pid, signal.SIGKILL)
        os.kill(monitor, signal.SIGCONT)
        assert process.communicate(timeout=20) == (b"", b"")
        assert process.returncode == 137


def test_who_finds_the_door_shut_waits_for_the_reason(engine: Engine) -> None:
    """The monitor lives, and does not listen any more: it is at the container's end."""
    engine.ok("run", "-d", "--name", "shut", "busybox", "sleep", "1000")
    (door,) = (engine.root / "run").glob("*.sock")
    door.unlink()
    with engine.popen("attach", "shut") as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        engine.ok("kill", "shut")
        _, err = process.communicate(timeout=20)
    assert b"cannot attach to a stopped container" in err and process.returncode == 1


def test_a_monitor_that_is_killed_while_a_stop_listens_to_it(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "lost", "busybox", "sleep", "1000")
    monitor, pid = monitor_of(engine, "lost"), engine.inspect("lost")["State"]["Pid"]
    os.kill(monitor, signal.SIGSTOP)
    with engine.popen("stop", "-t", "0", "lost") as process:
        stat = Path(f"/proc/{pid}/stat")
        until(lambda: b") Z" in stat.read_bytes(), "the end of process 1")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        os.kill(monitor, signal.SIGKILL)
        assert process.wait(5) == 0
    assert status(engine, "lost") == "exited"
