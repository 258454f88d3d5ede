"""Streams without a terminal: every byte, both ways, whoever else looks on."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Engine, attached, until

pytestmark = pytest.mark.e2e

GIB = 2**30
FLOOD = "head -c 1073741824 /dev/zero"
CAT = ("busybox", "cat")
EVERY = bytes(range(256)) * 1000


def resident(pid: int) -> int:
    """Return how many bytes of memory process *pid* has in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def monitor(engine: Engine, name: str) -> int:
    """Return the pid of the monitor of container *name*: the parent of its process 1."""
    pid = engine.inspect(name)["State"]["Pid"]
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("words", [("run", "-i", "--rm", *CAT), ("exec", "-i", "box", "cat")])
def test_every_byte_comes_back(engine: Engine, words: tuple[str, ...]) -> None:
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    result = engine(*words, stdin=EVERY)
    assert (result.code, result.out, result.err) == (0, EVERY, b"")


def test_input_ends_when_it_ends(engine: Engine) -> None:
    result = engine("run", "-i", "--rm", "busybox", "sh", "-c", "cat; echo; echo over", stdin=b"x")
    assert (result.code, result.out) == (0, b"x\nover\n")
    assert engine("run", "-i", "--rm", *CAT, stdin=b"").out == b""
    # Without -i there is none, however much the caller has.
    assert engine("run", "--rm", *CAT, stdin=EVERY).out == b""


def test_input_is_attached_whatever_else_is(engine: Engine) -> None:
    """-a names what the caller sees; who says -i has something to say."""
    for stream in ("-a", "stdout"), ("-a", "stderr", "-a", "stdout"):
        assert engine("run", "-i", "--rm", *stream, *CAT, stdin=b"hi").out == b"hi"


def test_output_goes_on_after_the_input_has_ended(engine: Engine) -> None:
    script = "cat >/dev/null; sleep 0.5; echo later; echo worse >&2; exit 3"
    result = engine("run", "-i", "--rm", "busybox", "sh", "-c", script, stdin=EVERY)
    assert (result.code, result.out, result.err) == (3, b"later\n", b"worse\n")


def test_a_program_that_reads_nothing_holds_nobody_up(engine: Engine) -> None:
    result = engine("run", "-i", "--rm", "busybox", "echo", "done", stdin=bytes(4 * 2**20))
    assert (result.code, result.out) == (0, b"done\n")


@pytest.mark.timeout(180)
def test_a_gigabyte_arrives_whole_and_nobody_grows(engine: Engine) -> None:
    wanted = hashlib.sha256()
    for _ in range(1024):
        wanted.update(bytes(2**20))
    words = ("run", "--name", "box", "--log-driver", "none", "busybox", "sh", "-c", FLOOD)
    with engine.popen(*words) as process:
        assert process.stdout
        found, count, sizes, pids = hashlib.sha256(), 0, [0], [process.pid]
        while chunk := process.stdout.read(2**20):
            found.update(chunk)
            count += len(chunk)
            if len(pids) == 1:
                pids.append(monitor(engine, "box"))  # it stays the same, also as a small one
            elif count < GIB // 2:
                sizes += map(resident, pids)
        assert process.wait(20) == 0
    assert (count, found.hexdigest()) == (GIB, wanted.hexdigest())
    assert max(sizes) < 40 * 2**20


def test_whoever_attaches_misses_nothing(engine: Engine) -> None:
    script = "while [ ! -e /go ]; do sleep 0.1; done; head -c 50331648 /dev/zero"
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", script)
    with engine.popen("attach", "box") as process:
        attached(engine, "box")
        engine.ok("exec", "box", "touch", "/go")
        assert process.stdout
        count = 0
        while chunk := process.stdout.read(2**20):
            count += len(chunk)
        assert process.wait(20) == 0
    assert count == 48 * 2**20


def test_whoever_attaches_may_be_slow_and_misses_nothing(engine: Engine) -> None:
    """What it has not read is kept for it, up to a gigabyte, and the container goes on."""
    block = os.urandom(10**7)
    script = "while [ ! -e /go ]; do usleep 1000; done; for i in $(seq 30); do cat /block; done"
    words = ("--name", "box", "--log-driver", "none", "busybox", "sh", "-c", script)
    engine.ok("run", "-d", *words)
    engine.ok("exec", "-i", "box", "sh", "-c", "cat >/block", stdin=block)
    with engine.popen("attach", "box") as process:
        attached(engine, "box")
        engine.ok("exec", "box", "touch", "/go")
        assert process.stdout
        found = hashlib.sha256()
        while chunk := process.stdout.read(2**22):
            found.update(chunk)
            time.sleep(0.05)
        assert process.wait(20) == 0
    wanted = hashlib.sha256()
    for _ in range(30):
        wanted.update(block)
    assert found.digest() == wanted.digest()


def test_what_is_read_is_what_was_written(engine: Engine) -> None:
    """64 MiB that differ everywhere, both ways at once."""
    data = b"".join(hashlib.sha256(b"%d" % n).digest() * 64 for n in range(2**15))
    result = engine("run", "-i", "--rm", "--log-driver", "none", *CAT, stdin=data)
    assert result.code == 0
    assert hashlib.sha256(result.out).digest() == hashlib.sha256(data).digest()


def test_only_what_is_asked_for(engine: Engine) -> None:
    script = ("busybox", "sh", "-c", "echo out; echo err >&2; cat")
    result = engine("run", "--rm", "-a", "stdout", *script, stdin=b"in")
    assert (result.out, result.err) == (b"out\n", b"")
    result = engine("run", "--rm", "-a", "stderr", *script)
    assert (result.out, result.err) == (b"", b"err\n")
    result = engine("run", "--rm", "-i", "-a", "stdin", "-a", "stdout", *script, stdin=b"in")
    assert (result.out, result.err) == (b"out\nin", b"")


def test_several_are_attached_to_one(engine: Engine) -> None:
    script = "while [ ! -e /go ]; do sleep 0.1; done; seq 20000; exit 5"
    engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", script)
    wanted = "".join(f"{number}\n" for number in range(1, 20001)).encode()
    with (
        engine.popen("attach", "box") as first,
        engine.popen("attach", "box") as second,
        engine.popen("attach", "--no-stdin", "box") as stopped,
    ):
        attached(engine, "box", 3)
        stopped.send_signal(signal.SIGSTOP)
        engine.ok("exec", "box", "touch", "/go")
        for process in (first, second):
            assert process.communicate(timeout=20)[0] == wanted
            assert process.returncode == 5
        stopped.send_signal(signal.SIGCONT)  # one that slept misses nothing
        assert stopped.communicate(timeout=20)[0] == wanted
        assert stopped.returncode == 5


def test_a_killed_client_ends_nothing(engine: Engine) -> None:
    script = "while :; do echo tick; sleep 0.1; done"
    with engine.popen("run", "--name", "box", "busybox", "sh", "-c", script) as process:
        assert process.stdout and process.stdout.readline() == b"tick\n"
        process.kill()
        process.wait()
    assert engine.inspect("box")["State"]["Running"]
    with engine.popen("attach", "box") as process:
        assert process.stdout and process.stdout.readline() == b"tick\n"
        engine.ok("kill", "box")
        assert process.wait(20) == 137


def test_a_reader_that_leaves_ends_the_client_alone(engine: Engine) -> None:
    with engine.popen("run", "--name", "box", "busybox", "yes") as process:
        assert process.stdout and process.stdout.readline() == b"y\n"
        process.stdout.close()
        assert process.wait(20) == 141
    assert engine.inspect("box")["State"]["Running"]


@pytest.mark.parametrize("command", ["run", "attach"])
def test_signals_are_passed_on(engine: Engine, command: str) -> None:
    script = "trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.1; done"
    words: tuple[str, ...] = ("--name", "box", "busybox", "sh", "-c", script)
    if command == "attach":
        engine.ok("run", "-d", *words)
        words = ("box",)
    with engine.popen(command, *words) as process:
        assert process.stdout
        if command == "run":
            assert process.stdout.readline() == b"up\n"
        else:
            until(lambda: engine("logs", "box").out == b"up\n", "the trap")
            attached(engine, "box")
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b"caught\n"
        assert process.wait(20) == 9


def test_signals_in_quick_succession_are_all_passed_on(engine: Engine) -> None:
    """One that comes while another is passed on waits for its turn, and for nothing else."""
    names = ("TERM", "HUP", "INT", "USR1", "USR2")
    traps = "; ".join(f"trap 'echo {name}' {name}" for name in names)
    script = f"{traps}; trap 'exit 9' QUIT; echo up; while :; do usleep 1000; done"
    with engine.popen("run", "--name", "box", "busybox", "sh", "-c", script) as process:
        assert process.stdout and process.stdout.readline() == b"up\n"
        try:
            for number in range(10):
                burst = names[: 2 + number % 4]
                for name in burst:
                    process.send_signal(signal.Signals[f"SIG{name}"])
                heard = {process.stdout.readline().decode().strip() for _ in burst}
                assert heard == set(burst)
            process.send_signal(signal.SIGQUIT)
            assert process.wait(20) == 9
        finally:
            process.kill()  # or a failure would wait for its end


@pytest.mark.parametrize("command", ["run", "attach"])
def test_signals_end_the_client_alone(engine: Engine, command: str) -> None:
    words: tuple[str, ...] = ("--name", "box", "busybox", "sh", "-c", "echo up; sleep 1000")
    if command == "attach":
        engine.ok("run", "-d", *words)
        words = ("box",)
    with engine.popen(command, "--sig-proxy=false", *words) as process:
        if command == "run":
            assert process.stdout and process.stdout.readline() == b"up\n"
        else:
            attached(engine, "box")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert engine.inspect("box")["State"]["Running"]


def test_wrong_states_in_dockers_words(engine: Engine) -> None:
    engine("attach", "nobody").refused("No such container: nobody", code=1)
    engine.ok("run", "--name", "ended", "busybox", "true")
    engine("attach", "ended").refused(
        "You cannot attach to a stopped container, start it first", code=1
    )
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    engine.ok("pause", "box")
    engine("attach", "box").refused(
        "You cannot attach to a paused container, unpause it first", code=1
    )
    engine.ok("unpause", "box")


def test_a_user_opens_its_streams_anew(engine: Engine) -> None:
    words = ("busybox", "sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr")
    result = engine("run", "--rm", "-u", "1000", *words)
    assert (result.code, result.out, result.err) == (0, b"out\n", b"err\n")


def test_a_monitor_that_is_killed_ends_its_client_in_one_line(engine: Engine) -> None:
    with engine.popen("run", "--name", "box", "busybox", "sh", "-c", "echo up; sleep 99") as client:
        assert client.stdout and client.stdout.readline() == b"up\n"
        os.kill(monitor(engine, "box"), signal.SIGKILL)
        _, err = client.communicate(timeout=20)
        assert client.returncode == 125
        assert b"monitor was killed" in err and err.count(b"\n") == 1
