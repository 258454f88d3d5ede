"""Paths inside a root that may be hostile: links out, links to nowhere, files in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mini_docker.errors import RootfsError
from mini_docker.rootfs_paths import LINKS, STRICT, locate, place


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("of the host\n")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def where(descriptor: int) -> str:
    """Return the path of what *descriptor* is open on, and close it."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def outside(root: Path) -> list[str]:
    return sorted(os.listdir(root.parent / "outside"))


@pytest.mark.parametrize("name", ["proc", "dev", "etc"])
@pytest.mark.parametrize("target", ["{0}/outside", "../outside", "../../../../../..{0}/outside"])
def test_a_link_out_stays_in(root: Path, name: str, target: str) -> None:
    (root / name).symlink_to(target.format(root.parent))
    found = where(place(str(root), f"/{name}/new", directory=True))
    assert found.startswith(f"{root}/")
    assert outside(root) == ["file"]


@pytest.mark.parametrize(
    "path", ["/../../outside/file", "../outside/file", "/a/../../outside/file"]
)
def test_dots_end_at_the_root(root: Path, path: str) -> None:
    (root / "a").mkdir()
    with pytest.raises(FileNotFoundError):
        locate(str(root), path)
    assert where(place(str(root), path, directory=False)) == f"{root}/outside/file"
    assert (root.parent / "outside" / "file").read_text() == "of the host\n"


def test_dots_behind_something_missing_make_it_as_mkdir_p_does(root: Path) -> None:
    assert where(place(str(root), "/a/../b", directory=True)) == f"{root}/b"


@pytest.mark.parametrize("path", ["", "/", "//", "/.", "/..", "/../.."])
def test_the_root_itself(root: Path, path: str) -> None:
    assert where(place(str(root), path, directory=True)) == str(root)


def test_a_dangling_link_counts_as_its_target(root: Path) -> None:
    """An /etc/resolv.conf that leads into /run is common in images of full systems."""
    (root / "etc").mkdir()
    (root / "etc" / "resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    found = where(place(str(root), "/etc/resolv.conf", directory=False))
    assert found == f"{root}/run/systemd/resolve/stub-resolv.conf"
    assert (root / "run/systemd/resolve/stub-resolv.conf").is_file()


def test_a_dangling_link_out_is_made_inside(root: Path) -> None:
    (root / "dev").symlink_to(f"{root.parent}/outside/made")
    found = where(place(str(root), "/dev", directory=True))
    assert found == f"{root}{root.parent}/outside/made"
    assert outside(root) == ["file"]


def test_a_chain_of_dangling_links(root: Path) -> None:
    for number in range(5):
        (root / f"link{number}").symlink_to(f"/deep/../link{number + 1}")
    assert where(place(str(root), "/link0/end", directory=True)) == f"{root}/link5/end"


@pytest.mark.parametrize("target", ["/loop", "loop", "./loop", "/other"])
def test_links_in_circles_are_refused(root: Path, target: str) -> None:
    (root / "loop").symlink_to(target)
    (root / "other").symlink_to("/loop")
    with pytest.raises(RootfsError, match=r"symbolic links"):
        place(str(root), "/loop/new", directory=True)


def test_more_links_than_the_kernel_follows_are_refused(root: Path) -> None:
    for number in range(LINKS + 10):
        (root / f"link{number}").symlink_to(f"link{number + 1}")
    with pytest.raises(RootfsError, match=r"symbolic links"):
        place(str(root), "/link0", directory=True)


def test_a_link_that_makes_more_of_itself_comes_to_an_end(root: Path) -> None:
    (root / "grow").symlink_to("/new/grow/grow/grow")
    (root / "new").mkdir()
    (root / "new" / "grow").symlink_to("/grow/a/a/a")
    with pytest.raises(RootfsError, match=r"symbolic links|too long"):
        place(str(root), "/grow", directory=True)


def test_a_magic_link_is_not_followed(root: Path) -> None:
    """/proc/self/root leads out of any root, if it is followed."""
    with pytest.raises(OSError, match=r"symbolic links"):
        locate("/", "/proc/self/root/etc")


def test_strict_refuses_any_link(root: Path) -> None:
    (root / "real").mkdir()
    (root / "last").symlink_to("real")
    (root / "way").symlink_to(".")
    for path in "/last", "/way/real":
        with pytest.raises(OSError, match=r"symbolic links"):
            locate(str(root), path, resolve=STRICT)
    assert where(locate(str(root), "/real", resolve=STRICT)) == f"{root}/real"


def test_a_file_on_the_way_is_in_the_way(root: Path) -> None:
    (root / "etc").write_text("")
    with pytest.raises(RootfsError, match=r"/etc/new.*Not a directory"):
        place(str(root), "/etc/new", directory=True)


@pytest.mark.parametrize(
    ("wanted", "words"), [(True, "a file, not a directory"), (False, "a directory, not a file")]
)
def test_the_wrong_type_is_named(root: Path, wanted: bool, words: str) -> None:
    (root / "it").touch() if wanted else (root / "it").mkdir()
    with pytest.raises(RootfsError, match=f"/it .*{words}"):
        place(str(root), "/it", directory=wanted)


def test_a_slash_at_the_end_makes_no_difference(root: Path) -> None:
    assert where(place(str(root), "/new/", directory=False)) == f"{root}/new"
    assert where(place(str(root), "/new/", directory=False)) == f"{root}/new"


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert where(place(str(root), "/pipe", directory=False)) == f"{root}/pipe"


def test_modes_do_not_depend_on_the_caller_s_umask(root: Path) -> None:
    before = os.umask(0o077)
    try:
        os.close(place(str(root), "/a/b", directory=False))
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)
    assert (root / "a").stat().st_mode & 0o777 == 0o755
    assert (root / "a" / "b").stat().st_mode & 0o777 == 0o644


def test_a_very_deep_path_is_one_line(root: Path) -> None:
    deep = "/a" * 2040
    assert where(place(str(root), deep[:1500], directory=True)) == f"{root}{deep[:1500]}"
    with pytest.raises(RootfsError, match=r"File name too long"):
        place(str(root), deep + "/a" * 100, directory=True)


def test_a_nul_does_not_cut_a_path_short(root: Path) -> None:
    with pytest.raises(RootfsError):
        place(str(root), "/a\0b", directory=True)
    assert os.listdir(root) == []


def test_a_missing_root_is_named(root: Path) -> None:
    with pytest.raises(RootfsError, match=r"/proc in .*/nowhere: No such file"):
        place(f"{root}/nowhere", "/proc", directory=True)


def test_no_descriptor_is_left(root: Path) -> None:
    before = os.listdir("/proc/self/fd")
    (root / "loop").symlink_to("loop")
    (root / "file").touch()
    for path in "/loop", "/file", "/file/x", "/a/b", "/loop/x":
        try:
            os.close(place(str(root), path, directory=True))
        except RootfsError:
            continue
    assert os.listdir("/proc/self/fd") == before


names = st.sampled_from(["a", "b", "link", "..", ".", ""])
targets = st.lists(names, max_size=4).flatmap(
    lambda parts: st.sampled_from(["/".join(parts) or ".", "/" + "/".join(parts)])
)


@settings(
    max_examples=150, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(links=st.dictionaries(st.sampled_from(["a", "b", "link"]), targets), path=targets)
def test_whatever_the_links_nothing_is_made_outside(
    tmp_path_factory: pytest.TempPathFactory, links: dict[str, str], path: str
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    root = folder / "root"
    root.mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    try:
        found = where(place(str(root), path, directory=True))
    except RootfsError:
        found = str(root)
    assert found == str(root) or found.startswith(f"{root}/")
    assert os.listdir(folder) == ["root"]
