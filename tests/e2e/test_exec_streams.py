"""What an exec hands over to the container: no file of its caller's, nor of the host's."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import hostile
from tests.e2e.conftest import Engine, until

pytestmark = pytest.mark.e2e

GRAB = """for n in 0 1 2; do f=/proc/self/fd/$n
chmod 4755 $f; chown 7 $f; echo PWNED >$f; done; exit 7"""
NULLS = "stat -L -c '%d %i' /proc/self/fd/0 /dev/null | uniq"
STREAMS = ("stdin", "stdout", "stderr")


@pytest.fixture
def box(engine: Engine) -> Engine:
    """The engine with a container, "box"."""
    engine.ok("run", "-d", "--name", "box", "busybox", "sleep", "1000")
    return engine


def with_streams(engine: Engine, *words: str, **streams: Any) -> tuple[int, bytes]:
    """Run one command with *streams* that are no pipes; return its code, and its stderr."""
    with engine.popen(*words, **streams) as process:
        _, err = process.communicate(timeout=20)
    return process.returncode, err or b""


@pytest.mark.parametrize("stream", STREAMS)
def test_no_file_of_the_callers_gets_in(box: Engine, tmp_path: Path, stream: str) -> None:
    """Whoever holds a descriptor opens its file anew for writing, and changes its rights."""
    path = tmp_path / "file"
    path.write_text("mine\n")
    before = path.stat()
    with path.open("r" if stream == "stdin" else "a") as file:
        words = ("exec", "-i", "box", "sh", "-c", GRAB)
        assert with_streams(box, *words, **{stream: file})[0] == 7
    after = path.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)
    # What it writes to its own end arrives, at the end of the file: nothing else does.
    assert path.read_text() == ("mine\n" if stream == "stdin" else "mine\nPWNED\n")


def test_files_are_read_and_written_all_the_same(box: Engine, tmp_path: Path) -> None:
    data = os.urandom(300000)
    (tmp_path / "stdin").write_bytes(data)
    files = {name: (tmp_path / name).open("rb" if name == "stdin" else "wb") for name in STREAMS}
    words = ("exec", "-i", "box", "sh", "-c", "cat; echo worse >&2; exit 7")
    assert with_streams(box, *words, **files)[0] == 7
    for file in files.values():
        file.close()
    assert (tmp_path / "stdout").read_bytes() == data
    assert (tmp_path / "stderr").read_bytes() == b"worse\n"


def test_a_socket_and_a_named_pipe_stay_outside(box: Engine, tmp_path: Path) -> None:
    ours, its = socket.socketpair()
    os.mkfifo(tmp_path / "pipe")
    with open(os.open(tmp_path / "pipe", os.O_RDWR), "wb") as pipe, ours, its:
        ours.shutdown(socket.SHUT_WR)
        shell = ("exec", "-i", "box", "sh", "-c")
        with_streams(box, *shell, "chmod 4755 /proc/self/fd/1", stdin=its, stdout=pipe)
        assert os.fstat(pipe.fileno()).st_mode & 0o7000 == 0
        look = "for n in 0 1; do readlink /proc/$$/fd/$n; done >&2"
        _, err = with_streams(box, *shell, look, stdin=its, stdout=pipe)
    assert err.count(b"pipe:[") == 2, err


def test_dev_null_is_the_containers_own(box: Engine) -> None:
    """Through the host's, root in a container takes it from everybody: chmod 0 /proc/self/fd/0."""
    for words in ("run", "--rm", "busybox"), ("run", "--rm", "--init", "busybox"), ("exec", "box"):
        assert len(box.ok(*words, "sh", "-c", NULLS).splitlines()) == 1, words
    with open("/dev/null", "r+b", buffering=0) as null:
        here = ("exec", "-i", "box", "sh", "-c", f"{{ {NULLS}; }} >/here")
        with_streams(box, *here, stdin=null, stdout=null)
    box.ok("exec", "-d", "box", "sh", "-c", f"{{ {NULLS}; }} >/left; mv /left /detached")
    for name in "/here", "/detached":
        found = until(lambda name=name: box("exec", "box", "cat", name).out, name)  # type: ignore[misc]
        assert len(found.splitlines()) == 1, name


def test_a_mask_is_the_hosts_null_and_nobody_changes_it(box: Engine) -> None:
    """What hides a file below /proc is the host's device: as root in the container, too."""
    host = os.stat("/dev/null")
    change = f"stat -L -c %d $p; chmod {host.st_mode & 0o777:o} $p 2>/dev/null && echo changed"
    script = f"for p in /proc/keys /proc/timer_list; do {change}; done; true"
    assert set(box.ok("exec", "box", "sh", "-c", script).split()) == {str(host.st_dev)}


def test_a_dev_null_that_is_none_is_not_written_to(box: Engine) -> None:
    box.ok("exec", "box", "sh", "-c", "rm /dev/null; touch /trap; ln -s /trap /dev/null")
    assert box.ok("exec", "box", "sh", "-c", "cat; echo read") == "read"
    box("exec", "-d", "box", "echo").refused("cannot open the container's /dev/null", code=126)
    assert box.ok("exec", "box", "cat", "/trap") == ""


def test_keys_that_are_none_are_refused_without_a_terminal_too(box: Engine) -> None:
    for flags in (), ("-d",), ("-i",):
        words = ("exec", *flags, "--detach-keys", "nonsense", "box", "true")
        box(*words).refused("Invalid detach keys (nonsense) provided", code=1)
    assert box("exec", "--detach-keys", "ctrl-a,b", "box", "true").code == 0


def test_nobody_is_sent_a_signal_once_the_command_has_ended(box: Engine, tmp_path: Path) -> None:
    """The exec's monitor stays until its client has read everything; the pid may be another's."""
    words = ("exec", "box", "sh", "-c", "read -r x </tmp/go; seq 100000")
    box.ok("exec", "box", "mkfifo", "/tmp/go")
    with (tmp_path / "out").open("w") as out, box.popen(*words, stdout=out) as client:
        until(lambda: len(box.ok("top", "box").splitlines()) == 3, "the command")
        (monitor,) = Path(f"/proc/{client.pid}/task/{client.pid}/children").read_text().split()
        client.send_signal(signal.SIGSTOP)
        box.ok("exec", "box", "sh", "-c", "echo go >/tmp/go")
        until(lambda: len(box.ok("top", "box").splitlines()) == 2, "its end")
        status = f"/proc/{monitor}/status"

        def deaf() -> bool:
            rows = dict(row.split(":\t", 1) for row in Path(status).read_text().splitlines())
            return bool(int(rows["SigBlk"], 16) >> (signal.SIGTERM - 1) & 1)

        try:
            until(deaf, "signals that wait", 3)
        finally:
            client.send_signal(signal.SIGCONT)
        assert client.wait(20) == 0
    assert (tmp_path / "out").read_text().splitlines()[-1] == "100000"


def test_an_exec_monitor_that_fails_says_why(box: Engine, tmp_path: Path) -> None:
    weak = hostile.weakened(
        box, "import mini_docker.monitor_loop as l; l.Loop.drain = lambda it: 1 / 0"
    )
    with (tmp_path / "out").open("w") as out:
        code, err = with_streams(weak, "exec", "box", "true", stdout=out)
    assert code == 1 and b"the monitor of this command is gone" in err, err
    log = box.root / "containers" / box.inspect("box")["Id"] / "monitor.log"
    assert "ZeroDivisionError" in log.read_text()


@pytest.mark.parametrize("flags", [("-d",), ("-d", "-t"), ("-t",)], ids=" ".join)
def test_a_start_that_is_held_up_can_be_interrupted(box: Engine, flags: tuple[str, ...]) -> None:
    slow = "import time, mini_docker.container_exec as e; e._demand = lambda it: time.sleep(60)"
    with hostile.weakened(box, slow).popen("exec", *flags, "box", "touch", "/started") as process:
        until(lambda: len(box.ok("top", "box").splitlines()) == 3, "the process on its way in")
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(5) == 130
        finally:
            process.kill()
    until(lambda: len(box.ok("top", "box").splitlines()) == 2, "its end")
    assert box("exec", "box", "ls", "/started").code == 1
