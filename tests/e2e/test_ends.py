"""The end of a container that somebody wants gone: whatever is under way, and whatever is full."""

from __future__ import annotations

import json
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e.conftest import Engine, attached, until

pytestmark = pytest.mark.e2e

# It ends twice at once, and stays up from the third start on.
THIRD = "echo x >>/n; [ $(wc -l </n) -gt 2 ] && exec sleep 1000; exit 1"


def status(engine: Engine, id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (engine.root / "containers" / id / "state.json").read_bytes()
    )
    return found


def is_empty(place: Path) -> bool:
    return not list(place.iterdir())


def is_at(engine: Engine, id: str, place: tuple[str, int]) -> bool:
    found = status(engine, id)
    return (found["Status"], found.get("RestartCount")) == place


def has_left(engine: Engine, id: str, state: str) -> bool:
    return bool(status(engine, id)["Status"] != state)


@pytest.mark.parametrize("verb", [("kill",), ("stop", "-t", "1")])
def test_the_end_that_meets_a_start_is_the_end(engine: Engine, verb: tuple[str, ...]) -> None:
    for attempt in range(6):
        words = ("--restart", "always", "busybox", "sh", "-c", THIRD)
        id = engine.ok("run", "-d", "--name", "web", *words)
        until(partial(is_at, engine, id, ("restarting", 2)), "the second return")
        time.sleep(0.15 + 0.01 * attempt)  # it starts after 0.2 s, and that takes its time
        assert engine.ok(*verb, "web") == "web"
        time.sleep(0.3)
        engine.ok("inspect", "web")
        assert status(engine, id)["Status"] == "exited", attempt
        engine.ok("rm", "web")


@pytest.mark.parametrize("verb", ["kill", "stop"])
def test_a_knock_before_the_door_is_open_is_not_lost(engine: Engine, verb: str) -> None:
    """The second wait takes 0.2 s, the sixth over 3: nobody waits for that."""
    id = engine.ok("run", "-d", "--name", "web", "--restart", "always", "busybox", "false")
    for _ in range(4):
        until(lambda: status(engine, id)["Status"] == "restarting", "the end")
        began = time.monotonic()
        engine.ok(verb, "web")
        assert status(engine, id)["Status"] == "exited"
        assert time.monotonic() - began < 3
        until(partial(is_empty, engine.root / "run"), "the note and the socket go")
        engine.ok("start", "web")
    engine.ok("rm", "-f", "web")


def fill(folder: Path) -> Path:
    """Take all the space that is left below *folder*; return the file that has it."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        return filler


FLOOD = ("sh", "-c", "while :; do echo all work and no play; done")


@pytest.mark.parametrize("policy", ["no", "always"])
def test_what_fills_the_disk_with_its_log_can_be_ended(tmp_path: Path, policy: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    syscalls.mount("tmpfs", str(small), "tmpfs", 0, "size=16m")
    try:
        engine = Engine(small)
        engine.ok("image", "bootstrap", "busybox")
        for verb in (["kill"], ["stop", "-t", "0"], ["rm", "-f"]):
            id = engine.ok("run", "-d", "--name", "web", "--restart", policy, "busybox", *FLOOD)
            filler = fill(small)
            with pytest.raises(OSError, match="No space left"):
                (small / "more").write_bytes(bytes(4096))
            assert engine.ok(*verb, "web") == "web"
            (small / "more").unlink(missing_ok=True)
            if verb[0] != "rm":
                found = status(engine, id)
                assert (found["Status"], found["ExitCode"], found["Pid"]) == ("exited", 137, 0)
                engine.ok("rm", "web")
            assert engine.ok("ps", "-aq") == ""
            filler.unlink()
            assert engine.ok("system", "check") == "everything is in order"
    finally:
        syscalls.umount(str(small), syscalls.MNT_DETACH)


def test_any_signal_ends_the_policy_unless_a_stop_signal_is_set(engine: Engine) -> None:
    script = "trap 'exit 1' HUP; >/up; while :; do sleep 0.02; done"
    for flags, after in (((), "exited"), (("--stop-signal", "TERM"), "restarting")):
        words = ("--restart", "always", *flags, "busybox", "sh", "-c", script)
        id = engine.ok("run", "-d", "--name", "web", *words)
        up = Path(engine.inspect("web")["GraphDriver"]["Data"]["UpperDir"]) / "up"
        until(up.exists, "the trap")
        engine.ok("kill", "-s", "HUP", "web")
        until(partial(has_left, engine, id, "running"), "the end")
        assert status(engine, id)["Status"] == after
        engine.ok("rm", "-f", "web")


def test_health_is_unhealthy_once_nobody_looks(engine: Engine) -> None:
    """moby, container/health.go: "unhealthy when the monitor has stopped"."""
    flags = ("--health-cmd", "true", "--health-interval", "50ms")
    id = engine.ok("run", "-d", "--name", "web", *flags, "busybox", "sleep", "1000")

    def health() -> str:
        found = status(engine, id)["Health"]
        assert isinstance(found, dict)
        return str(found["Status"])

    until(lambda: health() == "healthy", "a first probe")
    engine.ok("pause", "web")
    assert health() == "unhealthy"
    engine.ok("unpause", "web")
    until(lambda: health() == "healthy", "a probe after the pause")
    engine.ok("kill", "web")
    assert health() == "unhealthy"


def test_reports_come_in_the_order_of_the_names(engine: Engine) -> None:
    engine.ok("create", "--name", "web", "busybox", "true")
    names = ("no1", "web", "no2", "no3", "no4")
    for verb in ("stop", "kill", "restart"):
        lines = engine(verb, *names).err.decode().splitlines()
        missing = [line for line in lines if "No such container" in line]
        assert [line.split()[-1] for line in missing] == ["no1", "no2", "no3", "no4"]
    command = [*engine.command, "start", *names]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = done.stdout.decode().splitlines()
    assert done.returncode == 1 and "web" in said
    assert said[-1] == "mini-docker: failed to start containers: no1, no2, no3, no4"


def test_a_leading_slash_is_no_part_of_a_name(engine: Engine) -> None:
    engine.ok("create", "--name", "/web", "busybox")
    assert engine.inspect("web")["Name"] == "/web"
    engine.ok("rename", "/web", "/other")
    assert engine.ok("ps", "-a", "--format", "{{.Names}}") == "other"
    for name in ("/", "//web"):
        engine("create", "--name", name, "busybox").refused("Invalid container name", code=1)


def test_inspect_tells_sizes_if_asked(engine: Engine) -> None:
    engine.ok("run", "--name", "web", "busybox", "sh", "-c", "echo 12345 >/file")
    assert "SizeRw" not in engine.inspect("web")
    for verb in (("inspect",), ("container", "inspect")):
        found = json.loads(engine.ok(*verb, "-s", "web"))[0]
        assert found["SizeRw"] == 6 and found["SizeRootFs"] > 1_000_000
    assert engine.ok("inspect", "-f", "{{.SizeRw}}", "web") == "<nil>"
    assert engine.ok("inspect", "--size", "-f", "{{.SizeRw}}", "web") == "6"


def test_top_of_what_does_not_run_in_dockers_words(engine: Engine) -> None:
    id = engine.ok("run", "-d", "--name", "web", "--restart", "always", "busybox", "false")
    until(lambda: status(engine, id).get("RestartCount", 0) == 4, "a wait of 0.8 s")
    waiting = f"Container {id} is restarting, wait until the container is running"
    engine("top", "web").refused(waiting, code=1)
    engine.ok("kill", "web")
    engine("top", "web").refused(f"container {id} is not running", code=1)


def test_a_label_steers_no_terminal(engine: Engine) -> None:
    forged = "x\n2026-01-01T00:00:00Z container die web\x1b[2J"
    engine.ok("create", "--name", "web", "--label", f"key={forged}", "busybox")
    lines = engine.ok("events", "--since", "1m", "--until", "0s").splitlines()
    assert r"key=x\n2026-01-01T00:00:00Z container die web\x1b[2J" in lines[-1]
    assert not any("\x1b" in line or line.startswith("2026-01-01") for line in lines)
    engine.ok("commit", "--message", "one\ntwo\x1b[2J", "web", "forged")
    shown = engine.ok("history", "--no-trunc", "forged")
    assert r"one\ntwo\x1b[2J" in shown and "\x1b" not in shown
    assert len(shown.splitlines()) == len(engine.ok("history", "-q", "forged").splitlines()) + 1
    engine.ok("rmi", "forged")


def test_system_prune_takes_the_build_cache_as_it_says(engine: Engine) -> None:
    cache = engine.root / "build/cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / ("0" * 64)).write_text("{}")
    asked = engine("system", "prune", stdin=b"n\n").out.decode()
    assert "  - unused build cache\n" in asked and (cache / ("0" * 64)).exists()
    assert "  - all build cache\n" in engine("system", "prune", "-a", stdin=b"n\n").out.decode()
    told = engine.ok("system", "prune", "-f")
    assert "Deleted build cache objects:\n" + "0" * 64 in told
    assert not (cache / ("0" * 64)).exists()
    engine.ok("system", "prune", "-f", "--filter", "label=x")


def test_a_reader_who_is_behind_does_not_hold_the_next_start_up(engine: Engine) -> None:
    """Who serves it has the container's lock no more, be it still the fork of a command."""
    script = "while [ ! -e /go ]; do sleep 0.02; done; head -c 3000000 /dev/zero"
    id = engine.ok("create", "--name", "web", "busybox", "sh", "-c", script)
    engine.ok("start", "web")
    with engine.popen("attach", "web") as reader:  # nobody reads what it shows
        try:
            attached(engine, "web")
            engine.ok("exec", "web", "touch", "/go")
            until(lambda: status(engine, id)["Status"] == "exited", "the end")
            with engine.popen("start", "web") as again:
                try:
                    again.wait(5)
                except subprocess.TimeoutExpired:
                    reader.kill()
                    pytest.fail("start waits for a reader of the last run")
            assert again.returncode == 0
        finally:
            reader.kill()
