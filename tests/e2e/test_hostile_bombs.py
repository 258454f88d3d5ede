"""A container that takes all it can get: it gets what it may have, and the engine goes on."""

from __future__ import annotations

import time

import pytest

from tests.e2e import hostile
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e


def greed(engine: Engine, what: str, number: int, *flags: str) -> tuple[int, str]:
    """Run the attack; return how much it had, and what stopped it."""
    told = hostile.attack(engine, "greed", what, str(number), flags=flags)
    return int(told["had"]), told["then"]


def test_no_more_processes_than_the_limit(engine: Engine) -> None:
    assert greed(engine, "processes", 40) == (40, "enough")
    had, then = greed(engine, "processes", 40, "--pids-limit", "16")
    assert had < 16 and then == "EAGAIN"


def test_a_fork_bomb_is_looked_at_and_removed(engine: Engine) -> None:
    limits = ("--pids-limit", "24", "--cpus", "0.3", "--rootfs", str(hostile.base(engine)))
    engine.ok("run", "-d", "--name", "bomb", *limits, *hostile.command("bomb"))
    until(lambda: len(engine.ok("top", "bomb").splitlines()) > 20, "it has exploded")
    assert "bomb" in engine.ok("ps", "--format", "{{.Names}}")
    assert engine.inspect("bomb")["State"]["Running"] is True
    result = engine("exec", "bomb", "true")
    assert result.code in (0, 125, 126) and len(result.err.splitlines()) <= 1, result
    engine.ok("rm", "-f", "bomb")


def test_no_more_memory_than_the_limit(engine: Engine) -> None:
    # tail keeps all that it has read, as long as there is no line's end.
    script = "head -c 100000000 /dev/zero | tail >/dev/null; echo $?"
    assert engine.ok("run", "--rm", "-m", "400m", "busybox", "sh", "-c", script) == "0"
    limits = ("-m", "16m", "--memory-swap", "16m")
    words = ("run", "--name", "hog", *limits, "busybox", "sh", "-c", f"{script}; exit 3")
    result = engine(*words)
    assert (result.out, result.code) == (b"137\n", 3), result
    assert engine.inspect("hog")["State"]["OOMKilled"] is True


def test_no_more_open_files_than_the_limit(engine: Engine) -> None:
    assert greed(engine, "files", 100) == (100, "enough")
    had, then = greed(engine, "files", 100, "--ulimit", "nofile=32")
    assert had < 32 and then == "EMFILE"


def test_what_lies_in_memory_is_bounded(engine: Engine) -> None:
    limits = ("-m", "200m", "--shm-size", "1m", "--tmpfs", "/small:size=1m")
    script = (
        "for place in /dev/shm /small /dev; do head -c 80000000 /dev/zero >$place/fill;"
        " wc -c <$place/fill; rm $place/fill; done 2>&1"
    )
    told = engine.ok("run", "--rm", *limits, "busybox", "sh", "-c", script)
    sizes = [int(word) for word in told.split() if word.isdecimal()]
    assert sizes == [2**20, 2**20, 64 * 2**20], told
    assert told.count("error") == 3, told


def test_names_in_memory_count_as_memory(engine: Engine) -> None:
    """An empty file takes no space in a tmpfs, but it takes memory of the kernel's."""
    root = str(hostile.base(engine))
    words = ["-m", "24m", "--memory-swap", "24m", "--rootfs", root]
    result = engine("run", "--rm", *words, *hostile.command("greed", "names", "1000000"))
    told = hostile.outcome(result)
    assert result.code == 137 or told["then"] in ("ENOSPC", "ENOMEM"), (result, told)


@pytest.mark.parametrize(
    ("what", "number"), [("disk_names", 5000), ("depth", 1000), ("clutter", 200)]
)
def test_what_it_leaves_on_the_disk_is_removed(engine: Engine, what: str, number: int) -> None:
    """In the container's own layer: --rootfs is the user's, and would not be removed."""
    hostile.image(engine, "attacker", hostile.base(engine))
    words = ("run", "--name", "box", "attacker", *hostile.command("greed", what, str(number)))
    assert hostile.outcome(engine(*words)) == {"had": str(number), "then": "enough"}
    assert engine.inspect("box")["State"]["Status"] == "exited"
    begin = time.monotonic()
    engine.ok("rm", "box")
    assert time.monotonic() - begin < 10
