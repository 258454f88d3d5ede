"""The program in memory that starts a container's program: its bytes, and what it does."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mini_docker import launch
from mini_docker.errors import KernelError

TOOLS = {
    "x86_64": ("as", "objcopy"),
    "aarch64": ("aarch64-linux-gnu-as", "aarch64-linux-gnu-objcopy"),
}
RUN = {"x86_64": [], "aarch64": ["qemu-aarch64"]}  # how this machine executes a program
MACHINES = list(TOOLS)


def listing(machine: str) -> str:
    """Return the assembly lines that launch.py shows for *machine*."""
    text = Path(launch.__file__).read_text()
    found = re.search(rf"^# {machine}\n((?:#     ?.*\n)+)", text, re.MULTILINE)
    assert found, f"launch.py lists no program for {machine}"
    return "\n".join(line[1:] for line in found[1].splitlines()) + "\n"


@pytest.mark.root
@pytest.mark.parametrize("machine", MACHINES)
def test_the_bytes_are_those_of_the_listing(machine: str, tmp_path: Path) -> None:
    assembler, copier = TOOLS[machine]
    source, made, plain = tmp_path / "a.s", tmp_path / "a.o", tmp_path / "a.bin"
    source.write_text(listing(machine))
    subprocess.run([assembler, source, "-o", made], check=True)
    subprocess.run([copier, "-O", "binary", "-j", ".text", made, plain], check=True)
    assert launch._CODE[machine][1] == plain.read_bytes()


def report_of(program: Path, machine: str, arguments: list[str]) -> tuple[int, str, str]:
    """Run the ELF file *program*; return its exit code, its output, and its report."""
    reader, report = os.pipe()
    os.dup2(report, 9)
    os.close(report)
    done = subprocess.run(
        [*RUN[machine], program, *arguments],
        pass_fds=[9],
        capture_output=True,
        text=True,
        env={"COLOUR": "blue"},
        check=False,
    )
    os.close(9)
    with open(reader) as pipe:
        return done.returncode, done.stdout, pipe.read()


def make(folder: Path, machine: str, path: str, name: str = "tool") -> Path:
    """Write the program for *machine* that executes *path*."""
    program = folder / "launch"
    program.write_bytes(launch.image(path, name, 9, machine))
    program.chmod(0o755)
    return program


@pytest.mark.root
@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_and_environment_pass_through(machine: str, tmp_path: Path) -> None:
    program = make(tmp_path, machine, "/bin/sh")
    script = 'echo "$1 $2 $COLOUR"; ls /proc/self/fd | tr "\\n" " "'
    code, out, report = report_of(program, machine, ["-c", script, "x", "one", "two words"])
    assert (code, report) == (0, "")
    assert out.splitlines()[0] == "one two words blue"
    assert "9" not in out.splitlines()[1].split(), "the report stays open in the program"


@pytest.mark.root
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"\x7fELF nonsense", 126, '126 exec: "tool": exec format error'),
        (b"#!/no/such/interpreter\n", 127, '127 exec: "tool": no such file or directory'),
        (None, 127, '127 exec: "tool": no such file or directory'),
    ],
)
def test_what_execve_refuses_is_reported(
    machine: str, content: bytes | None, code: int, words: str, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    if content is not None:
        target.write_bytes(content)
        target.chmod(0o755)
    assert report_of(make(tmp_path, machine, str(target)), machine, []) == (code, "", words)


@pytest.mark.root
@pytest.mark.parametrize("machine", MACHINES)
def test_a_file_without_the_right_is_reported(machine: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"#!/bin/sh\n")
    expected = (126, "", '126 exec: "tool": permission denied')
    assert report_of(make(tmp_path, machine, str(target)), machine, []) == expected


def test_a_long_or_torn_name_keeps_the_report_one_short_line() -> None:
    program = launch.image("/bin/true", "a\nb" + "x" * 100_000, 9, "x86_64")
    assert len(program) < 2**18
    assert b'exec: "a b' in program


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(KernelError, match="cannot start programs on"):
        launch.image("/bin/true", "true", 9, "vax")


def run_guarded(path: str, argv: list[str]) -> tuple[int, bytes]:
    """Fork; in the child guard os.execve, then call it; return its wait status and its report."""
    reader, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            launch.guard(report, lambda: None)
            os.execve(path, argv, {})
        except OSError as error:
            os.write(report, str(error.errno).encode())
        finally:
            os._exit(99)
    os.close(report)
    _, status = os.waitpid(pid, 0)
    with open(reader, "rb") as pipe:
        return os.waitstatus_to_exitcode(status), pipe.read()


def test_a_guarded_exec_runs_the_program() -> None:
    assert run_guarded("/bin/sh", ["sh", "-c", "exit 7"]) == (7, b"")


@pytest.mark.parametrize(
    ("path", "errno"), [("/no/such", b"2"), ("/etc", b"13"), ("/etc/passwd/x", b"20")]
)
def test_a_guarded_exec_refuses_as_execve_does(path: str, errno: bytes) -> None:
    assert run_guarded(path, ["x"]) == (99, errno)
