"""Starts, stops and restarts that meet each other, or are killed, at the worst moment.

A lock that the test holds, or SIGSTOP, keeps a process where it is until the rest has happened.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from mini_docker.store import Lock
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

DEAF = ("sh", "-c", "trap '' TERM; >/up; while :; do sleep 0.02; done")


def deaf(engine: Engine, name: str, *flags: str) -> str:
    """Start a container that does not listen to SIGTERM; return its id."""
    id = engine.ok("run", "-d", "--name", name, *flags, "busybox", *DEAF)
    until(lambda: engine("exec", name, "test", "-e", "/up").code == 0, f"{name} to be up")
    return id


def change(engine: Engine, id: str) -> Lock:
    return Lock(str(engine.root / "containers" / id / "change"))


def asked(engine: Engine, id: str) -> None:
    """Wait until the program of a container that is deaf has been asked to end."""
    words = ("events", "--since", "0", "--filter", f"container={id}", "--until")
    until(lambda: " kill " in engine.ok(*words, f"{time.time():.6f}"), "the first signal")


def end(engine: Engine, name: str) -> None:
    """End the program of a container; return once the engine says so."""
    os.kill(engine.inspect(name)["State"]["Pid"], signal.SIGKILL)
    until(lambda: engine.inspect(name)["State"]["Status"] == "exited", f"the end of {name}")


def programs(*words: str) -> list[int]:
    """Return the pids of those that run *words*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_text() == "".join(f"{word}\0" for word in words):
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_start_whose_monitor_is_killed_before_it_is_told(engine: Engine) -> None:
    """The program runs, and the state does not say so yet: with --rm nothing of it stays."""
    until(lambda: killed_before_it_is_told(engine, "sleep", "4323"), "a lock in time")
    until(lambda: not programs("sleep", "4323"), "the end of the program")
    assert not list((engine.root / "containers").iterdir())


def killed_before_it_is_told(engine: Engine, *program: str) -> bool:
    """Run *program*, and kill its monitor in between; False if we came too late for that."""
    place = engine.root / "containers"
    with engine.popen("run", "-d", "--rm", "busybox", *program) as run:
        id = until(lambda: [path.name for path in place.glob("?" * 64)], "the container")[0]
        with change(engine, id):
            pid = until(lambda: programs(*program), "the program")[0]
            too_late = engine.inspect(id)["State"]["Status"] != "created"
            if not too_late:
                os.kill(parent(pid), signal.SIGKILL)
        _, err = run.communicate(timeout=30)
    if too_late:
        engine.ok("rm", "-f", id)
        until(lambda: not list(place.iterdir()), "its removal")
        return False
    assert run.returncode == 125 and b"its monitor was killed" in err
    return True


def test_a_restart_of_one_that_is_removed_meanwhile_fails(engine: Engine) -> None:
    id = deaf(engine, "victim")
    with engine.popen("restart", "-t", "30", "victim") as restart:
        asked(engine, id)
        os.kill(restart.pid, signal.SIGSTOP)
        engine.ok("rm", "-f", "victim")
        os.kill(restart.pid, signal.SIGCONT)
        out, err = restart.communicate(timeout=30)
    assert (restart.returncode, out) == (1, b"")
    assert b"Cannot restart container victim: No such container" in err


def test_a_stop_does_not_make_a_restart_lose_a_container_with_rm(engine: Engine) -> None:
    id = deaf(engine, "victim", "--rm")
    with engine.popen("restart", "-t", "30", "victim") as restart:
        asked(engine, id)
        engine.ok("stop", "-t", "0", "victim")
        out, err = restart.communicate(timeout=30)
    assert (restart.returncode, out, err) == (0, b"victim\n", b"")
    assert engine.inspect("victim")["State"]["Status"] == "running"
    engine.ok("stop", "-t", "0", "victim")
    assert engine.ok("ps", "-aq") == ""


def test_a_stop_leaves_the_next_life_alone(engine: Engine) -> None:
    id = deaf(engine, "victim", "--restart", "always")
    with engine.popen("stop", "-t", "30", "victim") as stop:
        asked(engine, id)
        os.kill(stop.pid, signal.SIGSTOP)
        end(engine, "victim")
        engine.ok("start", "victim")
        before = engine.inspect("victim")["State"]
        os.kill(stop.pid, signal.SIGCONT)
        stop.communicate(timeout=30)
    assert stop.returncode == 0
    assert engine.inspect("victim")["State"] == before
    engine.ok("rm", "-f", "victim")


@pytest.mark.parametrize("first", ["the restart", "the container"])
def test_a_container_with_rm_goes_when_its_restart_is_killed(engine: Engine, first: str) -> None:
    id = deaf(engine, "victim", "--rm")
    pid = engine.inspect("victim")["State"]["Pid"]
    with engine.popen("restart", "-t", "30", "victim") as restart:
        asked(engine, id)
        if first == "the container":
            os.kill(restart.pid, signal.SIGSTOP)
            end(engine, "victim")
            assert engine.ok("ps", "-aq") != "", "the restart needs it"
        restart.kill()
    if first == "the restart":
        os.kill(pid, signal.SIGKILL)
    until(lambda: engine.ok("ps", "-aq") == "", "its removal")
