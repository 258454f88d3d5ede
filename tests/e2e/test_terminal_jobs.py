"""A client as a job of an interactive shell: `&`, `fg` and `bg`."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Iterator

import pexpect  # type: ignore[import-untyped]
import pytest

from tests.e2e.conftest import Engine

pytestmark = pytest.mark.e2e

PROMPT, INSIDE = "jobs> ", "box# "
BOX = ("-it", "--name", "box", "-e", f"PS1={INSIDE}", "busybox", "sh")


@pytest.fixture
def shell(engine: Engine) -> Iterator[pexpect.spawn[bytes]]:
    """A shell with job control."""
    environment = {**os.environ, **engine.environment, "PS1": PROMPT, "TERM": "dumb"}
    words = ["--norc", "--noprofile", "-i"]
    child = pexpect.spawn("/bin/bash", words, timeout=20, env=environment, dimensions=(33, 297))
    child.delaybeforesend = None
    child.expect_exact(PROMPT)
    yield child
    child.close(force=True)


def say(shell: pexpect.spawn[bytes], line: str, answer: str) -> None:
    """Type *line*, and wait for *answer*, which is no part of it."""
    shell.sendline(line)
    shell.expect_exact(answer)


@pytest.mark.parametrize("command", ["run", "attach"])
def test_from_the_background_to_the_front(
    engine: Engine, shell: pexpect.spawn[bytes], command: str
) -> None:
    """The kernel stops who would change the terminal from behind; his call then fails: EINTR."""
    if command == "attach":
        engine.ok("run", "-d", *BOX)
    words = (command, *(BOX if command == "run" else ("box",)))
    shell.sendline(f"{shlex.join([*engine.command, *words])} & echo client $!")
    shell.expect(r"client (\d+)")
    client = int(shell.match.group(1))
    say(shell, "until jobs -l | grep Stopped; do sleep 0.1; done", "(tty output)")
    say(shell, "fg", "fg\r\n")
    say(shell, "echo $((6 * 7))", "42\r\n")
    # Away and back again: a Ctrl-Z that comes from outside, and a start behind the shell.
    os.kill(client, signal.SIGTSTP)
    shell.expect_exact("Stopped")
    say(shell, "bg; until jobs -l | grep output; do sleep 0.1; done", "(tty output)")
    say(shell, "fg", "fg\r\n")
    say(shell, "echo $((7 * 7))", "49\r\n")
    say(shell, "exit 3", PROMPT)
    say(shell, "echo gone $?; stty -a", "gone 3")
    shell.expect(" icanon .* echo ")
