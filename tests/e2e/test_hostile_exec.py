"""A container that lies in wait for the engine: for exec, for init, for every later command.

For as long as it takes to enter a container, a process of the engine is in both worlds. The
attack is given all the time it wants: slowed() makes that moment last.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mini_docker import capabilities_names
from tests.e2e import hostile
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

SLOW = """import time, mini_docker.container_exec as e, mini_docker.container_process as p
demand, give_up = e._demand, p.give_up
def slow_demand(itself):
    time.sleep(0.1)
    demand(itself)
def slow_give_up(*words):
    time.sleep(0.05)
    give_up(*words)
    time.sleep(0.1)
e._demand, p.give_up = slow_demand, slow_give_up"""
SLOW_BIRTH = """import time, mini_docker.container_birth as b
give = b.Birth.give
b.Birth.give = lambda self: give(self) or time.sleep(0.3)"""
SLOW_START = """import time, mini_docker.container as c
child = c._child
c._child = lambda it, report: time.sleep(0.3) or child(it, report)"""
OPEN_TO_ALL = """import mini_docker.syscalls as s; prctl = s.prctl
s.prctl = lambda option, *words: 0 if option == s.PR_SET_DUMPABLE else prctl(option, *words)"""
NOT_SEALED = "import mini_docker.sealed as q; q.ensure = lambda: None"
SEEN_EARLY = f"{NOT_SEALED}; import mini_docker.container_exec as e; e._late = lambda config: None"
NO_LAUNCH = "import mini_docker.launch as l; l.guard = lambda report, last: last()"
SCRIPT = "#!/proc/self/exe\nimport time\ntime.sleep(0.5)\n"


class Watched:
    """A container in which an attack watches, and what it has seen."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self.engine = engine
        self.root = root
        self.told: list[tuple[str, str]] = []

    def seen(self) -> set[str]:
        """Return what it has seen that it must not, and what it has overwritten."""
        return {what for name, what in self.told if name in ("seen", "overwritten")}


@contextmanager
def watching(engine: Engine, decoy: Path, root: Path, *flags: str) -> Iterator[Watched]:
    """Run a container called "box" with the attack in it; at the end its engine is killed.

    So no process of the engine runs any more when the attack overwrites what it holds.
    """
    words = hostile.command("watch", str(decoy), *("1" for flag in flags if flag == "--init"))
    words = ["sh", "-c", 'exec "$@" >/tmp/told', "sh", *words]  # where no monitor is needed
    it, told = Watched(engine, root), root / "tmp/told"
    told.unlink(missing_ok=True)
    (root / "tmp/stop").unlink(missing_ok=True)
    with engine.popen("run", "--name", "box", *flags, "--rootfs", str(root), *words) as process:
        try:
            until(lambda: told.exists() and b"ready" in told.read_bytes(), "the attack is ready")
            box = Engine(engine.root).inspect("box")["State"]["Pid"]
            monitor = int(Path(f"/proc/{box}/stat").read_text().rpartition(")")[2].split()[1])
            yield it
            os.kill(monitor, signal.SIGKILL)
        finally:
            process.kill()
            process.wait()
            (root / "tmp/stop").touch()
    until(lambda: not Path(f"/proc/{box}/cwd").is_dir(), "the end of the attack")
    it.told = [line(text) for text in told.read_bytes().splitlines()]
    Engine(engine.root)("rm", "-f", "box")  # that engine may be overwritten
    assert it.told[-1][0] == "ended", it.told


def line(text: bytes) -> tuple[str, str]:
    """Return the name and the result of one line of an attack."""
    assert text, "the attack has ended"
    name, _, what = text.decode().rstrip("\n").partition("\t")
    return name, what


# How often an attack that is to succeed is tried: on a busy machine the watcher may be late.
TRIES = 5


@pytest.fixture
def box(engine: Engine, tmp_path: Path) -> Path:
    """A root of the attack's own."""
    path = hostile.copy_tree(hostile.base(engine), tmp_path / "box")
    (path / "evil").write_text(SCRIPT)
    (path / "evil").chmod(0o755)
    return path


def test_nobody_looks_through_an_exec_that_is_on_its_way_in(
    engine: Engine, box: Path, tmp_path: Path
) -> None:
    """CVE-2016-9962, CVE-2019-5736."""
    decoy = tmp_path / "decoy"
    decoy.touch()
    engine, copy = hostile.copied(engine, tmp_path)
    before = copy.read_bytes()
    with watching(engine, decoy, box) as it:
        for command in (["true"], ["/evil"], ["no-such-command"]):
            hostile.weakened(engine, SLOW)("exec", "box", *command)
    assert it.seen() == set(), it.told
    assert copy.read_bytes() == before
    for _ in range(TRIES):
        with watching(engine, decoy, box) as it:
            hostile.weakened(engine, SLOW, OPEN_TO_ALL)("exec", "box", "true")
        if copy.read_bytes() != before:
            break
    assert {f"program {copy}", str(copy)} <= it.seen(), it.told
    assert copy.read_bytes() != before


# What a tracer does see: our program's file, read-only, and the one in memory (launch.py).
# Below --init it cannot be written while that runs, which is always; but nor afterwards.
PROTECTED = {"program /", "EROFS", "ETXTBSY", "open /memfd:launch (deleted)"}


@pytest.mark.parametrize("more", [(), ("--init",), ("--init", "--cap-add", "ALL")])
def test_a_tracer_in_the_container_finds_nobody_with_more_rights(
    engine: Engine, box: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """With CAP_SYS_PTRACE one may look, dumpable or not; there is nothing to be had."""
    decoy = tmp_path / "decoy"
    decoy.touch()
    engine, copy = hostile.copied(engine, tmp_path)
    before = copy.read_bytes()
    slow = hostile.weakened(engine, SLOW)
    with watching(slow, decoy, box, "--cap-add", "SYS_PTRACE", *more) as it:
        for command in (["true"], ["/evil"], ["no-such-command"]):
            slow("exec", "box", *command)
        assert slow("exec", "-d", "box", "mkdir", "/tmp/detached").code == 0
        assert slow("exec", "box", "sh", "-c", "exit 7").code == 7
        until((box / "tmp/detached").exists, "the detached exec runs")
    assert it.seen() <= PROTECTED, it.told
    assert copy.read_bytes() == before
    early = hostile.weakened(engine, SLOW, SEEN_EARLY)
    for _ in range(TRIES):
        with watching(early, decoy, box, "--cap-add", "SYS_PTRACE", *more) as it:
            early("exec", "box", "true")
        traced = "ALL" in more or any(what.startswith("traced") for what in it.seen())
        seen = traced and f"program {copy}" in it.seen()
        overwritten = copy.read_bytes() != before
        if seen and overwritten == ("--init" not in more):
            break
    assert seen, it.told
    assert overwritten == ("--init" not in more)


@pytest.mark.parametrize("flags", [(), ("--init",), ("--init", "--cap-add", "SYS_PTRACE")])
def test_a_script_does_not_get_hold_of_the_engines_interpreter(
    engine: Engine, box: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """CVE-2019-5736: a program whose interpreter is /proc/self/exe, so what we were before."""
    decoy = tmp_path / "decoy"
    decoy.touch()
    engine, copy = hostile.copied(engine, tmp_path)
    before = copy.read_bytes()
    root = ("--rootfs", str(box))
    for words in (["run", "--rm", *flags, *root, "/evil"], ["exec", "box", "/evil"]):
        with watching(engine, decoy, box, *flags) as it:
            result = engine(*words)
        assert result.code == 126, result  # the program in memory runs once
        assert it.seen() <= PROTECTED and copy.read_bytes() == before, it.told
    for _ in range(TRIES):
        with watching(engine, decoy, box, *flags) as it:
            hostile.weakened(engine, NO_LAUNCH, NOT_SEALED)("exec", "box", "/evil")
        overwritten = copy.read_bytes() != before
        if f"program {copy}" in it.seen() and overwritten == ("--init" not in flags):
            break
    assert f"program {copy}" in it.seen(), it.told
    assert overwritten == ("--init" not in flags)


def test_nobody_starts_in_sight_of_a_tracer(engine: Engine) -> None:
    """The other way round is how one debugs: the container that joins may trace."""
    engine.ok("run", "-d", "--name", "tracer", "--cap-add", "SYS_PTRACE", "busybox", "sleep", "100")
    join = ("run", "--rm", "--pid", "container:tracer", "busybox", "true")
    engine(*join).refused("it has CAP_SYS_PTRACE", code=125)
    engine.ok("run", "-d", "--name", "plain", "busybox", "sleep", "100")
    words = ("run", "--rm", "--pid", "container:plain", "--cap-add", "SYS_PTRACE", "busybox")
    assert "sleep 100" in engine.ok(*words, "ps")


STOP = """me=$$; while :; do for p in /proc/[0-9]*; do
[ ${p#/proc/} -gt $me ] && kill -STOP ${p#/proc/} 2>/dev/null; done; done"""


@pytest.mark.parametrize("flags", [(), ("--cap-add", "SYS_PTRACE")], ids=["seen", "born-late"])
def test_who_stops_the_one_on_its_way_in_does_not_keep_the_caller(
    engine: Engine, flags: tuple[str, ...]
) -> None:
    engine.ok("run", "-d", "--name", "box", *flags, "busybox", "sh", "-c", STOP)
    with hostile.weakened(engine, SLOW, SLOW_BIRTH).popen("exec", "box", "true") as process:
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert process.stderr
        assert b"interrupted: the container has kept the command" in process.stderr.read()
    inside = engine.ok("top", "box", "-o", "pid,stat").splitlines()[1:]
    assert len(inside) == 1, inside


def test_who_stops_a_container_that_shares_its_pids_does_not_keep_the_caller(
    engine: Engine,
) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", STOP)
    slow = hostile.weakened(engine, SLOW_START)
    with slow.popen("run", "--rm", "--pid", "container:box", "busybox", "true") as process:
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 143
    assert engine.ok("ps", "-aq").count("\n") == 0
    inside = engine.ok("top", "box", "-o", "pid,stat").splitlines()[1:]
    assert len(inside) == 1, inside


LOOK = """echo ready; end=$(($(date +%s) + 3))
while [ $(date +%s) -lt $end ]; do for p in /proc/[0-9]*; do
case "$(readlink $p/exe)" in *python*) grep CapEff $p/status;; esac; done; done 2>/dev/null; true"""


@pytest.mark.parametrize(
    "guest",
    [
        ("exec", "--privileged", "plain"),
        ("run", "--rm", "--pid", "container:plain", "--cap-add", "SYS_PTRACE", "busybox"),
    ],
    ids=["privileged exec", "shared pids"],
)
def test_a_tracer_that_comes_later_finds_nobody_either(
    engine: Engine, guest: tuple[str, ...]
) -> None:
    """The container itself has no right to trace; its guest has, and waits for the next exec."""
    engine.ok("run", "-d", "--name", "plain", "busybox", "sleep", "100")
    allowed = capabilities_names.mask(capabilities_names.DEFAULT)

    def more(*weak: str) -> list[str]:
        """Return the rights, beyond a container's, that the guest has seen an exec with."""
        with engine.popen(*guest, "sh", "-c", LOOK) as process:
            assert process.stdout and process.stdout.readline() == b"ready\n"
            assert hostile.weakened(engine, SLOW, *weak)("exec", "plain", "true").code == 0
            engine("run", "--rm", "--pid", "container:plain", "busybox", "true").refused("TRACE")
            seen = [line.split()[1].decode() for line in process.stdout]
        return [rights for rights in seen if int(rights, 16) & ~allowed]

    assert more() == []
    assert more(SEEN_EARLY) != []
    engine.ok("run", "--rm", "--pid", "container:plain", "busybox", "true")
