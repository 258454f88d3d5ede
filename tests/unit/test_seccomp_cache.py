"""The filter of a container is compiled once, and a broken cache changes nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mini_docker import capabilities_names, seccomp, seccomp_cache, seccomp_profile, swap
from mini_docker.errors import ConfigError
from tests import bpf

FOURTEEN = capabilities_names.DEFAULT
X86_64 = bpf.AUDIT["x86_64"]
PROFILE = (
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_LOG"}]}'
)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test be on x86_64, whatever it runs on."""
    real = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*real[:4], "x86_64")))


def prepare(
    root: Path, *options: str, names: list[str] = FOURTEEN, privileged: bool = False
) -> Any:
    return seccomp_cache.prepare(str(root), list(options), names, privileged)


def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which every compilation from now on adds an element."""
    done: list[str] = []
    real = seccomp.compile

    def compile(profile: dict[str, Any], machine: str) -> bytes:
        done.append(machine)
        return real(profile, machine)

    monkeypatch.setattr(seccomp, "compile", compile)
    return done


def test_the_second_time_nothing_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = compiled(monkeypatch)
    first = prepare(tmp_path)
    resolved = seccomp_profile.resolve(
        seccomp_profile.default(), FOURTEEN, os.uname().release, "x86_64"
    )
    assert json.loads(first[0]) == resolved and first[1] == seccomp.compile(resolved, "x86_64")
    done.clear()
    assert prepare(tmp_path) == prepare(tmp_path, "seccomp=builtin") == first
    assert prepare(tmp_path, names=list(reversed(FOURTEEN))) == first
    assert done == []
    assert oct((tmp_path / "seccomp").stat().st_mode)[-3:] == "700"


def test_what_the_filter_depends_on_makes_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = compiled(monkeypatch)
    prepare(tmp_path)
    prepare(tmp_path, names=[*FOURTEEN, "CAP_SYS_ADMIN"])
    prepare(tmp_path, f"seccomp={PROFILE}")
    monkeypatch.setattr(seccomp_cache, "_changed", lambda path: 7)
    prepare(tmp_path)
    real = os.uname()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((*real[:2], "4.4", *real[3:])))
    old = prepare(tmp_path)
    assert len(done) == 5
    assert not any("ptrace" in entry["names"] for entry in json.loads(old[0])["syscalls"])


def test_without_a_filter(tmp_path: Path) -> None:
    assert prepare(tmp_path, "seccomp=unconfined") == (None, None)
    assert prepare(tmp_path, "seccomp:unconfined", privileged=True) == (None, None)
    assert prepare(tmp_path, privileged=True) == (None, None)
    assert prepare(tmp_path, f"seccomp={PROFILE}", "seccomp=unconfined") == (None, None)
    assert not (tmp_path / "seccomp").exists()


def test_the_last_option_counts_and_a_privileged_container_may_bring_its_own(
    tmp_path: Path,
) -> None:
    other = prepare(tmp_path, "no-new-privileges", "seccomp=unconfined", f"seccomp={PROFILE}")
    assert bpf.run(other[1], X86_64, 83) == 0x7FFC0000
    assert prepare(tmp_path, f"seccomp={PROFILE}", privileged=True) == other


def test_a_wrong_profile_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="profile of --security-opt: syscalls: true is not a list"
    ):
        prepare(tmp_path, 'seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":true}')
    assert not (tmp_path / "seccomp").exists()


def test_a_profile_with_half_a_character_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="profile of --security-opt: it is not JSON"):
        prepare(tmp_path, 'seccomp={"defaultAction":"SCMP_ACT_ALLOW","comment":"\ud800"}')


def test_a_students_module_is_asked_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = compiled(monkeypatch)
    for state in ("trying", "yours"):
        monkeypatch.setattr(swap, "state", lambda topic, state=state: state)
        monkeypatch.setattr(swap, "locked", lambda topic: False)
        prepare(tmp_path)
    assert len(done) == 2 and not (tmp_path / "seccomp").exists()
    monkeypatch.setattr(swap, "locked", lambda topic: topic == "seccomp")
    assert prepare(tmp_path) == (None, None)


def change(**new: object) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps({**json.loads(data), **new}).encode()


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "a list": lambda data: b"[]",
    "without program": lambda data: b"{}",
    "another key": change(key="x86_64"),
    "no hexadecimal": change(program="xyz"),
    "another program": change(program="06000000" + "0000ff7f"),
    "no whole instruction": change(program="00" * 7),
    "no program": change(program=""),
    "another profile": change(seccomp="{}"),
    "wrong type": change(program=5),
    "no profile": change(seccomp=None),
    "not UTF-8": lambda data: b"\xff" + data,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_made_anew(tmp_path: Path, name: str) -> None:
    good = prepare(tmp_path)
    [file] = (tmp_path / "seccomp").iterdir()
    whole = file.read_bytes()
    file.write_bytes(BROKEN[name](whole))
    assert prepare(tmp_path) == good
    assert file.read_bytes() == whole


def test_many_at_once_get_the_same_and_leave_one_file(tmp_path: Path) -> None:
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            good = bpf.run(prepare(tmp_path)[1], X86_64, 39) == 0x7FFF0000
            os._exit(0 if good else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert len(list((tmp_path / "seccomp").iterdir())) == 1


def test_the_remains_of_other_times_are_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "seccomp"
    folder.mkdir()
    for number in range(seccomp_cache.MOST):
        (folder / f"{number:08x}").write_text("old")
    (folder / "00000001.77.tmp").write_text("somebody writes it now")
    (folder / "00000002.78.tmp").write_text("whoever wrote it was killed")
    os.utime(folder / "00000002.78.tmp", (0, 0))
    prepare(tmp_path)
    assert len(list(folder.iterdir())) == 2
    assert (folder / "00000001.77.tmp").exists()


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "seccomp").write_text("a file is in the way")
    with pytest.raises(ConfigError, match="seccomp"):
        prepare(tmp_path)


def test_a_warm_cache_costs_less_than_a_millisecond(tmp_path: Path) -> None:
    prepare(tmp_path)
    best = 1.0
    for _ in range(30):
        start = time.perf_counter()
        prepare(tmp_path)
        best = min(best, time.perf_counter() - start)
    assert best < 0.001
