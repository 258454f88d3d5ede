"""rootless: where an ordinary user's state lies, and what a system's refusal is called."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mini_docker import cgroups_present, rootless
from mini_docker.errors import ConfigError


def test_the_store_is_below_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MINI_DOCKER_ROOT", "MINI_DOCKER_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    rootless.settle()
    assert os.environ["MINI_DOCKER_ROOT"] == "/home/alice/.local/share/mini-docker"
    assert os.environ["MINI_DOCKER_CONFIG"] == "/home/alice/.config/mini-docker/daemon.json"


def test_what_was_asked_for_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"MINI_DOCKER_ROOT": "/r", "XDG_CONFIG_HOME": "/c", "HOME": "/home/alice"}
    monkeypatch.setattr(os, "environ", names)
    rootless.settle()
    assert os.environ["MINI_DOCKER_ROOT"] == "/r"
    assert os.environ["MINI_DOCKER_CONFIG"] == "/c/mini-docker/daemon.json"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({rootless.APPARMOR: "1"}, "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
        ({"/proc/sys/kernel/unprivileged_userns_clone": "0"}, "kernel.unprivileged_userns_clone"),
        ({"/proc/sys/user/max_user_namespaces": "0"}, "sysctl user.max_user_namespaces"),
        ({}, "Operation not permitted; run it as root"),
    ],
)
def test_a_refusal_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], words: str
) -> None:
    monkeypatch.setattr(rootless, "_read", lambda path: files.get(path, ""))
    error = OSError(1, "Operation not permitted")
    assert words in rootless._why(error)


@pytest.mark.parametrize(
    ("own", "writable", "expected"),
    [
        ("/user.slice/u/app", ["/user.slice/u", "/user.slice/u/app"], "/user.slice/u"),
        ("/user.slice/u/app", ["/user.slice/u/app"], "/user.slice/u/app"),
        ("/user.slice/session", [], None),
        ("/", ["/"], None),
    ],
)
def test_groups_are_made_below_the_topmost_delegated_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: str,
    writable: list[str],
    expected: str | None,
) -> None:
    """Writable is what cgroup-v2.rst says a delegation is: the directory and two files in it."""

    def access(path: str, mode: int) -> bool:
        group = path.removeprefix("/mount").removesuffix("/cgroup.procs")
        return group.removesuffix("/cgroup.subtree_control") in writable

    shown = tmp_path / "cgroup"
    shown.write_text(f"4:memory:/elsewhere\n0::{own}\n")
    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(cgroups_present, "OWN", str(shown))
    assert cgroups_present.delegated("/mount") == expected


def test_a_refused_namespace_ends_the_command() -> None:
    """The process that would write the maps has to notice that nobody needs them."""
    script = """from mini_docker import rootless, syscalls, users
def refuse(_flags):
    raise OSError(28, "No space left on device")
syscalls.unshare = refuse
rootless.maps = lambda: ([users.Range(0, 0, 1)], [users.Range(0, 0, 1)])
rootless._create()"""
    command, engine = [sys.executable, "-c", script], Path(rootless.__file__).parents[1]
    done = subprocess.run(command, cwd=engine, capture_output=True, timeout=20, check=False)
    assert b"NamespaceError: cannot make a user namespace: too many" in done.stderr


def test_a_store_of_somebody_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "commands").touch()
    with pytest.raises(ConfigError, match="commands: File exists; the store belongs to its owner"):
        rootless._make_directory(f"{tmp_path}/commands")
