"""stats for many containers at once: the table, the stream, and what comes and goes meanwhile."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

NAMES = [f"many{number}" for number in range(10)]


def test_many_at_once(engine: Engine) -> None:
    for name in NAMES:
        engine.ok("run", "-d", "--init", "--name", name, "busybox", "sleep", "1000")
    took = []
    for _ in range(3):  # of a busy machine the best
        started = time.monotonic()
        lines = engine.ok("stats", "--no-stream").splitlines()
        took.append(time.monotonic() - started)
    assert min(took) < 1.5, took
    assert [line.split()[1] for line in lines[1:]] == NAMES[::-1]
    assert lines[0].split()[:4] == ["CONTAINER", "ID", "NAME", "CPU"]
    engine.ok("kill", *NAMES[1:])
    assert len(engine.ok("stats", "--no-stream", "--format", "{{.Name}}").splitlines()) == 1
    everything = engine.ok("stats", "--all", "--no-stream", "--format", "json").splitlines()
    rows = {row["Name"]: row for row in map(json.loads, everything)}
    assert set(rows) == set(NAMES)
    assert rows["many1"]["PIDs"] == "0" and rows["many0"]["PIDs"] == "2"


def test_one_that_is_restarting_is_shown_as_ps_shows_it(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "again", "--restart", "always", "busybox", "false")
    until(lambda: engine.inspect("again")["RestartCount"] >= 4, "a long pause between two starts")
    form = ("--format", "{{.Name}}")
    assert engine.ok("ps", "--format", "{{.Names}}").split() == ["again"]
    assert engine.ok("stats", "--no-stream", *form).split() == ["again"]
    engine.ok("rm", "-f", "again")


def test_a_container_is_called_as_it_was_asked_for(engine: Engine) -> None:
    id = engine.ok("run", "-d", "--name", "named", "busybox", "sleep", "1000")
    form = "{{.Container}} {{.ID}}"
    assert engine.ok("stats", "--no-stream", "--format", form, "named") == f"named {id[:12]}"
    assert engine.ok("stats", "--no-stream", "--format", form) == f"{id[:12]} {id[:12]}"
    assert engine.ok("stats", "--no-stream", "--no-trunc", "--format", form) == f"{id} {id}"
    twice = engine.ok("stats", "--no-stream", "--format", form, "named", id, "named")
    assert twice.splitlines() == [f"named {id[:12]}", f"{id[:12]} {id[:12]}"]
    engine("stats", "--no-stream", "nobody").refused("No such container: nobody", code=1)


def test_the_stream_follows_what_comes_and_goes(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "stays", "busybox", "sleep", "1000")
    with engine.popen("stats", "--format", "{{.Name}}") as process:
        assert process.stdout
        assert process.stdout.readline() == b"stays\n"
        engine.ok("run", "-d", "--name", "comes", "busybox", "sleep", "1000")
        until(lambda: process.stdout and process.stdout.readline() == b"comes\n", "the new one")
        engine.ok("rm", "-f", "comes")
        lines = [b""]  # a table may still have it
        while lines[-2:] != [b"stays\n"] * 2:
            lines.append(process.stdout.readline())
            assert len(lines) < 10, lines
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_a_stream_of_one_that_goes_is_no_error(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "goes", "busybox", "sleep", "1000")
    with engine.popen("stats", "--format", "{{.Name}} {{.PIDs}}", "goes") as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == b"goes 1\n"
        engine.ok("kill", "goes")
        until(lambda: process.stdout and process.stdout.readline() == b"goes 0\n", "its end")
        engine.ok("rm", "goes")
        time.sleep(1.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert (process.wait(10), process.stderr.read()) == (130, b"")
