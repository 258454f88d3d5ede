"""The end of a container that somebody wants gone: whatever is under way, and whatever is full."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

# It ends twice at once, and stays up from the third start on.
THIRD = "echo x >>/n; [ $(wc -l </n) -gt 2 ] && exec sleep 1000; exit 1"


def status(engine: Engine, id: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (engine.root / "containers" / id / "state.json").read_bytes()
    )
    return found


@pytest.mark.parametrize("verb", [("kill",), ("stop", "-t", "1")])
def test_the_end_that_meets_a_start_is_the_end(engine: Engine, verb: tuple[str, ...]) -> None:
    for attempt in range(6):
        words = ("--restart", "always", "busybox", "sh", "-c", THIRD)
        id = engine.ok("run", "-d", "--name", "web", *words)
        until(
            lambda id=id: (
                (status(engine, id)["Status"], status(engine, id).get("RestartCount"))
                == ("restarting", 2)
            ),
            "the second return",
        )
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
        assert Path(engine.root / "run").is_dir() and not list((engine.root / "run").iterdir())
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
