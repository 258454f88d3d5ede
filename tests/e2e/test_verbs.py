"""Verbs where something is in their way: an image that asks for nonsense, or another verb."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from mini_docker import cgroups_tree, containers
from mini_docker.store import Lock, Store
from tests.e2e import archives, hostile
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e


def image(engine: Engine, name: str, **config: Any) -> None:
    """Load an image with a shell, whose config has these fields."""
    program = (hostile.busybox(engine) / "bin/busybox").read_bytes()
    layers = [archives.layer(("bin/busybox", program, 0o755))]
    config = {"Cmd": ["/bin/busybox", "sleep", "1000"], **config}
    files = archives.docker([f"{name}:latest"], layers, **config)
    engine.ok("load", stdin=archives.packed(files))


def test_an_image_whose_stop_signal_there_is_not(engine: Engine) -> None:
    image(engine, "odd-signal", StopSignal="FOO")
    for name in ("odd1", "odd2", "odd3"):
        engine.ok("run", "-d", "--init", "--name", name, "odd-signal")
    assert engine.ok("stop", "odd1") == "odd1"
    assert engine.inspect("odd1")["State"]["ExitCode"] == 143
    assert engine.ok("kill", "odd2") == "odd2"
    assert engine.ok("rm", "-f", "odd3") == "odd3"
    engine.ok("rm", "odd1", "odd2")
    engine.ok("rmi", "odd-signal")


def test_an_image_whose_timeout_or_health_check_makes_no_sense(engine: Engine) -> None:
    odd: dict[str, dict[str, Any]] = {
        "odd-timeout": {"StopTimeout": "x"},
        "odd-interval": {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 1}},
    }
    for name, config in odd.items():
        image(engine, name, **config)
        engine("run", "-d", name).refused("cannot use the image: ")
        assert engine.ok("ps", "-aq") == ""
        engine.ok("rmi", name)


def test_a_wait_reads_the_end_of_what_is_removed_by_force(engine: Engine) -> None:
    id = engine.ok("run", "-d", "busybox", "sleep", "1000")
    waiters = Lock(str(engine.root / "containers" / id / "waiters"))
    with engine.popen("wait", id) as waiting:
        until(lambda: os.path.exists(waiters.path) and waiters.held(fcntl.LOCK_EX), "its lock")
        waiting.send_signal(signal.SIGSTOP)
        with engine.popen("rm", "-f", id) as removing:
            time.sleep(0.5)  # it would have ended long ago if it did not wait
            waiting.send_signal(signal.SIGCONT)
            assert waiting.communicate(timeout=20) == (b"137\n", b"")
            assert removing.communicate(timeout=20) == (id.encode() + b"\n", b"")


def test_a_prune_leaves_what_is_being_started(engine: Engine) -> None:
    ids = [engine.ok("create", "busybox", "true") for _ in range(2)]
    store = Store(str(engine.root))
    containers.note(store, ids[0], 0)
    life = Lock(f"{store.directory(ids[0])}/lock")  # as somebody who sets about starting it has
    life.acquire()
    assert engine.ok("container", "prune", "-f").splitlines()[1] == ids[1]
    life.release()
    containers.forget(store, ids[0])
    assert engine.ok("container", "prune", "-f").splitlines()[1] == ids[0]


def test_two_prunes_at_once_count_each_container_once(engine: Engine) -> None:
    ids = [engine.ok("create", "busybox", "true") for _ in range(12)]
    both = [engine.popen("container", "prune", "-f") for _ in range(2)]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    lines = b"".join(out for out, _ in told).decode().split()
    assert sorted(line for line in lines if len(line) == 64) == sorted(ids)


@pytest.mark.parametrize("file", ["state.json", "config.json", "container.json"])
def test_a_broken_container_is_killed_wherever_it_is(engine: Engine, file: str) -> None:
    parent = f"/mini-docker/elsewhere-{os.getpid()}"
    id = engine.ok("run", "-d", "--cgroup-parent", parent, "busybox", "sleep", "1000")
    pid = engine.inspect(id)["State"]["Pid"]
    monitor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    store = Store(str(engine.root))
    life = Lock(f"{store.directory(id)}/lock")
    os.kill(monitor, signal.SIGKILL)
    until(lambda: not life.held(), "the end of the monitor")
    try:
        Path(f"{store.directory(id)}/{file}").write_text("{")
        assert containers.start_time(pid), "it runs on"
        result = engine("rm", "-f", id)
        assert result.code == 0 and id.encode() in result.out, result
        until(lambda: not containers.start_time(pid), "the end of its process", 2)
    finally:
        if containers.start_time(pid):
            os.kill(pid, signal.SIGKILL)
        for group in (f"{parent}/{id}", parent):
            cgroups_tree.Group(group).remove()


def test_empty_words(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "worded", "busybox", "sleep", "1000")
    assert engine.ok("kill", "-s", "", "worded") == "worded"
    assert engine.inspect("worded")["State"]["ExitCode"] == 137
    for flags in ((), ("-f",)):
        engine("rm", *flags, "").refused("container name cannot be empty", code=1)
    result = engine("rm", "/", "worded")
    assert (result.code, result.out) == (1, b"worded\n"), result
