"""The engine's program file on a read-only mount: seen from outside, through /proc/PID/exe."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mini_docker import sealed

REPO = Path(__file__).parents[2]
pytestmark = [pytest.mark.root, pytest.mark.needs("real-root")]

PROGRAM = """import os, sys
from mini_docker import sealed
print(os.getpid(), sys.argv[1], os.environ["WORD"], sys.executable, flush=True)
sealed.ensure()
print("sealed", flush=True)
sys.stdin.read()"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A copy of the interpreter: what this test could overwrite."""
    return Path(shutil.copy(os.path.realpath("/usr/bin/python3"), tmp_path / "python"))


def test_the_program_starts_once_more_and_cannot_be_written(python: Path) -> None:
    words = [str(python), "-c", PROGRAM, "an argument"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {"WORD": "kept", "PATH": ""}
    with subprocess.Popen(words, cwd=REPO, env=environment, **pipes) as process:  # type: ignore[call-overload]
        lines = [process.stdout.readline().rstrip("\n") for _ in range(3)]
        assert lines == [f"{process.pid} an argument kept {python}"] * 2 + ["sealed"]
        # Opened while it runs, and written when it has ended: nobody is in the way then.
        held = os.open(f"/proc/{process.pid}/exe", os.O_RDONLY)
        process.stdin.close()
    with pytest.raises(OSError, match="Read-only"):
        os.open(f"/proc/self/fd/{held}", os.O_WRONLY)
    os.close(held)
    os.close(os.open(python, os.O_WRONLY))  # the control: the file itself can be written


def test_a_program_that_is_read_only_already_goes_on() -> None:
    program = "from mini_docker import sealed; sealed.ensure(); sealed.ensure(); print('once')"
    words = ["/usr/bin/python3", "-c", program]
    done = subprocess.run(words, cwd=REPO, capture_output=True, check=True)
    assert done.stdout == b"once\n"


def test_an_ordinary_user_goes_on_as_it_is() -> None:
    program = "import os; os.setuid(65534); import sys; sys.path.insert(0, '.')\n"
    program += "from mini_docker import sealed; print('here'); sealed.ensure()"
    words = ["/usr/bin/python3", "-c", program]
    done = subprocess.run(words, cwd=REPO, capture_output=True, check=True)
    assert done.stdout == b"here\n"


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ({"Init": True}, False),
        ({"Init": True, "CapAdd": ["cap_sys_ptrace"]}, True),
        ({"Init": True, "CapAdd": ["ALL"]}, True),
        ({"Init": True, "Privileged": True}, True),
        ({"Privileged": True, "CapAdd": ["SYS_PTRACE"]}, False),
        ({"PidMode": "container:other"}, True),
        ({"PidMode": "host"}, False),
    ],
)
def test_who_could_look_at_a_start(host: dict[str, object], seen: bool) -> None:
    assert sealed.seen_by_init(host) == seen
