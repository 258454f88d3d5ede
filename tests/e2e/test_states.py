"""The life of a container: its states, the verbs between them, and what its policy does."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from mini_docker.store import Lock
from tests.e2e.conftest import REPO, Engine, until

pytestmark = pytest.mark.e2e

OBEYS = ("sh", "-c", "trap 'exit 5' TERM; >/up; while :; do sleep 0.02; done")
DEAF = ("sh", "-c", "trap '' TERM; >/up; while :; do sleep 0.02; done")


def state(engine: Engine, name: str) -> dict[str, object]:
    found: dict[str, object] = engine.inspect(name)["State"]
    return found


def started(engine: Engine, name: str, *words: str) -> str:
    """Start a container that makes the file /up once it listens; return its id."""
    id = engine.ok("run", "-d", "--name", name, *words)
    up = Path(engine.inspect(name)["GraphDriver"]["Data"]["UpperDir"]) / "up"
    until(up.exists, "a container that listens")
    return id


def test_from_created_to_gone(engine: Engine) -> None:
    id = engine.ok("create", "--name", "web", "busybox", *OBEYS)
    found = state(engine, "web")
    assert (found["Status"], found["Running"], found["Pid"]) == ("created", False, 0)
    assert found["StartedAt"] == found["FinishedAt"] == "0001-01-01T00:00:00Z"
    assert engine.ok("ps", "-q") == "" and engine.ok("ps", "-aq", "--no-trunc") == id
    assert engine.ok("start", "web") == "web"
    assert engine.ok("start", "web") == "web"  # it runs: nothing to do
    first = state(engine, "web")
    assert first["Status"] == "running"
    assert engine.ok("pause", "web") == "web"
    assert (state(engine, "web")["Paused"], state(engine, "web")["Running"]) == (True, True)
    assert engine.ok("unpause", "web") == "web"
    upper = Path(engine.inspect("web")["GraphDriver"]["Data"]["UpperDir"])
    until((upper / "up").exists, "the trap")
    assert engine.ok("stop", "web") == "web"
    ended = state(engine, "web")
    assert (ended["Status"], ended["ExitCode"], ended["Error"]) == ("exited", 5, "")
    assert str(ended["FinishedAt"]) > str(ended["StartedAt"])
    assert engine.ok("stop", "web") == "web"  # nothing to do
    assert engine.ok("restart", "web") == "web"
    assert str(state(engine, "web")["StartedAt"]) > str(first["StartedAt"])
    assert engine.ok("restart", "-t", "0", "web") == "web"
    engine.ok("kill", "web")
    assert state(engine, "web")["ExitCode"] == 137
    assert (upper / "up").exists(), "what it wrote stays"
    assert engine.ok("rm", "web") == "web"
    assert engine("inspect", "web").code == 1


def test_a_start_keeps_what_was_written(engine: Engine) -> None:
    script = "cat /count 2>/dev/null; echo x >>/count"
    assert engine.ok("run", "--name", "again", "busybox", "sh", "-c", script) == ""
    assert engine.ok("start", "-a", "again") == "x"
    assert engine.ok("start", "--attach", "again").split() == ["x", "x"]


def test_start_attached_gives_input_and_the_exit_code(engine: Engine) -> None:
    engine.ok("create", "-i", "--name", "cat", "busybox", "sh", "-c", "cat; exit 7")
    result = engine("start", "-ai", "cat", stdin=b"in and out")
    assert (result.code, result.out) == (7, b"in and out")
    engine("start", "-a", "cat", "cat").refused(
        "you cannot start and attach multiple containers at once", code=1
    )


def test_wrong_states_in_dockers_words(engine: Engine) -> None:
    id = engine.ok("create", "--name", "idle", "busybox", "sleep", "1000")
    engine("pause", "idle").refused(f"container {id} is not running", code=1)
    engine("unpause", "idle").refused(f"Container {id} is not paused", code=1)
    engine("kill", "idle").refused(f"cannot kill container: idle: container {id} is not", code=1)
    missing = "mini-docker: cannot kill container: {0}: No such container: {0}\n"
    for names in (["none"], ["none", "no{}ne"]):  # one, and several at the same time
        result = engine("kill", *names)
        assert (result.code, result.out) == (1, b""), result
        assert result.err.decode() == "".join(map(missing.format, names)), result
    engine("exec", "idle", "true").refused(f"container {id} is not running", code=1)
    engine.ok("start", "idle")
    engine("rm", "idle").refused(
        'cannot remove container "/idle": container is running: '
        "stop the container before removing or force remove",
        code=1,
    )
    engine.ok("pause", "idle")
    engine("pause", "idle").refused(f"Container {id} is already paused", code=1)
    engine("exec", "idle", "true").refused("is paused, unpause the container before exec", code=1)
    engine("rm", "idle").refused("container is paused and must be unpaused first", code=1)
    result = engine("start", "idle")
    assert result.code == 1 and b"cannot start a paused container, try unpause" in result.err
    assert b"failed to start containers: idle" in result.err
    engine.ok("rm", "-f", "idle")


def test_bad_values(engine: Engine) -> None:
    engine.ok("create", "--name", "idle", "busybox", "true")
    engine("kill", "-s", "NOPE", "idle").refused("invalid signal: NOPE", code=1)
    engine("stop", "-s", "TREM", "idle").refused("invalid signal: TREM", "TERM", code=1)
    engine("create", "--stop-signal", "65", "busybox").refused("invalid signal: 65", code=1)
    engine("rename", "idle", "").refused("Neither old nor new names may be empty", code=1)
    engine("rename", "idle", "a/b").refused("Invalid container name", code=1)
    engine("rename", "idle", "idle").refused("same name as its current name", code=1)
    engine("stop", "nobody").refused("No such container: nobody", code=1)
    for verb in ("stop", "restart"):
        engine(verb, "--timeout", "3", "--time", "2", "idle").refused(
            "conflicting options: cannot specify both --timeout and --time", code=1
        )
    assert engine.ok("stop", "--time", "2", "idle") == "idle"
    engine("rm", "-l", "idle").refused("cannot remove the default link name", code=1)
    for text, why in (
        ("sometimes", "unknown policy 'sometimes'; use one of 'no', 'always'"),
        ("always:3", "maximum retry count can only be used with 'on-failure'"),
        ("on-failure:-1", "maximum retry count cannot be negative"),
        ("on-failure:x", "maximum retry count must be an integer"),
        (":3", "no policy provided before colon"),
    ):
        engine("create", "--restart", text, "busybox").refused(
            "invalid restart policy", why, code=1
        )
    engine("run", "--rm", "--restart", "always", "busybox").refused("both --restart and --rm")
    engine("run", "-d", "-a", "stdout", "busybox").refused("both --attach and --detach")
    engine("run", "--no-healthcheck", "--health-cmd", "x", "busybox").refused("conflicts with")
    engine("run", "--health-retries=-1", "busybox").refused("--health-retries cannot be negative")
    engine("run", "--health-interval", "1us", "busybox").refused("cannot be less than 1ms")
    assert engine.ok("ps", "-aq").count("\n") == 0


def test_a_name_belongs_to_one(engine: Engine) -> None:
    first = engine.ok("create", "--name", "one", "busybox")
    engine.ok("create", "--name", "two", "busybox")
    words = (
        f'Conflict. The container name "/one" is already in use by container "{first}". '
        "You have to remove (or rename) that container to be able to reuse that name."
    )
    engine("create", "--name", "one", "busybox").refused(words, code=1)
    engine("rename", "two", "one").refused(f"Error when allocating new name: {words}", code=1)
    assert engine.ok("rename", "two", "three") == ""
    assert engine.inspect("three")["Name"] == "/three" and engine("inspect", "two").code == 1
    engine.ok("create", "--name", "two", "busybox")
    assert engine.ok("ps", "-a", "--format", "{{.Names}}").split() == ["two", "three", "one"]


def test_stop_asks_first_and_forces_then(engine: Engine) -> None:
    started(engine, "obeys", "busybox", *OBEYS)
    started(engine, "deaf", "busybox", *DEAF)
    began = time.monotonic()
    assert engine.ok("stop", "-t", "1", "deaf", "obeys").split() == ["deaf", "obeys"]
    assert 1 <= time.monotonic() - began < 5
    codes = [state(engine, name)["ExitCode"] for name in ("deaf", "obeys")]
    assert codes == [137, 5]


def test_stop_signal_and_timeout_are_the_containers_own(engine: Engine) -> None:
    script = "trap 'exit 6' USR1; trap '' TERM; >/up; while :; do sleep 0.02; done"
    flags = ("--stop-signal", "SIGUSR1", "--stop-timeout", "1")
    started(engine, "own", *flags, "busybox", "sh", "-c", script)
    config = engine.inspect("own")["Config"]
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGUSR1", 1)
    engine.ok("stop", "own")
    assert state(engine, "own")["ExitCode"] == 6
    engine.ok("start", "own")
    began = time.monotonic()
    engine.ok("stop", "-s", "TERM", "own")
    assert state(engine, "own")["ExitCode"] == 137 and time.monotonic() - began < 6


def test_stop_without_end_waits(engine: Engine) -> None:
    script = "trap 'sleep 1; exit 8' TERM; >/up; while :; do sleep 0.02; done"
    started(engine, "slow", "busybox", "sh", "-c", script)
    engine.ok("stop", "-t", "-1", "slow")
    assert state(engine, "slow")["ExitCode"] == 8


def test_a_paused_container_is_stopped(engine: Engine) -> None:
    started(engine, "held", "busybox", *OBEYS)
    engine.ok("pause", "held")
    engine.ok("stop", "held")
    assert state(engine, "held")["ExitCode"] == 5


def test_restart_keeps_a_container_with_rm(engine: Engine) -> None:
    started(engine, "brief", "--rm", "busybox", *OBEYS)
    engine.ok("restart", "brief")
    assert state(engine, "brief")["Status"] == "running"
    engine.ok("stop", "-t", "0", "brief")
    until(lambda: engine.ok("ps", "-aq") == "", "its removal")


def test_a_policy_brings_a_container_back_with_more_and_more_patience(engine: Engine) -> None:
    engine.ok("run", "-d", "--restart", "on-failure:3", "--name", "fails", "busybox", "false")
    until(lambda: state(engine, "fails")["Status"] == "exited", "the last attempt")
    found = engine.inspect("fails")
    assert (found["RestartCount"], found["State"]["ExitCode"]) == (3, 1)
    span = str(found["State"]["StartedAt"])[17:], str(found["Created"])[17:]
    assert (float(span[0][:-1]) - float(span[1][:-1])) % 60 > 0.7  # 0.1 + 0.2 + 0.4
    engine.ok("run", "-d", "--restart", "on-failure", "--name", "works", "busybox", "true")
    until(lambda: state(engine, "works")["Status"] == "exited", "its only end")
    assert engine.inspect("works")["RestartCount"] == 0


def test_a_stopped_container_stays_stopped(engine: Engine) -> None:
    engine.ok("run", "-d", "--restart", "always", "--name", "loops", "busybox", "true")
    until(lambda: engine.inspect("loops")["RestartCount"] >= 3, "some restarts")
    until(lambda: state(engine, "loops")["Status"] == "restarting", "the wait for the next one")
    found = state(engine, "loops")
    assert (found["Running"], found["Restarting"], found["Pid"]) == (True, True, 0)
    assert engine.ok("ps", "--format", "{{.Status}}").startswith("Restarting (0) ")
    engine("exec", "loops", "true").refused("is restarting, wait until", code=1)
    engine("rm", "loops").refused("container is restarting: stop the container", code=1)
    engine.ok("stop", "loops")
    ended = state(engine, "loops")
    assert (ended["Status"], ended["ExitCode"], ended["Error"]) == ("exited", 0, "")
    time.sleep(0.5)
    assert state(engine, "loops") == ended
    started(engine, "killed", "--restart", "always", "busybox", *OBEYS)
    engine.ok("kill", "killed")
    time.sleep(0.3)
    assert state(engine, "killed")["Status"] == "exited"


def test_another_end_than_a_stop_brings_it_back(engine: Engine) -> None:
    started(engine, "lives", "--restart", "unless-stopped", "busybox", *OBEYS)
    first = int(str(state(engine, "lives")["Pid"]))
    subprocess.run(["kill", "-KILL", str(first)], check=True)
    until(lambda: state(engine, "lives")["Pid"] not in (0, first), "its return")
    assert engine.inspect("lives")["RestartCount"] == 1
    engine.ok("update", "--restart", "no", "lives")
    second = int(str(state(engine, "lives")["Pid"]))
    subprocess.run(["kill", "-KILL", str(second)], check=True)
    until(lambda: state(engine, "lives")["Status"] == "exited", "its end")


def test_a_removal_ends_the_wait_for_a_restart(engine: Engine) -> None:
    engine.ok("run", "-d", "--restart", "always", "--name", "loops", "busybox", "true")
    until(lambda: engine.inspect("loops")["RestartCount"] >= 5, "a wait of 3.2 s")
    began = time.monotonic()
    engine.ok("rm", "-f", "loops")
    assert time.monotonic() - began < 2.5


def test_after_the_machines_restart(engine: Engine, root: Path) -> None:
    """Whoever looked after the containers is gone, so are they, and /run is empty: a power cut."""
    for name, policy in (("always", "always"), ("unless", "unless-stopped"), ("no", "no")):
        started(engine, name, "--restart", policy, "busybox", *OBEYS)
        started(engine, f"{name}-stopped", "--restart", policy, "busybox", *OBEYS)
        engine.ok("stop", "-t", "0", f"{name}-stopped")
    engine.ok("create", "--restart", "always", "--name", "never-started", "busybox", *OBEYS)
    for name in ("always", "unless", "no"):
        pid = int(str(state(engine, name)["Pid"]))
        subprocess.run(["pkill", "-KILL", "-f", f"monitor.py .*{root}"], check=False)
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
    until(lambda: engine.ok("ps", "-q") == "", "that all have ended")
    shutil.rmtree(root / "run")
    assert engine.ok("rm", "no-stopped") == "no-stopped"
    lines = engine.ok("system", "restart-policy", "--run").split()
    assert sorted(lines) == ["always", "always-stopped", "unless"]
    running = engine.ok("ps", "--format", "{{.Names}}").split()
    assert sorted(running) == ["always", "always-stopped", "unless"]
    assert engine.ok("system", "restart-policy", "--run") == ""


def test_a_shutdown_stops_all_and_is_nobodys_wish(engine: Engine, tmp_path: Path) -> None:
    for name, policy in (("unless", "unless-stopped"), ("stopped", "unless-stopped"), ("no", "no")):
        started(engine, name, "--restart", policy, "busybox", *OBEYS)
    started(engine, "passing", "--rm", "busybox", *OBEYS)
    engine.ok("stop", "stopped")
    systemctl = tmp_path / "systemctl"
    path = {"PATH": f"{tmp_path}:{engine.environment['PATH']}"}
    for said, left in (("running", ["no", "passing", "unless"]), ("stopping", [])):
        systemctl.write_text(f"#!/bin/sh\necho {said}\nexit 1\n")
        systemctl.chmod(0o755)
        engine.ok("system", "restart-policy", "--stop", env=path)
        assert sorted(engine.ok("ps", "--format", "{{.Names}}").split()) == left
    assert state(engine, "unless")["ExitCode"] == 5
    assert engine.ok("system", "restart-policy", "--run") == "unless"


def test_restart_policy_prints_a_unit(engine: Engine, root: Path) -> None:
    unit = engine.ok("system", "restart-policy")
    assert f"RequiresMountsFor={root} " in unit
    assert "[Unit]" in unit and f"--root {root} system restart-policy --run" in unit
    assert f" --root {root} system restart-policy --stop\n" in unit
    assert "WantedBy=multi-user.target" in unit and "KillMode=process" in unit


def test_a_joined_namespace_is_the_partners_of_today(engine: Engine) -> None:
    started(engine, "first", "busybox", *OBEYS)
    flags = ("--pid", "container:first", "--ipc", "container:first", "--network", "container:first")
    engine.ok("create", "--name", "second", *flags, "busybox", "readlink", "/proc/self/ns/net")
    engine.ok("restart", "first")
    pid = state(engine, "first")["Pid"]
    assert engine.ok("start", "-a", "second") == Path(f"/proc/{pid}/ns/net").readlink().name
    engine.ok("stop", "-t", "0", "first")
    result = engine("start", "second")
    assert b"cannot join the namespace of a non running container: first" in result.err
    assert state(engine, "second")["Status"] == "exited"


def test_batch_forms(engine: Engine) -> None:
    for name, code in (("a1", 0), ("a2", 3), ("a3", 3)):
        engine("run", "--name", name, "busybox", "sh", "-c", f"exit {code}")
    for name in ("b1", "b2"):
        engine.ok("run", "-d", "--name", name, "--label", "tier=b", "busybox", "sleep", "1000")
    engine.ok("create", "--name", "c1", "busybox")
    script = """
    set -e
    $E stop -t 0 $($E ps -q -f name=b1) >/dev/null
    $E rm $($E ps -aq -f status=exited -f exited=3) >/dev/null
    $E ps -a --format '{{.Names}}' | sort | tr '\\n' ' '
    $E rm $($E ps -aq -f status=exited) $($E ps -qf status=created) >/dev/null
    $E kill $($E ps -q) >/dev/null
    $E rm -f $($E ps -aq) >/dev/null
    """
    done = subprocess.run(
        ["sh", "-c", script.replace("$E", " ".join(engine.command))],
        env=engine.environment, cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.split() == ["a1", "b1", "b2", "c1"]
    assert engine.ok("ps", "-aq") == ""


def test_slashes_around_a_name_count_for_nothing_to_rm(engine: Engine) -> None:
    for name in ("aa", "bb", "cc"):
        engine.ok("create", "--name", name, "busybox")
    assert engine.ok("rm", "aa/", "/bb/").split() == ["aa/", "/bb/"]
    assert engine.ok("rm", "-f", "cc/") == "cc/"
    engine("rm", "aa/").refused("No such container: aa", code=1)


def test_ps_quiet_is_stronger_than_a_format(engine: Engine) -> None:
    id = engine.ok("create", "busybox")
    result = engine("ps", "-aq", "--format", "{{.Names}}")
    assert (result.code, result.out.decode()) == (0, f"{id[:12]}\n"), result
    assert result.err.decode() == (
        "WARNING: Ignoring custom format, because both --format and --quiet are set.\n"
    )


def test_who_shares_a_network_has_none_of_its_own(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "first", "busybox", "sleep", "1000")
    engine.ok("create", "--name", "joined", "--network", "container:first", "busybox", "true")
    shown = engine.ok("ps", "-a", "--format", "{{.Names}}:{{.Networks}}").split()
    assert shown == ["joined:", "first:none"]
    names = engine.ok("ps", "-a", "--filter", "network=none", "--format", "{{.Names}}")
    assert names == "first"
    engine.ok("rm", "-f", "first", "joined")


def test_filters(engine: Engine) -> None:
    for number, name in enumerate(("aa", "bb", "cc")):
        engine(
            "run",
            "--name",
            name,
            "-l",
            f"n={number}",
            "-l",
            "x",
            "busybox",
            "sh",
            "-c",
            f"exit {number}",
        )
    engine.ok("create", "--name", "dd", "busybox")

    def names(*filters: str) -> str:
        flags = [word for text in filters for word in ("-f", text)]
        return " ".join(engine.ok("ps", "-a", *flags, "--format", "{{.Names}}").split())

    assert names("name=^/?b+$") == "bb" and names("name=a", "name=b") == "bb aa"
    assert names("exited=0") == "aa" and names("exited=1", "exited=2") == "cc bb"
    assert names("label=x") == "cc bb aa" and names("label=x", "label=n=1") == "bb"
    assert names("since=aa") == "dd cc bb" and names("before=cc") == "bb aa"
    assert (
        names("status=created") == "dd"
        and names("status=exited", "status=created") == "dd cc bb aa"
    )
    assert names("ancestor=busybox") == names("ancestor=busybox:latest") == "dd cc bb aa"
    assert names("ancestor=nothing") == "" and names("health=none") == "dd cc bb aa"
    assert names("network=none") == "dd cc bb aa" and names("network=host") == ""
    assert names("isolation=default") == "dd cc bb aa"
    assert names("is-task=true") == "" and names("is-task=false") == "dd cc bb aa"
    assert names(f"id={engine.inspect('bb')['Id'][:7]}") == "bb"
    assert engine.ok("ps", "-ql").strip() == engine.inspect("dd")["Id"][:12]
    assert len(engine.ok("ps", "-qn", "2").split()) == 2
    for text, why in (
        ("status=gone", "Unrecognised filter value for status: gone"),
        ("health=fine", "Unrecognised filter value for health: fine"),
        ("exited=x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("before=nobody", "No such container: nobody"),
        ("colour=blue", "invalid filter 'colour'"),
        ("expose=80", "chapter 15, bridge"),
        ("volume=x", "chapter 17, volumes"),
    ):
        engine("ps", "-f", text).refused(why, code=1)


def test_sizes_and_json(engine: Engine) -> None:
    engine("run", "--name", "wrote", "busybox", "sh", "-c", "head -c 1000 /dev/zero >/file")
    size = engine.ok("ps", "-as", "--format", "{{.Size}}")
    assert size.startswith("1kB (virtual ") and size.endswith("MB)")
    assert engine.ok("ps", "-as").splitlines()[0].endswith("SIZE")
    row = json.loads(engine.ok("ps", "-a", "--format", "json"))
    assert row["Names"] == "wrote" and row["State"] == "exited" and row["Size"] == "0B"


def test_prune(engine: Engine) -> None:
    old = engine.ok("create", "--name", "old", "--label", "keep", "busybox")
    gone = engine.ok("create", "--name", "gone", "busybox")
    engine.ok("run", "-d", "--name", "runs", "busybox", "sleep", "1000")
    asked = engine("container", "prune", stdin=b"n\n")
    assert b"WARNING! This will remove all stopped containers.\n" in asked.out and asked.code == 0
    out = engine.ok("container", "prune", "-f", "--filter", "until=1h")
    assert out == "Total reclaimed space: 0B"
    out = engine.ok("container", "prune", "-f", "--filter", "label!=keep")
    assert out.splitlines() == ["Deleted Containers:", gone, "", "Total reclaimed space: 0B"]
    engine("container", "prune", "-f", "--filter", "name=x").refused(
        "invalid filter 'name'", code=1
    )
    out = engine.ok("system", "prune", "-f")
    assert out.splitlines()[:2] == ["Deleted Containers:", old]
    assert engine.ok("ps", "-a", "--format", "{{.Names}}") == "runs"
    assert engine.ok("images", "-q") != ""  # the image has a name


def test_wait_returns_at_the_first_end(engine: Engine) -> None:
    flags = ("--restart", "always", "--name", "loops")
    engine.ok("run", "-d", *flags, "busybox", "sh", "-c", "sleep 0.5; exit 3")
    assert engine.ok("wait", "loops") == "3"
    assert engine.ok("wait", "--help") and engine("wait", "nobody").code == 1
    engine.ok("rm", "-f", "loops")


def test_a_broken_start_says_why_and_can_be_repeated(engine: Engine) -> None:
    engine.ok("create", "--name", "broken", "busybox", "no-such-program")
    result = engine("start", "broken")
    assert result.code == 1 and b"executable file not found in $PATH" in result.err
    found = state(engine, "broken")
    assert (found["Status"], found["ExitCode"]) == ("created", 127)
    assert "not found" in str(found["Error"])
    engine("start", "-a", "broken").refused("not found", code=1)


def test_what_cannot_be_removed_is_dead_and_can_be_removed_later(
    engine: Engine, root: Path
) -> None:
    id = engine.ok("create", "--name", "stuck", "busybox")
    (root / "containers" / f".gone-{id}" / "in the way").mkdir(parents=True)
    engine("rm", "stuck").refused("cannot remove", "Directory not empty", code=1)
    assert (state(engine, "stuck")["Status"], state(engine, "stuck")["Dead"]) == ("dead", True)
    assert engine.ok("ps", "-a", "--format", "{{.Status}}") == "Dead"
    result = engine("start", "stuck")
    assert b"marked for removal and cannot be started" in result.err
    assert engine.ok("rm", "stuck") == "stuck"


def test_a_removal_that_was_killed_leaves_a_dead_one(engine: Engine, root: Path) -> None:
    id = engine.ok("create", "--name", "half", "busybox")
    path = root / "containers" / id / "state.json"
    path.write_text(path.read_text().replace('"created"', '"removing"'))
    lock = Lock(str(path.parent / "lock"))
    with lock:  # somebody is at it
        engine("rm", "half").refused("removal of container half is already in progress", code=1)
        assert state(engine, "half")["Status"] == "removing"
    assert state(engine, "half")["Status"] == "dead"
    engine.ok("rm", "half")
