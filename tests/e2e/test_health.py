"""Healthchecks: states, events, timeouts, and what must not be held up by them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

QUICK = ("--health-interval", "200ms", "--health-timeout", "5s", "--health-retries", "2")


def start(engine: Engine, name: str, command: str, *words: str) -> None:
    """Run a container that only waits, with the health *command*."""
    flags = ("--init", "--health-cmd", command, *QUICK, *words)
    engine.ok("run", "-d", "--name", name, *flags, "busybox", "sleep", "1000")


def health(engine: Engine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.inspect(name)["State"]["Health"]
    return found


def becomes(engine: Engine, name: str, status: str) -> dict[str, Any]:
    until(lambda: health(engine, name)["Status"] == status, f"{name} is {status}")
    return health(engine, name)


def test_a_container_goes_from_starting_to_unhealthy_to_healthy(engine: Engine) -> None:
    start(engine, "hc", "echo looking; test -e /tmp/ok")
    assert health(engine, "hc")["Status"] == "starting"
    assert engine.ok("ps", "--format", "{{.Status}}").endswith("(health: starting)")
    found = becomes(engine, "hc", "unhealthy")
    assert found["FailingStreak"] >= 2
    assert {entry["ExitCode"] for entry in found["Log"]} == {1}
    assert found["Log"][0]["Output"] == "looking\n"
    assert found["Log"][0]["Start"] < found["Log"][0]["End"] < found["Log"][1]["Start"]
    engine.ok("exec", "hc", "touch", "/tmp/ok")
    found = becomes(engine, "hc", "healthy")
    assert found["FailingStreak"] == 0 and len(found["Log"]) <= 5
    assert engine.ok("ps", "--format", "{{.Status}}").endswith("(healthy)")
    assert engine.ok("ps", "-q", "--filter", "health=healthy")
    assert not engine.ok("ps", "-q", "--filter", "health=unhealthy")
    shown = engine.ok("inspect", "-f", "{{json .State.Health}} {{.Config.Healthcheck}}", "hc")
    assert shown.startswith('{"Status":"healthy","FailingStreak":0,"Log":[{"Start":"')
    assert shown.endswith("{[CMD-SHELL echo looking; test -e /tmp/ok] 200ms 5s 0s 0s 2}")
    words = ("--since", "1h", "--until", "0s", "-f", "event=health_status", "-f", "container=hc")
    told = engine.ok("events", *words, "--format", "{{.Action}}").splitlines()
    assert told == ["health_status: unhealthy", "health_status: healthy"]


def test_a_look_that_takes_too_long_is_a_failure(engine: Engine) -> None:
    start(engine, "slow", "echo begun; sleep 60", "--health-timeout", "300ms")
    found = becomes(engine, "slow", "unhealthy")
    (code,) = {entry["ExitCode"] for entry in found["Log"]}
    assert code == -1
    assert found["Log"][0]["Output"] == "Health check exceeded timeout (300ms): begun\n"
    until(lambda: engine.ok("top", "slow").count("sleep 60") <= 1, "the end of the first ones")


def test_a_look_is_not_forgotten_when_its_monitor_becomes_small(engine: Engine) -> None:
    """In the foreground that is a second after the start."""
    flags = ("--health-cmd", "sleep 777", "--health-interval", "700ms", "--health-timeout", "600ms")
    words = ("--since", "1h", "-f", "container=fore", "--format", "{{.Actor.Attributes.execID}}")
    with engine.popen("run", "--name", "fore", *flags, "busybox", "sleep", "1000") as process:
        until(
            lambda: engine("inspect", "fore").code == 0 and health(engine, "fore")["Log"], "a look"
        )
        engine.ok("kill", "fore")
        process.communicate(timeout=20)

    def told(action: str) -> list[str]:
        return engine.ok("events", *words, "--until", "0s", "-f", f"event={action}").splitlines()

    assert told("exec_create")[0] == told("exec_die")[0]


def test_a_command_that_is_not_there_is_a_failure(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "base", "busybox", "sleep", "1000")
    change = 'HEALTHCHECK --interval=200ms --retries=1 CMD ["no-such-program"]'
    engine.ok("commit", "-c", change, "base", "hc-image")
    engine.ok("run", "-d", "--name", "absent", "hc-image")
    found = becomes(engine, "absent", "unhealthy")
    assert found["Log"][0]["ExitCode"] == -1 and "no-such-program" in found["Log"][0]["Output"]
    engine.ok("run", "-d", "--name", "none", "--no-healthcheck", "hc-image")
    assert "Health" not in engine.inspect("none")["State"]
    engine.ok("rm", "-f", "absent", "none", "base")
    engine.ok("rmi", "hc-image")


def test_the_start_period_excuses(engine: Engine) -> None:
    words = ("--health-start-period", "60s", "--health-start-interval", "100ms")
    start(engine, "young", "test -e /tmp/ok", *words, "--health-interval", "60s")
    until(lambda: len(health(engine, "young")["Log"]) >= 3, "three looks")
    assert health(engine, "young")["Status"] == "starting"
    assert health(engine, "young")["FailingStreak"] == 0
    engine.ok("exec", "young", "touch", "/tmp/ok")
    becomes(engine, "young", "healthy")


def test_output_is_bounded(engine: Engine) -> None:
    start(engine, "loud", "yes | head -c 100000; exit 1")
    output = becomes(engine, "loud", "unhealthy")["Log"][0]["Output"]
    assert len(output) == 4096 + 3 and output.endswith("...")


def test_a_paused_container_is_not_looked_at(engine: Engine) -> None:
    start(engine, "paused", "true")
    becomes(engine, "paused", "healthy")
    engine.ok("pause", "paused")
    time.sleep(0.4)  # a look that had begun
    before = health(engine, "paused")
    time.sleep(0.8)
    assert health(engine, "paused") == before
    engine.ok("unpause", "paused")
    until(lambda: health(engine, "paused")["Log"][-1] != before["Log"][-1], "a look after it")
    assert health(engine, "paused")["Status"] == "healthy"


def test_a_look_holds_no_end_up(engine: Engine) -> None:
    """A probe that will not end, in a pid namespace that must."""
    start(engine, "stuck", "trap '' TERM; sleep 60")
    until(lambda: "sleep 60" in engine.ok("top", "stuck"), "a probe")
    started = time.monotonic()
    engine.ok("stop", "stuck")
    assert time.monotonic() - started < 5
    assert engine.inspect("stuck")["State"]["Status"] == "exited"


def test_nobody_is_healthy_who_waits_for_a_restart(engine: Engine) -> None:
    script = "until test -e /go; do usleep 10000; done; exit 1"
    words = ("--restart", "always", "--health-cmd", "true", *QUICK, "busybox", "sh", "-c", script)
    engine.ok("run", "-d", "--name", "waits", *words)
    becomes(engine, "waits", "healthy")
    engine.ok("exec", "waits", "touch", "/go")  # it stays there: each further life is short
    until(lambda: engine.inspect("waits")["RestartCount"] >= 4, "a long wait")
    until(lambda: engine.inspect("waits")["State"]["Status"] == "restarting", "its wait")
    assert health(engine, "waits")["Status"] == "unhealthy"
    engine.ok("stop", "waits")
    assert health(engine, "waits")["Status"] == "unhealthy"


def test_a_restart_begins_anew_and_remembers(engine: Engine) -> None:
    start(engine, "again", "true")
    becomes(engine, "again", "healthy")
    engine.ok("restart", "again")
    assert engine.inspect("again")["State"]["Running"]
    first = engine.inspect("again")["State"]["StartedAt"]
    found = becomes(engine, "again", "healthy")
    assert found["Log"][0]["Start"] < first < found["Log"][-1]["Start"]


def test_a_probe_has_the_limits_and_the_user_of_its_container(engine: Engine) -> None:
    words = ("--user", "1000:1000", "--env", "WORD=hello", "--workdir", "/tmp")
    start(engine, "user", 'echo "$(id -u) $WORD $(pwd)"', *words)
    assert becomes(engine, "user", "healthy")["Log"][0]["Output"] == "1000 hello /tmp\n"


def test_a_monitor_that_is_killed_during_a_look_leaves_nothing(engine: Engine) -> None:
    start(engine, "orphan", "sleep 60", "--health-timeout", "60s")
    until(lambda: "sleep 60" in engine.ok("top", "orphan"), "a probe")
    pid = engine.inspect("orphan")["State"]["Pid"]
    status = Path(f"/proc/{pid}/status").read_text()
    os.kill(int(status.partition("PPid:")[2].split()[0]), 9)
    assert engine.inspect("orphan")["State"]["Running"]
    engine.ok("rm", "-f", "orphan")
