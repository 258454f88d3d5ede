"""Run one command from its start to its end, and say how long that took."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

OUTPUT_LIMIT = 4096  # bytes of a failed command's output that are looked at
DEADLINE = 120  # seconds for a command that is not timed
# What posix_spawn(3) starts is charged with its parent's memory too: so the parent is small.
PEAK = """
import os, sys
null = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""


class Failed(Exception):
    """A command ended with another code than 0; the message is one line."""


def timed(argv: list[str], environment: Mapping[str, str], output: str) -> float:
    """Run *argv* to its end and return the milliseconds between; its output goes to *output*.

    posix_spawn(3) starts it without a copy of this process's memory, so that what we have
    loaded does not show in the figure. Raises Failed if it ends with a code other than 0.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    begin = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, environment, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    spent = time.perf_counter() - begin
    reap()
    code = os.waitstatus_to_exitcode(status)
    if code:
        with open(output, "rb") as file:
            raise Failed(_told(argv, code, file.read(OUTPUT_LIMIT)))
    return 1000 * spent


def peak(argv: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run *argv* to its end and return what it had in memory at most, in MB of 10**6 bytes.

    Of several processes that belong to it, that of the largest. Raises Failed as call() does.
    """
    said = call([sys.executable, "-IS", "-c", PEAK, *argv], environment)
    return int(said) * 1024 / 1e6


def call(argv: Sequence[str], environment: Mapping[str, str], stdin: str = os.devnull) -> str:
    """Run *argv* with the file *stdin* as its input, and return what it says on stdout.

    Raises Failed if it cannot be started, ends with another code than 0, or takes longer
    than DEADLINE.
    """
    try:
        with open(stdin, "rb") as file:
            done = subprocess.run(
                argv,
                env=environment,
                stdin=file,
                capture_output=True,
                timeout=DEADLINE,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        shown = shlex.join(argv)
        raise Failed(f"{shown[:100]}: has not ended after {DEADLINE} seconds") from error
    except OSError as error:
        raise Failed(f"{argv[0]}: {error}") from error
    if done.returncode:
        raise Failed(_told(argv, done.returncode, done.stderr or done.stdout))
    return done.stdout.decode(errors="replace").strip()


def _told(argv: Sequence[str], code: int, output: bytes) -> str:
    """Return one line about a failure: the reason that the command gave, or what it was."""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    name = os.path.basename(argv[0])
    return f"{name}: {lines[-1].strip()}" if lines else f"{shlex.join(argv)} ended with {code}"


def reap() -> None:
    """Reap orphans: inside, this is process 1, and engines leave their helpers to it."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
