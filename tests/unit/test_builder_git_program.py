"""git is run within bounds: on what it writes, on what it says, and on what it complains of."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

import pytest

from mini_docker import builder_git_program
from mini_docker.builder_git_program import Budget, Git
from mini_docker.errors import ConfigError


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Git:
    """Return a Git whose program is *script*."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin/git").chmod(0o755)
    (tmp_path / "it").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=":")
    return Git(str(tmp_path / "it"), "x", Budget(str(tmp_path / "it")))


def test_a_long_complaint_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "yes remote: words | head -c 400000000 >&2; echo >&2; echo fatal: no >&2; exit 1"
    git = program(tmp_path, monkeypatch, script)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigError, match=r"^cannot fetch x: no$"):
        git("fetch")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_long_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = program(tmp_path, monkeypatch, "exec yes")
    with pytest.raises(ConfigError, match="says more than"):
        git("config")


@pytest.mark.parametrize(
    ("script", "bound", "reason"),
    [
        ("head -c 3000000 /dev/zero > it; exec sleep 60", "MOST_BYTES", "more than 2000 bytes"),
        ("mkdir d; for i in $(seq 2100); do > d/$i; done; exec sleep 60", "MOST_FILES", "files"),
        ("head -c 3000000 /dev/zero > it", "MOST_BYTES", "more than 2000 bytes"),
    ],
)
def test_what_is_written_is_bounded_while_git_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, bound: str, reason: str
) -> None:
    monkeypatch.setattr(builder_git_program, bound, 2000)
    monkeypatch.setattr(builder_git_program, "OFTEN", 0.05)
    git, begun = program(tmp_path, monkeypatch, script), time.monotonic()
    with pytest.raises(ConfigError, match=reason):
        git("fetch")
    assert time.monotonic() - begun < 30


def test_git_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder_git_program, "OFTEN", 0.05)
    monkeypatch.setattr(builder_git_program, "DEADLINE", 0.2)
    git = program(tmp_path, monkeypatch, "sleep 60 & echo $! > pid; wait")
    with pytest.raises(ConfigError, match="takes longer than"):
        git("fetch")
    child = int((tmp_path / "it/pid").read_text())
    give_up = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}/exe") and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not os.path.exists(f"/proc/{child}/exe"), "what git has started ends with it"


@pytest.fixture
def bomb(tmp_path: Path) -> Git:
    """A repository whose tree has a tree ten times, and that one another, five deep; one file."""
    script = """
        git init -q -b main .; it=$(echo 12345678 | git hash-object -w --stdin); kind='100644 blob'
        for depth in 1 2 3 4 5; do
            it=$(for n in 0 1 2 3 4 5 6 7 8 9; do printf "$kind $it\\t$n\\n"; done | git mktree)
            kind='040000 tree'
        done
        git -c user.name=A -c user.email=a@b.c commit-tree -m 1 $it > .git/refs/heads/main
        git repack -adq
    """
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    return Git(str(tmp_path), "x", Budget(str(tmp_path)))


@pytest.mark.parametrize(
    ("bound", "value", "reason"),
    [("MOST_FILES", 99_999, "more than 99999 files"), ("MOST_BYTES", 8_99_999, "bytes")],
)
def test_a_commit_is_weighed(
    bomb: Git, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, reason: str
) -> None:
    assert bomb.weigh("HEAD") == []
    assert bomb.budget.files == builder_git_program.MOST_FILES - 10**5
    monkeypatch.setattr(builder_git_program, bound, value)
    bomb.budget = Budget(bomb.directory)
    with pytest.raises(ConfigError, match=reason):
        bomb.weigh("HEAD")
    with pytest.raises(ConfigError, match="more than"):
        bomb.weigh("HEAD")  # what has been spent stays so
