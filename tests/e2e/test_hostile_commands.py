"""The engine's later commands against a container that has prepared for them.

It rewrites its own files, holds and stops what comes in, and gives itself names that mean
something to a terminal. A command does its work or refuses in one line, soon; and no
container keeps another's commands waiting.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from course import stages
from mini_docker.locks import Lock
from tests.e2e import hostile
from tests.e2e.conftest import Engine, Result, until

pytestmark = pytest.mark.e2e

SOON = 5.0  # seconds; an unbounded read or wait would be caught by the deadline of 60
SPOILED = {  # what the container does to itself
    "passwd is a pipe": "rm /etc/passwd && mkfifo /etc/passwd",
    "passwd is a directory": "rm /etc/passwd && mkdir /etc/passwd",
    "passwd is a link to itself": "ln -sf /etc/passwd /etc/passwd",
    "passwd is a device": "ln -sf /dev/zero /etc/passwd",
    "passwd is huge": "truncate -s 1024G /etc/passwd",
    "passwd has null bytes": "printf 'root:x:0:0::/r\\0t:\\n' >/etc/passwd",
    "passwd has no end": "printf 'nobody:x:%0999999d' 7 >/etc/passwd",
    "group has a million members": "yes root, | head -n 200000 | tr -d '\\n' >/etc/group",
    "group has too many groups": "i=0; while [ $i -lt 70000 ]; do echo g$i:x:$i:root,nobody;"
    " i=$((i+1)); done >/etc/group",
    "the shell is a directory": "rm /bin/sh && mkdir /bin/sh",
    "the shell is a pipe": "rm /bin/sh && mkfifo /bin/sh",
    "the shell is a circle": "ln -sf sh /bin/sh",
    "the shell is no program": "rm /bin/sh && echo nothing >/bin/sh && chmod 755 /bin/sh",
    "the shell runs itself": "rm /bin/sh && echo '#!/bin/sh' >/bin/sh && chmod 755 /bin/sh",
    "there is no /proc": "mkdir /none && cd / && rm -rf /bin /etc /none",
    "the directory is gone": "rm -rf /work",
    "its files are huge": "truncate -s 1024G /etc/hosts /etc/hostname /etc/resolv.conf",
}


def soon(engine: Engine, *words: str) -> Result:
    """Run a command that must end soon, with what it was told to do or one line."""
    begin = time.monotonic()
    result = engine(*words)
    assert time.monotonic() - begin < SOON, result
    if result.code in (125, 126, 127):
        result.refused(code=result.code)
    assert b"Traceback" not in result.err, result
    return result


def test_commands_on_a_container_that_spoils_itself(engine: Engine, tmp_path: Path) -> None:
    clean = hostile.busybox(engine)
    root = hostile.copy_tree(clean, tmp_path / "root")
    os.link(root / "bin/busybox", root / "busybox")
    keep = ("-w", "/work", "--rootfs", str(root), "/busybox", "sleep", "1000")
    engine.ok("run", "-d", "--name", "box", *keep)
    for what, script in SPOILED.items():
        soon(engine, "exec", "-w", "/", "box", "/busybox", "sh", "-c", script)
        for user in ("root", "nobody"):
            result = soon(engine, "exec", "-u", user, "box", "sh", "-c", "true")
            assert result.code in (0, 1, 125, 126, 127), (what, result)
        for name in ("bin", "etc"):
            subprocess.run(["rm", "-rf", str(root / name)], check=True)
            hostile.copy_tree(clean / name, root / name)
        (root / "work").mkdir(exist_ok=True)
    for command in (["ps"], ["inspect", "box"], ["top", "box"], ["rm", "-f", "box"]):
        assert soon(engine, *command).code == 0


def test_an_exec_that_is_stopped_on_its_way_holds_nobody_else(engine: Engine) -> None:
    root = str(hostile.base(engine))
    words = hostile.command("stop")
    with engine.popen("run", "--name", "box", "--rootfs", root, *words) as box:
        assert box.stdout and box.stdout.readline().startswith(b"ready")
        with engine.popen("exec", "box", "sleep", "0") as held:
            assert box.stdout.readline().startswith(b"stopped")
            assert engine.ok("run", "--rm", "busybox", "echo", "others run") == "others run"
            assert soon(engine, "ps").code == soon(engine, "inspect", "box").code == 0
            assert held.poll() is None
            assert soon(engine, "rm", "-f", "box").code == 0
            held.communicate(timeout=SOON)
            assert held.returncode != 0
        box.communicate(timeout=SOON)


def test_a_lease_on_a_file_keeps_nobody_waiting(engine: Engine) -> None:
    files = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/group"]
    root = str(hostile.copy_tree(hostile.base(engine), engine.root.parent / "leased"))
    words = hostile.command("lease", *files)
    with engine.popen("run", "--name", "box", "--rootfs", root, *words) as box:
        told = [box.stdout.readline() for _ in files] if box.stdout else []
        assert any(line.endswith(b"done 0\n") for line in told), told
        for user in ("root", "nobody", "0:0"):
            soon(engine, "exec", "-u", user, "box", "true")
        assert soon(engine, "inspect", "box").code == soon(engine, "rm", "-f", "box").code == 0
        box.communicate(timeout=SOON)


def test_a_name_of_a_process_does_not_steer_the_terminal(engine: Engine) -> None:
    name = "/busybox\x1b]0;x\x07\nroot 1 1"
    script = 'cp /bin/busybox "$0"; exec "$0" sleep 1000'
    words = ("sh", "-c", script, name, "\x1b[2J\n9 9 9")
    engine.ok("run", "-d", "--name", "box", "busybox", *words)
    until(lambda: b"sleep 1000" in engine("top", "box").out, "it has its name")
    for command in (["top", "box"], ["ps", "--no-trunc"], ["ps"]):
        out = engine.ok(*command)
        assert all(line.isprintable() for line in out.splitlines()), out
        assert len(out.splitlines()) == 2, out


def test_a_log_that_its_container_cuts_and_locks(engine: Engine) -> None:
    """Before lab 12 its stdout is that file; later it never is.

    The image's busybox cannot lock: we do that in the container's place.
    """
    script = ": >/proc/self/fd/1; truncate -s 1024G /proc/self/fd/1; sleep 1000"
    ours = dict(engine.environment)
    with stages.at_stage(11) as engine.environment:
        id = engine.ok("run", "-d", "--name", "box", "busybox", "sh", "-c", script)
        log = engine.root / "containers" / id / "output.log"
        until(lambda: log.stat().st_size == 2**40, "it has come to its end")
        with Lock(str(log)):
            for words in (["ps"], *([word, "box"] for word in ("inspect", "kill", "wait", "rm"))):
                assert soon(engine, *words).code == 0
    engine.environment = ours
