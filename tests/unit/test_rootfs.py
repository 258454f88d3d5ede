"""The parts of the root that no student writes, and hostile images from end to end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from course import experiment, real_mounts
from mini_docker import rootfs, rootfs_devices, spec, syscalls
from mini_docker.errors import ConfigError, RootfsError
from mini_docker.rootfs import Mount


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


@pytest.mark.parametrize(
    ("mount", "kind", "options"),
    [
        (Mount("/a", "bind", "/b"), "bind", ["bind"]),
        (Mount("/a", "bind", "/b", ["rbind", "ro"]), "bind", ["rbind", "ro"]),
        (Mount("/a", "none", "/b", ["bind"]), "bind", ["bind"]),
        (Mount("/a", "tmpfs"), "tmpfs", []),
    ],
)
def test_a_bind_may_be_said_by_type_or_by_option(
    mount: Mount, kind: str, options: list[str]
) -> None:
    assert (mount.type, mount.options) == (kind, options)


@pytest.mark.parametrize("kind", ["proc", "sysfs"])
def test_no_link_decides_where_the_kernel_s_files_go(box: Path, kind: str) -> None:
    (box / "etc").mkdir()
    (box / "it").symlink_to("/etc")
    with pytest.raises(RootfsError, match=f"cannot mount {kind} at /it: a link leads there"):
        rootfs.mount_point(str(box), Mount("/it", kind, kind))
    assert rootfs.mount_point(str(box), Mount("/it", "tmpfs")) > 2


def test_a_device_is_bound_to_a_file_and_a_directory_to_a_directory(box: Path) -> None:
    for target, source in ("/null", "/dev/null"), ("/folder", "/dev"):
        os.close(rootfs.mount_point(str(box), Mount(target, "bind", source)))
    assert (box / "null").is_file() and (box / "folder").is_dir()


def test_an_option_that_is_none_is_refused_before_anything_is_made(box: Path) -> None:
    with pytest.raises(ConfigError, match="'readonly'"):
        rootfs.mount_all(str(box), [Mount("/new", "bind", "/dev", ["readonly"])])
    assert os.listdir(box) == []


def real(tmp_path: Path, container: Callable[[Path], Any], prepare: Callable[[], Any]) -> Any:
    """Return what *container* returned in new namespaces; RootfsError if it raised one."""

    def act() -> Any:
        return real_mounts.on_machine(tmp_path, lambda: container(tmp_path / "box"), prepare)

    outcome = experiment.run(act)
    assert not outcome.raised, outcome.raised
    if outcome.value["error"] == "RootfsError":
        raise RootfsError(outcome.value["message"])
    assert not outcome.value["error"], outcome.value
    return outcome.value["value"]


def whole_root(box: Path) -> list[str]:
    """Do what container.py does, with Docker's mounts and masks; return what "/" holds then."""
    mounts = [
        Mount(m["destination"], m["type"], m["source"], m["options"])
        for m in spec.default_mounts()
        if m["type"] != "cgroup"
    ]
    for mount in mounts:  # a user namespace with one group has no group 5
        mount.options = [word for word in mount.options if word != "gid=5"]
    rootfs.isolate(str(box))
    rootfs.mount_all(str(box), mounts)
    rootfs_devices.make_devices(str(box))
    rootfs.hide(str(box), spec.MASKED, spec.READ_ONLY)
    rootfs.make_read_only(str(box))
    rootfs.pivot(str(box))
    return sorted(os.listdir("/"))


def image(tmp_path: Path, **links: str) -> Callable[[], None]:
    def prepare() -> None:
        for folder in ("box/etc", "outside"):
            (tmp_path / folder).mkdir(parents=True)
        for name, target in links.items():
            (tmp_path / "box" / name).symlink_to(target)

    return prepare


@pytest.mark.root
def test_an_empty_image_becomes_a_root(tmp_path: Path) -> None:
    def look(box: Path) -> list[Any]:
        files = whole_root(box)
        table = real_mounts.table()
        with open("/dev/null", "w") as null:
            null.write("gone")
        return [files, table["/"]["options"], table["/proc/sys"]["options"], os.getcwd()]

    files, root, sysctl, here = real(tmp_path, look, image(tmp_path))
    assert files == ["dev", "etc", "proc", "sys"]
    assert "ro" in root and "ro" in sysctl
    assert here == "/"


@pytest.mark.root
@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
@pytest.mark.parametrize("target", ["/etc", "../outside", "/proc/1/root", "nowhere"])
def test_an_image_with_a_link_in_the_place_of_a_mount_is_refused(
    tmp_path: Path, name: str, target: str
) -> None:
    def look(box: Path) -> list[str]:
        try:
            whole_root(box)
        finally:
            assert os.listdir(tmp_path / "outside") == []
        return []

    with pytest.raises(RootfsError, match=r"link|symbolic"):
        real(tmp_path, look, image(tmp_path, **{name: target}))


@pytest.mark.root
def test_a_file_in_the_place_of_a_mount_is_refused(tmp_path: Path) -> None:
    def prepare() -> None:
        image(tmp_path)()
        (tmp_path / "box" / "proc").write_text("in the way")

    with pytest.raises(RootfsError, match=r"/proc .*it is a file, not a directory"):
        real(tmp_path, whole_root, prepare)


@pytest.mark.root
def test_a_root_with_blanks_and_backslashes_is_explained_like_any_other(tmp_path: Path) -> None:
    def pivot(box: Path) -> None:
        odd = box / "a b\\c"
        odd.mkdir()
        syscalls.mount(str(odd), str(odd), None, syscalls.MS_BIND)
        rootfs.pivot(str(odd))

    with pytest.raises(RootfsError, match="is shared: make the mounts private first"):
        real(tmp_path, pivot, image(tmp_path))


@pytest.mark.root
def test_a_wrong_option_names_the_options(tmp_path: Path) -> None:
    def mount(box: Path) -> None:
        rootfs.mount_all(str(box), [Mount("/x", "tmpfs", "tmpfs", ["nosuid", "siez=64k"])])

    with pytest.raises(RootfsError, match=r"tmpfs \(tmpfs\) at /x: .*nosuid,siez=64k"):
        real(tmp_path, mount, image(tmp_path))
