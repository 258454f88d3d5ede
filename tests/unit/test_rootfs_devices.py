"""/dev in roots that an image has prepared, on the real kernel, with root's rights or without."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course import experiment
from mini_docker import syscalls
from mini_docker.errors import RootfsError
from mini_docker.rootfs_devices import LINKS, NODES, make_devices


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "dev").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return tmp_path / "root"


def alone(root: Path, act: Callable[[], Any], as_user: bool = False) -> Any:
    """Call *act* in a mount namespace of its own, with a new tmpfs at /dev in *root*."""

    def inside() -> Any:
        if os.geteuid() or as_user:
            uid, gid = os.geteuid(), os.getegid()
            syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        else:
            syscalls.unshare(syscalls.CLONE_NEWNS)
        syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
        syscalls.mount("tmpfs", f"{root}/dev", "tmpfs", syscalls.MS_NOSUID, "mode=755")
        return act()

    outcome = experiment.run(inside)
    if outcome.raised and outcome.raised.kind == "RootfsError":
        raise RootfsError(outcome.raised.message)
    assert outcome.raised is None, outcome.raised
    return outcome.value


def numbers(path: str) -> list[int]:
    it = os.stat(path)
    assert stat.S_ISCHR(it.st_mode), path
    return [os.major(it.st_rdev), os.minor(it.st_rdev)]


@pytest.mark.root
@pytest.mark.parametrize("as_user", [False, True])
def test_the_nodes_are_the_kernel_s(root: Path, as_user: bool) -> None:
    def act() -> Any:
        os.umask(0o077)
        make_devices(str(root))
        found = {name: numbers(f"{root}/dev/{name}") for name in NODES}
        modes = {name: os.stat(f"{root}/dev/{name}").st_mode & 0o777 for name in NODES}
        Path(f"{root}/dev/null").write_text("gone")
        zero = open(f"{root}/dev/zero", "rb").read(4)  # noqa: SIM115
        links = {name: os.readlink(f"{root}/dev/{name}") for name in LINKS}
        return [found, modes, zero.hex(), links, os.umask(0)]

    found, modes, zero, links, umask = alone(root, act, as_user)
    assert found == {name: list(pair) for name, pair in NODES.items()}
    assert set(modes.values()) == {0o666}
    assert zero == "00000000"
    assert links == LINKS
    assert umask == 0o077


@pytest.mark.root
def test_what_the_user_mounted_there_stays(root: Path) -> None:
    def act() -> Any:
        Path(f"{root}/dev/null").touch()
        syscalls.mount("/dev/zero", f"{root}/dev/null", None, syscalls.MS_BIND)
        Path(f"{root}/dev/core").write_text("of the user\n")
        make_devices(str(root))
        return [numbers(f"{root}/dev/null"), Path(f"{root}/dev/core").read_text()]

    assert alone(root, act) == [[1, 5], "of the user\n"]


@pytest.mark.root
def test_a_read_only_dev_names_what_could_not_be_made(root: Path) -> None:
    def act() -> None:
        syscalls.mount("tmpfs", f"{root}/dev", "tmpfs", syscalls.MS_RDONLY)
        make_devices(str(root))

    with pytest.raises(RootfsError, match=r"cannot make /dev/.* in .*: Read-only file system"):
        alone(root, act)


@pytest.mark.parametrize("target", ["../../outside", "/outside", "elsewhere"])
def test_a_link_in_place_of_dev_is_refused(root: Path, target: str) -> None:
    (root / "dev").rmdir()
    (root / "elsewhere").mkdir()
    (root / "dev").symlink_to(target)
    with pytest.raises(RootfsError, match=r"/dev in .*: it is a link"):
        make_devices(str(root))
    assert os.listdir(root.parent / "outside") == os.listdir(root / "elsewhere") == []


def test_a_missing_dev_is_one_line(root: Path) -> None:
    (root / "dev").rmdir()
    with pytest.raises(RootfsError, match=r"use /dev in .*: No such file or directory"):
        make_devices(str(root))


def test_a_file_in_place_of_dev_is_one_line(root: Path) -> None:
    (root / "dev").rmdir()
    (root / "dev").touch()
    with pytest.raises(RootfsError, match=r"use /dev in .*: Not a directory"):
        make_devices(str(root))
