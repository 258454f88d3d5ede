"""Several commands on one container at the same time, and a kill between the two halves of one."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

REPO = Path(__file__).parents[2]


def slowed(engine: Engine, call: str, *words: str) -> subprocess.Popen[bytes]:
    """Start a command whose system calls *call* each take a second longer."""
    inject = f"inject={call}:delay_enter=1000000"
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
    return subprocess.Popen(
        [*strace, *engine.command, *words],
        env=engine.environment,
        cwd=REPO,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("force", [(), ("-f",)])
def test_rm_waits_for_a_start(engine: Engine, force: tuple[str, ...]) -> None:
    words = ("run", "-d", "--name", "starting", "busybox", "sleep", "99")
    with slowed(engine, "pivot_root", *words) as run:
        until(lambda: engine.ok("ps", "-aq"), "the record")
        result = engine("rm", *force, "starting")
        engine("rm", "-f", "starting")  # strace stays until the container ends
        out, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (0, b""), (out, err)
    if force:
        assert result.code == 0, result
    else:
        result.refused("container is running", code=1)


def test_many_commands_on_one_container(engine: Engine) -> None:
    words = "pause|kill|rm -f|update -m 64m|exec many true|inspect|rm -f|unpause|top|ps -a"
    for _ in range(3):
        engine.ok("run", "-d", "--name", "many", "busybox", "sleep", "1000")
        lines = [line.split() for line in words.split("|")]
        commands = [
            line if line[0] in ("exec", "ps") else [*line, "many"] for line in lines
        ]  # fmt: skip
        running = [engine.popen(*command) for command in commands]
        for command, process in zip(commands, running, strict=True):
            if command[0] != "exec":  # it may wait for a container that is paused
                _, err = process.communicate(timeout=30)
                assert b"bug" not in err and b"does not end" not in err, (command, err)
        engine("rm", "-f", "many")
        for process in running:
            process.communicate(timeout=30)
        assert engine.ok("ps", "-aq") == ""


def test_many_verbs_on_one_container(engine: Engine) -> None:
    """Whatever comes between what: each verb succeeds or says why, and the state is true."""
    words = (
        "start|stop -t 0|restart -t 0|kill|rename NEW|pause|unpause|start|update -m 64m|stop -t 0"
    )
    for turn in range(3):
        engine.ok("create", "--name", "many", "busybox", "sleep", "1000")
        id = engine.ok("ps", "-aq")
        commands = [line.replace("NEW", f"new{turn}").split() for line in words.split("|")]
        commands = [[*c[:1], id, *c[1:]] if c[0] == "rename" else [*c, id] for c in commands]
        running = [engine.popen(*command) for command in commands]
        for command, process in zip(commands, running, strict=True):
            _, err = process.communicate(timeout=60)
            assert b"bug" not in err and b"Traceback" not in err, (command, err)
            assert b"in the hands" not in err and b"refused" not in err, (command, err)
        found = engine.inspect(id)
        assert found["Name"] == f"/new{turn}"
        assert found["State"]["Running"] == (found["State"]["Pid"] > 0), found["State"]
        engine.ok("rm", "-f", id)
        assert engine.ok("ps", "-aq") == ""


def test_fifty_by_eight_clients(engine: Engine) -> None:
    """50 containers at the same time, made, stopped and removed by 8 clients."""
    names = [f"c{number:02}" for number in range(50)]
    shares = [names[client::8] for client in range(8)]
    script = """
    for name in $NAMES; do $E run -d --name $name busybox sleep 1000 >/dev/null || exit 1; done
    $E stop -t 0 $NAMES >/dev/null && $E start $NAMES >/dev/null && $E rm -f $NAMES >/dev/null
    """
    running = [
        subprocess.Popen(
            ["sh", "-c", script.replace("$E", " ".join(engine.command))],
            env={**engine.environment, "NAMES": " ".join(share)}, cwd=REPO, stderr=subprocess.PIPE,
        )
        for share in shares
    ]  # fmt: skip
    for process in running:
        _, err = process.communicate(timeout=180)
        assert (process.returncode, err) == (0, b"")
    assert engine.ok("ps", "-aq") == ""


def test_one_of_twenty_gets_the_name(engine: Engine) -> None:
    running = [engine.popen("run", "--name", "same", "busybox", "true") for _ in range(20)]
    codes = [(process.communicate(), process.returncode)[1] for process in running]
    assert sorted(codes) == [0] + [125] * 19
    assert len(engine.ok("ps", "-aq").split()) == 1


@pytest.mark.parametrize("verb", ["pause", "unpause"])
def test_a_pause_that_is_killed_can_be_undone(engine: Engine, verb: str) -> None:
    """kill -9 at each rename and write: the container runs, or unpause lets it run."""
    engine.ok("run", "-d", "--name", "half", "busybox", "sh", "-c", "while :; do usleep 9999; done")
    for step in range(1, 9):
        if verb == "unpause":
            engine("pause", "half")
        inject = f"inject=rename,write:signal=KILL:when={step}"
        strace = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=rename,write", "-e", inject]
        done = subprocess.run(
            [*strace, *engine.command, verb, "half"],
            env=engine.environment, cwd=REPO, capture_output=True, check=False,
        )  # fmt: skip
        state = engine.inspect("half")["State"]
        if state["Status"] == "paused":
            engine.ok("unpause", "half")
        until(partial(_goes_on, state["Pid"], cpu(state["Pid"])), f"{verb} {step}", 5)
        if done.returncode == 0:
            return
    raise AssertionError(f"{verb} was never done")


def _goes_on(pid: int, before: bytes) -> bool:
    return cpu(pid) != before


def cpu(pid: int) -> bytes:
    """Return how often process *pid* has left the processor: it counts while it runs."""
    status = Path(f"/proc/{pid}/status").read_bytes()
    return status.partition(b"\nvoluntary_ctxt_switches:")[2].split()[0]


def test_updates_at_the_same_time_all_count(engine: Engine) -> None:
    engine.ok("run", "--name", "counted", "busybox", "true")
    flags = {"--cpu-shares": "512", "--pids-limit": "77", "--memory": "64m", "--cpu-quota": "5000"}
    running = [engine.popen("update", *pair, "counted") for pair in flags.items()]
    assert [(process.communicate(), process.returncode)[1] for process in running] == [0] * 4
    host = engine.inspect("counted")["HostConfig"]
    told = host["CpuShares"], host["PidsLimit"], host["Memory"], host["CpuQuota"]
    assert told == (512, 77, 64 * 2**20, 5000)


def test_rm_force_goes_on_after_one_it_cannot_remove(engine: Engine) -> None:
    ids: list[str] = []
    while len({id[0] for id in ids}) == len(ids):
        ids.append(engine.ok("run", "-d", "--rm", "busybox", "sleep", "1000"))
    twin = ids[-1][0]
    other = engine.ok("run", "-d", "busybox", "sleep", "1000")
    result = engine("rm", "-f", twin, other)
    assert result.code == 1 and result.out.decode().strip() == other, result
    assert b"multiple IDs" in result.err and len(result.err.splitlines()) == 1


def test_check_leaves_a_container_that_is_being_made(engine: Engine) -> None:
    for call in ("symlink", "pivot_root"):
        with slowed(engine, call, "run", "-d", "--name", "made", "busybox", "sleep", "99") as run:
            for _ in range(4):
                engine("system", "check", "--repair")
            until(lambda: engine("exec", "made", "true").code == 0, "the container", 5)
            engine.ok("rm", "-f", "made")
            _, err = run.communicate(timeout=30)
        assert (run.returncode, err) == (0, b"")


def test_a_broken_config_is_named(engine: Engine, root: Path) -> None:
    id = engine.ok("run", "-d", "--name", "bad", "busybox", "sleep", "1000")
    config = root / "containers" / id / "config.json"
    whole = config.read_text()
    for text in ("{}", '{"linux": 1}', '{"linux": {}}'):
        config.write_text(text)
        for words in (["inspect", "bad"], ["exec", "bad", "true"], ["update", "-m", "64m", "bad"]):
            told = engine(*words)
            assert b"config.json" in told.err and b"bug" not in told.err, (text, told)
    config.write_text(whole)
    note = root / "run" / f"{id}.json"
    note.write_text("{")
    assert note.name.encode() in engine("system", "check").out
    note.unlink()
    os.kill(engine.inspect("bad")["State"]["Pid"], 9)
