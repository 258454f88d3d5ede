"""The engine from outside: its command line, on a root of its own, watched for what it leaves.

The whole session runs in mount and network namespaces of its own. After each test the
leak detector removes what containers are left, and then asks the engine and the kernel
whether anything is still there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_docker import cgroups_present, syscalls

REPO = Path(__file__).parents[2]
LAUNCHER = REPO / "bin/mini-docker"  # the installed command; python -m takes twice as long
DEADLINE = 60.0  # seconds for one command


@pytest.fixture(scope="session", autouse=True)
def _namespaces() -> None:
    if os.geteuid() != 0:
        pytest.fail("the e2e ring needs root: sudo scripts/test e2e")
    if not LAUNCHER.exists():
        pytest.fail(f"there is no {LAUNCHER}: sudo scripts/setup")
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)


class Engine:
    """mini-docker with a root of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {"PATH": os.environ["PATH"], "MINI_DOCKER_PROGRESS": "", "LANG": "C"}
        self.python = sys.executable
        self.command = [str(LAUNCHER), "--root", str(root)]

    def popen(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start one command; its three streams are pipes unless *options* say otherwise."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        environment = {**self.environment, **options.pop("env", {})}
        return subprocess.Popen(
            [*self.command, *words], cwd=REPO, env=environment, **{**pipes, **options}
        )

    def __call__(self, *words: str, stdin: bytes = b"", **options: Any) -> Result:
        """Run one command to its end."""
        with self.popen(*words, **options) as process:
            try:
                out, err = process.communicate(stdin, timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(words, process.returncode, out or b"", err or b"")

    def ok(self, *words: str, **options: Any) -> str:
        """Run one command that must succeed; return what it printed, stripped."""
        result = self(*words, **options)
        assert result.code == 0, result
        return result.out.decode().strip()

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what inspect says of one container."""
        found: list[dict[str, Any]] = json.loads(self.ok("inspect", name))
        return found[0]


class Result:
    """How a command ended, and what it printed."""

    def __init__(self, words: tuple[str, ...], code: int, out: bytes, err: bytes) -> None:
        self.words = words
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        words = " ".join(self.words)
        return f"`{words}` ended with {self.code}\nstdout: {self.out!r}\nstderr: {self.err!r}"

    def refused(self, *parts: str, code: int = 125) -> None:
        """Demand a refusal in one line that has all of *parts*, and nothing on stdout."""
        assert self.code == code, self
        assert self.out == b"", self
        lines = self.err.decode().splitlines()
        assert len(lines) == 1 and lines[0].startswith("mini-docker: "), self
        for part in parts:
            assert part in lines[0], self


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the image busybox."""
    root = tmp_path_factory.mktemp("mini-docker")
    Engine(root).ok("image", "bootstrap", "busybox")
    return root


@pytest.fixture
def engine(root: Path) -> Iterator[Engine]:
    """The engine, with no containers; what a test leaves fails it."""
    engine = Engine(root)
    before = _mounts()
    yield engine
    ids = sorted(path.name for path in (root / "containers").glob("?" * 64))
    for id in ids:
        if (root / "containers" / id / "container.json").exists():
            engine("rm", "-f", id)
    check = engine("system", "check")
    left = _mounts() - before
    assert not left, f"mounts were left behind: {sorted(left)}"
    assert check.out == b"everything is in order\n", check
    assert not list((root / "containers").iterdir())
    assert not list((root / "run").iterdir())
    until(lambda: not _processes(root), "a process of the engine is left behind")
    for id in ids:
        assert not _groups(id), f"control groups were left behind: {_groups(id)}"


def until(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """Wait until *condition* gives something true, and return that; fail after *seconds*."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)
    return found


def attached(engine: Engine, name: str, count: int = 1) -> None:
    """Wait until so many clients have said to the container's monitor what they want."""
    id = engine.inspect(name)["Id"]
    words = ("events", "--since", "0", "--filter", "event=attach", "--filter", f"container={id}")

    def enough() -> bool:
        return len(engine.ok(*words, "--until", f"{time.time():.6f}").splitlines()) >= count

    until(enough, f"{count} clients of {name}")


def _mounts() -> set[str]:
    return set(Path("/proc/self/mountinfo").read_text().splitlines())


def _processes(root: Path) -> list[str]:
    """Return the command lines of processes that name this root: monitors, commands."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(root).encode() in words:
            found.append(b" ".join(words).decode())
    return found


def _groups(id: str) -> list[str]:
    tree = cgroups_present.find()
    mounts = {tree.unified, *tree.trees.values()} - {""}
    return [group for mount in mounts if os.path.exists(group := f"{mount}/mini-docker/{id}")]
