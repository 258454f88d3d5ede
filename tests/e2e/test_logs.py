"""Logs from outside: kept, rotated, followed, chosen by time and number, damaged, lost."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mini_docker import syscalls
from tests.e2e.conftest import Engine, Result, until

pytestmark = pytest.mark.e2e
TIME = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"
PATIENCE = 60  # seconds


def ran(engine: Engine, script: str, *flags: str) -> str:
    """Run *script* detached to its end; return the container's id."""
    id = engine.ok("run", "-d", *flags, "busybox", "sh", "-c", script)
    engine.ok("wait", id)
    return id


def path(engine: Engine, id: str) -> Path:
    return Path(engine.inspect(id)["LogPath"])


def shown(engine: Engine, *words: str) -> bytes:
    """Return what `logs` shows of both streams, and demand that it has nothing to remark."""
    result = engine("logs", *words, stderr=subprocess.STDOUT)
    assert result.code == 0, result
    return result.out


def finish(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=PATIENCE)
    return Result(("logs",), process.returncode, out or b"", err or b"")


def test_each_stream_comes_back_as_it_was_written(engine: Engine) -> None:
    script = r"""printf 'one\n\ntwo \\ "<&>\n'; printf 'oops\n' >&2; printf last"""
    id = ran(engine, script)
    result = engine("logs", id)
    assert (result.code, result.err) == (0, b"oops\n")
    assert result.out == b'one\n\ntwo \\ "<&>\nlast'
    rows = [json.loads(line) for line in path(engine, id).read_bytes().splitlines()]
    assert rows[-1]["log"] == "last" and {"log", "stream", "time"} == set(rows[0])


def test_the_file_is_there_from_the_start(engine: Engine) -> None:
    id = engine.ok("run", "-d", "busybox", "sleep", "1000")
    assert path(engine, id).read_bytes() == b""
    assert path(engine, id).stat().st_mode & 0o777 == 0o600
    assert shown(engine, id) == b""
    silent = engine.ok("run", "-d", "--log-driver", "none", "busybox", "sleep", "1000")
    assert not list(path(engine, id).parents[1].glob(f"{silent}/*.log"))


def test_a_container_in_the_foreground_is_logged_too(engine: Engine) -> None:
    result = engine("run", "--name", "front", "busybox", "sh", "-c", "echo hello; echo you >&2")
    assert (result.out, result.err) == (b"hello\n", b"you\n")
    result = engine("logs", "front")
    assert (result.out, result.err) == (b"hello\n", b"you\n")


def test_a_log_goes_on_when_the_container_does(engine: Engine) -> None:
    id = ran(engine, "echo again; printf half")
    engine.ok("start", id)
    engine.ok("wait", id)
    assert engine("logs", id).out == b"again\nhalfagain\nhalf"
    engine.ok("create", "--name", "never", "busybox", "true")
    assert engine.ok("logs", "-f", "never") == ""


def test_any_bytes(engine: Engine, tmp_path: Path) -> None:
    script = "head -c 300000 /dev/urandom | tee /tmp/x; sha256sum /tmp/x >&2"
    id = ran(engine, script, "--log-driver", "local")
    result = engine("logs", id)
    digest = subprocess.run(["sha256sum"], input=result.out, capture_output=True, check=True).stdout
    assert digest.split()[0] == result.err.split()[0]
    id = ran(engine, r"printf 'a\377b\n'")
    assert engine("logs", id).out == "a\ufffdb\n".encode()


def test_a_long_line_is_one_line(engine: Engine) -> None:
    id = ran(engine, "head -c 50000 /dev/zero | tr '\\0' x; echo; echo end")
    assert engine("logs", id).out == b"x" * 50000 + b"\nend\n"
    assert len(path(engine, id).read_bytes().splitlines()) == 5
    out = engine("logs", "-t", "-n", "2", id).out
    assert re.fullmatch(TIME + rb" x{50000}\n" + TIME + rb" end\n", out)


def test_follow_shows_lines_as_they_come_and_ends_with_the_container(engine: Engine) -> None:
    script = "echo one; while [ ! -e /go ]; do usleep 10000; done; echo two; printf last"
    id = engine.ok("run", "-d", "busybox", "sh", "-c", script)
    with engine.popen("logs", "-f", id) as process:
        assert process.stdout and process.stdout.readline() == b"one\n"
        with engine.popen("logs", "-f", "-n", "0", id) as later:
            assert engine("logs", id).out == b"one\n", "without -f it does not wait"
            time.sleep(1)  # it reads what comes from now on
            engine.ok("exec", id, "touch", "/go")
            assert finish(process).out == b"two\nlast"
            assert finish(later).out.endswith(b"two\nlast")
    assert process.returncode == later.returncode == 0


def test_follow_goes_on_over_restarts(engine: Engine) -> None:
    script = "echo $(date +%s.%N); exit 1"
    id = engine.ok("run", "-d", "--restart", "on-failure:2", "busybox", "sh", "-c", script)
    out = finish(engine.popen("logs", "-f", id)).out
    assert len(out.splitlines()) == 3


def test_follow_ends_when_the_container_is_removed_or_its_monitor_killed(engine: Engine) -> None:
    id = engine.ok("run", "-d", "--rm", "busybox", "sh", "-c", "echo up; sleep 1000")
    with engine.popen("logs", "-f", id) as process:
        assert process.stdout and process.stdout.readline() == b"up\n"
        engine.ok("rm", "-f", id)
        assert process.wait(PATIENCE) == 0
    id = engine.ok("run", "-d", "busybox", "sh", "-c", "echo up; sleep 1000")
    with engine.popen("logs", "-f", id) as process:
        assert process.stdout and process.stdout.readline() == b"up\n"
        os.kill(monitor(id), 9)
        assert process.wait(PATIENCE) == 0


def monitor(id: str) -> int:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        words = file.read_bytes().split(b"\0")
        if id.encode() in words and any(word.endswith(b"monitor.py") for word in words):
            return int(file.parent.name)
    stat = until(lambda: Path(f"/proc/{_main(id)}/stat").read_text(), "process 1")
    return int(stat.rpartition(")")[2].split()[1])


def _main(id: str) -> int:
    """Return the pid of the container's process 1: its parent is the monitor."""
    for file in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if id in file.read_text():
                return int(file.parent.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    raise AssertionError(f"no process of {id}")


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_rotation_under_load_loses_nothing_up_to_the_limit(engine: Engine, driver: str) -> None:
    flags = ["--log-driver", driver, "--log-opt", "max-size=100k", "--log-opt", "max-file=4"]
    flags += ["--log-opt", "compress=true"]
    id = ran(engine, "seq 1 60000", *flags)
    lines = engine("logs", id).out.split()
    assert len(lines) > 3000
    assert lines == [b"%d" % number for number in range(60001 - len(lines), 60001)]
    log = path(engine, id)
    names = {log.name, *(f"{log.name}.{number}.gz" for number in (1, 2, 3))}
    files = log.parent.glob(f"{log.name}*")
    until(lambda: {file.name for file in log.parent.glob(f"{log.name}*")} == names, "compressed")
    assert sum(file.stat().st_size for file in files) < 210_000
    assert engine("logs", "-n", "3000", id).out.split() == lines[-3000:]


def test_follow_loses_nothing_while_files_are_put_aside(engine: Engine) -> None:
    flags = ["--log-opt", "max-size=200k", "--log-opt", "max-file=100"]
    script = "while [ ! -e /go ]; do usleep 10000; done; seq 1 60000; printf last"
    flags += ["--log-opt", "compress=true"]
    id = engine.ok("run", "-d", *flags, "busybox", "sh", "-c", script)
    process = engine.popen("logs", "-f", id)
    engine.ok("exec", id, "touch", "/go")
    out = finish(process).out
    assert out == b"".join(b"%d\n" % number for number in range(1, 60001)) + b"last"
    assert len(list(path(engine, id).parent.glob("*-json.log.*"))) > 20


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_follow_loses_nothing_of_a_container_that_is_removed(engine: Engine, driver: str) -> None:
    """It waits a moment for us, even if whoever reads what we print does not read it."""
    flags = ["--rm", "--log-driver", driver, "--log-opt", "max-size=20k", "--log-opt"]
    script = "while [ ! -e /go ]; do usleep 10000; done; seq 1 30000; printf last"
    id = engine.ok("run", "-d", *flags, "max-file=500", "busybox", "sh", "-c", script)
    with engine.popen("logs", "-f", id, stderr=subprocess.STDOUT) as process:
        waiters = engine.root / "containers" / id / "waiters"
        until(waiters.exists, "somebody who follows")
        engine.ok("exec", id, "touch", "/go")
        until(lambda: not waiters.exists(), "its removal", 5)
        out = finish(process).out
    assert out == b"".join(b"%d\n" % number for number in range(1, 30001)) + b"last"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Three lines, ten minutes between two, the last one a minute ago; their times."""
    now = datetime.now(UTC)
    moments = [now - timedelta(minutes=minutes) for minutes in (21, 11, 1)]
    return [
        (f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z", name)
        for moment, name in zip(moments, ("old", "middle", "new"), strict=True)
    ]


def forms(moment: datetime) -> Iterator[str]:
    """Return all the ways to say *moment* that docker knows."""
    yield f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    yield f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
    yield f"{moment:%Y-%m-%dT%H:%M:%S}"  # in the machine's zone: UTC in this test
    yield f"{moment:%Y-%m-%dT%H:%M}"
    yield f"{moment + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00"
    yield f"{moment - timedelta(hours=3):%Y-%m-%dT%H:%M:%S}-03:00"
    yield f"{int(moment.timestamp())}"
    yield f"{moment.timestamp():.6f}"
    yield f"{int((datetime.now(UTC) - moment).total_seconds())}s"
    yield f"{int((datetime.now(UTC) - moment).total_seconds() / 60)}m"
    yield f"0.{int((datetime.now(UTC) - moment).total_seconds() / 36) + 1:02}h"


def test_since_and_until_in_all_forms(engine: Engine, three: list[tuple[str, str]]) -> None:
    engine.environment["TZ"] = "UTC"
    id = ran(engine, "true")
    rows = [
        json.dumps({"log": f"{name}\n", "stream": "stdout", "time": at}) + "\n"
        for at, name in three
    ]
    path(engine, id).write_text("".join(rows))
    between = datetime.now(UTC) - timedelta(minutes=6)
    for form in forms(between):
        assert engine.ok("logs", "--since", form, id) == "new", form
        assert engine.ok("logs", "--until", form, id).split() == ["old", "middle"], form
    both = engine.ok("logs", "--since", "16m", "--until", "6m", id)
    assert both == "middle"
    assert engine.ok("logs", "--since", three[1][0], "--until", three[1][0], id) == "middle"
    assert engine.ok("logs", "--since", "2030-01-01", id) == ""
    assert engine.ok("logs", "-n", "1", "--until", "6m", id) == "", "the last line, and it is later"
    assert engine.ok("logs", "-t", "-n", "1", id) == f"{three[2][0]} new"


def test_until_ends_a_follow(engine: Engine) -> None:
    id = engine.ok("run", "-d", "busybox", "sh", "-c", "echo up; sleep 1000")
    until(lambda: engine.ok("logs", id), "its line")
    soon = f"{time.time() + 1:.3f}"
    assert engine.ok("logs", "-f", "--until", soon, id) == "up"
    assert engine.ok("logs", "-f", "--until", "1h", id) == ""


@pytest.mark.parametrize("flag", ["since", "until"])
def test_what_is_no_time_is_refused(engine: Engine, flag: str) -> None:
    id = ran(engine, "true")
    for text in ("x", "5", "2020-13-45", "10 minutes", "-", "99999999999999999999"):
        result = engine("logs", f"--{flag}", text, id)
        if text != "5":
            result.refused(f'invalid value for "{flag}": ', code=1)


def test_the_last_lines(engine: Engine) -> None:
    id = ran(engine, "seq 1 50000; printf end")
    for words, wanted in {
        ("-n", "3"): b"49999\n50000\nend",
        ("--tail", "0"): b"",
        ("--tail=2",): b"50000\nend",
    }.items():
        assert engine("logs", *words, id).out == wanted, words
    for everything in ("all", "-1", "many", "60000"):
        assert len(engine("logs", "--tail", everything, id).out.split()) == 50001, everything


def test_details_and_times(engine: Engine) -> None:
    flags = ["--label", "tier=a b", "-e", "COLOUR=x=y", "--name", "dim"]
    for option in ("labels=tier,none", "env=COLOUR", "tag={{.Name}}/{{.ImageName}}"):
        flags += ["--log-opt", option]
    ran(engine, "echo one; echo two >&2", *flags)
    attributes = b"COLOUR=x%3Dy,tag=dim%2Fbusybox,tier=a+b"
    result = engine("logs", "--details", "dim")
    assert (result.out, result.err) == (attributes + b" one\n", attributes + b" two\n")
    result = engine("logs", "--details", "-t", "dim")
    assert re.fullmatch(TIME + b" " + re.escape(attributes) + b" one\n", result.out), result
    ran(engine, "echo one", "--name", "plain")
    assert engine("logs", "--details", "plain").out == b" one\n"


def test_a_log_that_is_damaged_in_the_middle(engine: Engine) -> None:
    id = ran(engine, "for i in $(seq 1 300); do echo $i; done")
    file = path(engine, id)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[len(lines) // 2 : len(lines) // 2] = [b"\0" * 9000, b'{"log":"half\n', b"\xff rubbish\n"]
    file.write_bytes(b"".join(lines))
    result = engine("logs", id)
    assert result.code == 0 and result.out.split() == [b"%d" % n for n in range(1, 301)]
    assert result.err == b"WARNING: the log is damaged: what could not be read is left out\n"


@pytest.mark.parametrize("damage", [b"\0", b"\\x"])
def test_a_log_that_is_overwritten_within_a_line(engine: Engine, damage: bytes) -> None:
    """Seen by the command alone: in a test, `json` is there, and the scanner's error another."""
    id = ran(engine, "for i in $(seq 1 300); do echo line $i; done")
    file = path(engine, id)
    file.write_bytes(file.read_bytes().replace(b"line 150", b"line" + 4 * damage))
    result = engine("logs", id)
    assert result.code == 0, result
    assert result.out.splitlines()[:149] == [b"line %d" % n for n in range(1, 150)]
    assert result.out.splitlines()[-150:] == [b"line %d" % n for n in range(151, 301)]


def test_drivers(engine: Engine, tmp_path: Path) -> None:
    id = ran(engine, "echo hello", "--log-driver", "none")
    engine("logs", id).refused("configured logging driver does not support reading", code=1)
    assert engine.inspect(id)["LogPath"] == ""
    id = ran(engine, "echo hello; echo you >&2", "--log-driver", "local")
    result = engine("logs", id)
    assert (result.out, result.err) == (b"hello\n", b"you\n")
    assert engine.inspect(id)["HostConfig"]["LogConfig"] == {"Type": "local", "Config": {}}
    assert path(engine, id).name == "container.log"
    result = engine("run", "--log-driver", "syslogd", "busybox", "true")
    result.refused('error looking up logging plugin syslogd: plugin "syslogd" not found')
    engine("run", "--log-opt", "x=y", "busybox", "true").refused(
        "unknown log opt 'x' for json-file"
    )
    assert len(engine.ok("ps", "-aq").split()) == 2


def test_daemon_json_names_the_driver(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / "daemon.json"
    config.write_text('{"log-driver": "json-file", "log-opts": {"max-size": "5m"}}')
    engine.environment["MINI_DOCKER_CONFIG"] = str(config)
    id = ran(engine, "echo hello")
    wanted = {"Type": "json-file", "Config": {"max-size": "5m"}}
    assert engine.inspect(id)["HostConfig"]["LogConfig"] == wanted
    config.write_text('{"log-driver": "local"}')
    assert engine.ok("info", "-f", "{{.LoggingDriver}}") == "local"
    assert engine.inspect(ran(engine, "true"))["HostConfig"]["LogConfig"]["Type"] == "local"


def test_a_full_disk_holds_no_container_up(engine: Engine) -> None:
    flags = ["--log-driver", "local", "--name", "full"]
    id = engine.ok("create", *flags, "busybox", "sh", "-c", "seq 1 100000; echo done >&2; exit 3")
    folder = path(engine, id).parent
    folder.mkdir()
    syscalls.mount("tmpfs", str(folder), "tmpfs", 0, "size=128k")
    try:
        engine.ok("start", "full")
        assert engine.ok("wait", "full") == "3"
        result = engine("logs", "full")
        assert result.out.startswith(b"1\n2\n3\n") and len(result.out) < 131072, result
        assert re.search(rb"^WARNING: \d+ bytes of the log could not be written", result.err)
        numbers = [int(line) for line in result.out.split()]
        assert numbers == list(range(1, len(numbers) + 1)), "whole lines, and none twice"
    finally:
        syscalls.umount(str(folder))


def test_a_slow_reader_holds_no_container_up(engine: Engine) -> None:
    script = "while [ ! -e /go ]; do usleep 10000; done; seq 1 200000"
    id = engine.ok("run", "-d", "busybox", "sh", "-c", script)
    with engine.popen("logs", "-f", id) as process:
        engine.ok("exec", id, "touch", "/go")
        engine.ok("wait", id)  # nobody has read a byte
        assert process.poll() is None, "a pipe does not hold so much"
        result = finish(process)
    assert result.out == b"".join(b"%d\n" % number for number in range(1, 200001))


def test_a_reader_that_leaves_ends_the_command(engine: Engine) -> None:
    id = engine.ok("run", "-d", "busybox", "sh", "-c", "echo up; sleep 1000")
    with engine.popen("logs", "-f", id) as process:
        assert process.stdout and process.stdout.readline() == b"up\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == 141


SMALL = ("--log-opt", "max-size=2m", "--log-opt", "max-file=3")  # of one file nothing may be left


def test_a_fast_writer_does_not_keep_logs_from_its_end(engine: Engine) -> None:
    id = engine.ok("run", "-d", *SMALL, "busybox", "yes")
    until(lambda: path(engine, id).stat().st_size > 10**6, "a log")
    assert engine("logs", id, stdout=subprocess.DEVNULL).code == 0
    for count in (1, 5):
        assert shown(engine, "-n", str(count), id) == b"y\n" * count
    engine.ok("kill", id)


def test_containers_that_are_not_there(engine: Engine) -> None:
    engine("logs", "nope").refused("No such container: nope", code=1)
    assert engine("container", "logs", "nope").code == 1
    assert b"requires" in engine("logs").err
