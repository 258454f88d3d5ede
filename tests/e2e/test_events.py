"""Events as the commands cause them, read back and live."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Engine, until
from tests.e2e.test_monitor import monitor_of

pytestmark = pytest.mark.e2e


def actions(engine: Engine, name: str, *words: str) -> list[str]:
    """Return the actions of the events so far of the container *name*."""
    form = "{{.Actor.Attributes.name}} {{.Action}}"
    lines = engine.ok(
        *("events", "--since", "1h", "--until", "0s", "--filter", "type=container", *words),
        *("--format", form),
    ).splitlines()
    pairs = [line.partition(" ") for line in lines]
    return [action for who, _, action in pairs if who == name]


def test_a_container_from_its_beginning_to_its_end(engine: Engine, tmp_path: Path) -> None:
    engine.ok("run", "--rm", "--name", "ev-one", "busybox", "true")
    assert actions(engine, "ev-one") == ["create", "attach", "start", "die", "destroy"]


def test_each_verb_tells(engine: Engine, tmp_path: Path) -> None:
    engine.ok("run", "-d", "--name", "ev-a", "busybox", "sleep", "1000")
    for verb in ("pause", "unpause", "top"):
        engine.ok(verb, "ev-a")
    engine.ok("update", "--pids-limit", "30", "ev-a")
    engine.ok("export", "-o", str(tmp_path / "tree.tar"), "ev-a")
    engine.ok("commit", "ev-a", "ev-image")
    engine.ok("kill", "ev-a")
    engine.ok("rename", "ev-a", "ev-b")
    engine.ok("rm", "ev-b")
    assert actions(engine, "ev-a") == [
        *("create", "start", "pause", "unpause", "top", "update", "export"),
        *("pause", "unpause", "commit", "kill", "die"),
    ]
    assert actions(engine, "ev-b") == ["rename", "destroy"]
    engine.ok("rmi", "ev-image")


def test_stop_and_restart_tell_what_they_are_made_of(engine: Engine) -> None:
    engine.ok("run", "-d", "--init", "--name", "ev-stop", "busybox", "sleep", "1000")
    engine.ok("restart", "ev-stop")
    engine.ok("stop", "ev-stop")
    assert actions(engine, "ev-stop") == [
        *("create", "start"),
        *("kill", "die", "stop", "start", "restart"),
        *("kill", "die", "stop"),
    ]


def test_a_kill_is_told_once_and_the_end_of_a_pause_as_well(engine: Engine) -> None:
    names = ("ev-rm1", "ev-rm2", "ev-rm3", "ev-held")
    for name in names:
        engine.ok("run", "-d", "--init", "--name", name, "busybox", "sleep", "1000")
    engine.ok("rm", "-f", "ev-rm1")
    engine.ok("rm", "-f", "ev-rm2", "ev-rm3")
    for name in names[:3]:
        assert actions(engine, name) == ["create", "start", "kill", "die", "destroy"], name
    engine.ok("pause", "ev-held")
    engine.ok("stop", "ev-held")
    engine.ok("start", "ev-held")
    engine.ok("pause", "ev-held")
    engine.ok("kill", "ev-held")
    assert actions(engine, "ev-held") == [
        *("create", "start", "pause", "unpause", "kill", "die", "stop"),
        *("start", "pause", "kill", "unpause", "die"),
    ]


def test_each_restart_by_policy_is_told(engine: Engine) -> None:
    words = ("--restart", "on-failure:2", "busybox", "false")
    engine.ok("run", "-d", "--name", "ev-again", *words)
    until(lambda: engine.inspect("ev-again")["State"]["Status"] == "exited", "the last end")
    assert engine.ok("wait", "ev-again") == "1"
    assert actions(engine, "ev-again") == ["create", *("start", "die") * 3]


def test_an_exec_and_a_kill_for_memory_are_told(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "ev-exec", "busybox", "sleep", "1000")
    assert engine("exec", "ev-exec", "sh", "-c", "exit 3").code == 3
    told = actions(engine, "ev-exec")
    assert told[2:] == ["exec_create: sh -c exit 3", "exec_start: sh -c exit 3", "exec_die"]
    hog = ("sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done")
    engine("run", "--name", "ev-oom", "-m", "10m", "--memory-swap", "10m", "busybox", *hog)
    assert engine.inspect("ev-oom")["State"]["OOMKilled"]
    assert actions(engine, "ev-oom") == ["create", "attach", "start", "oom", "die"]


@pytest.mark.parametrize(
    "version",
    [
        pytest.param("v1", marks=pytest.mark.needs("cgroup-v1")),
        pytest.param("v2", marks=pytest.mark.needs("cgroup-v2")),
    ],
)
def test_a_kill_for_memory_is_told_while_the_container_lives(engine: Engine, version: str) -> None:
    """By its monitor in its first moments, and once that has become small."""
    name = f"ev-hog-{version}"
    limit = ("-m", "20m", "--memory-swap", "20m")
    engine.ok("run", "-d", "--name", name, *limit, "busybox", "sleep", "1000")

    def oom(times: int) -> Callable[[], bool]:
        return lambda: actions(engine, name, "--filter", "event=oom") == ["oom"] * times

    assert engine("exec", name, "tail", "/dev/zero").code == 137
    until(oom(1), "the first is told")
    state = engine.inspect(name)["State"]
    assert (state["Status"], state["OOMKilled"]) == ("running", True)
    monitor_of(engine, name)
    assert engine("exec", name, "tail", "/dev/zero").code == 137
    until(oom(2), "the second is told")
    engine.ok("stop", "-t", "0", name)
    assert engine.inspect(name)["State"]["OOMKilled"]
    assert oom(2)()
    engine.ok("start", name)
    assert not engine.inspect(name)["State"]["OOMKilled"]
    engine.ok("rm", "-f", name)


def test_the_fields_of_an_end(engine: Engine) -> None:
    engine("run", "--name", "ev-end", "-l", "tier=back", "busybox", "sh", "-c", "exit 7")
    words = (
        "events",
        "--since",
        "1h",
        "--until",
        "0s",
        "-f",
        "container=ev-end",
        "-f",
        "event=die",
    )
    found = json.loads(engine.ok(*words, "--format", "json"))
    named = found["Actor"]["Attributes"]
    assert named.pop("execDuration") in ("0", "1")
    assert named == {"exitCode": "7", "image": "busybox", "name": "ev-end", "tier": "back"}
    assert found["id"] == found["Actor"]["ID"] == engine.inspect("ev-end")["Id"]
    assert (found["status"], found["from"], found["scope"]) == ("die", "busybox", "local")
    line = engine.ok(*words)
    assert line.endswith("(execDuration=0, exitCode=7, image=busybox, name=ev-end, tier=back)")
    assert f" container die {found['id']} " in line


def test_events_are_seen_as_they_happen(engine: Engine) -> None:
    engine.ok("run", "--rm", "--name", "ev-before", "busybox", "true")
    form = "{{.Action}} {{.Actor.Attributes.name}}"
    with engine.popen("events", "--filter", "type=container", "--format", form) as process:
        assert process.stdout
        time.sleep(1)  # it reads what comes from now on
        engine.ok("run", "--name", "ev-live", "busybox", "true")
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines == [b"%s ev-live\n" % it for it in (b"create", b"attach", b"start", b"die")]
        engine.ok("rm", "ev-live")
        started = time.monotonic()
        assert process.stdout.readline() == b"destroy ev-live\n"
        assert time.monotonic() - started < 3
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_until_ends_the_stream(engine: Engine) -> None:
    engine.ok("tag", "busybox", "ev-tag")
    started = time.monotonic()
    words = ("events", "--filter", "type=image", "--until", str(time.time() + 1.5))
    with engine.popen(*words) as process:
        time.sleep(0.5)
        engine.ok("rmi", "ev-tag")
        out, _ = process.communicate(timeout=20)
    lines = out.splitlines()[-2:]  # there was more in this store
    assert [line.split()[2] for line in lines] == [b"tag", b"untag"]
    assert process.returncode == 0 and time.monotonic() - started < 5


def test_many_at_the_same_time_are_all_told(engine: Engine) -> None:
    names = [f"ev-many{number}" for number in range(12)]
    running = [engine.popen("run", "--rm", "--name", name, "busybox", "true") for name in names]
    for process in running:
        process.communicate(timeout=60)
    for name in names:
        assert actions(engine, name) == ["create", "attach", "start", "die", "destroy"], name


def test_what_is_asked_wrongly_is_refused(engine: Engine) -> None:
    engine("events", "--since", "yesterday").refused(
        "failed to parse value as time or duration", code=1
    )
    engine("events", "--since", "1m", "--until", "2m").refused("cannot be after `until`", code=1)
    engine("events", "--filter", "colour=red").refused("invalid filter 'colour'", code=1)
    engine("events", "--format", "{{.Nope}}").refused("Error parsing format", code=64)
    result = engine("events", "extra")
    assert result.code != 0 and b"events" in result.err


def test_a_garbled_log_is_read_around(engine: Engine) -> None:
    with open(engine.root / "events.log", "ab") as log:
        log.write(b'\xff\xfe{"Type":"container"\n[[[\n{"Ty')
    engine.ok("run", "--rm", "--name", "ev-after", "busybox", "true")
    assert actions(engine, "ev-after") == ["create", "attach", "start", "die", "destroy"]


def test_graph_draws_what_there_is(engine: Engine, tmp_path: Path) -> None:
    script = "sleep 1000 & exec sleep 2000"
    words = ("--memory", "64m", "--pids-limit", "33", "busybox", "sh", "-c", script)
    engine.ok("run", "-d", "--name", "drawn", *words)
    engine.ok(
        "run", "-d", "--name", "joined", "--network", "container:drawn", "busybox", "sleep", "9"
    )
    until(lambda: "sleep 1000" in engine.ok("container", "graph", "drawn"), "the child")
    text = engine.ok("container", "graph", "drawn")
    pid = engine.inspect("drawn")["State"]["Pid"]
    assert f'"pid {pid}" [label="sleep 2000\\npid 1, on the host {pid}\\nuid 0' in text
    assert "64MiB" in text and "pids.max  33" in text and "overlay of 2 layers" in text
    assert '"ns net" -> "container joined"' in text and '"ns pid" [label="pid: its own' in text
    assert '"monitor\\npid' in text and 'label="lo  loopback, up' in text
    picture = tmp_path / "drawn.svg"
    engine.ok("container", "graph", "-o", str(picture), "drawn")
    assert picture.read_text().count('class="node"') > 12
    assert engine("container", "graph", "--format", "png", "drawn").out.startswith(b"\x89PNG")
    film = tmp_path / "drawn.gif"
    for asked in (("--format", "gif"), ("-o", str(film))):
        engine("container", "graph", *asked, "drawn").refused("'gif' is not a format", code=1)
    assert not film.exists()
    engine.ok("kill", "drawn")
    assert "the kernel holds nothing" in engine.ok("container", "graph", "drawn")
    engine("container", "graph", "nobody").refused("No such container", code=1)
