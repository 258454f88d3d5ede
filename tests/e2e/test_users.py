"""--user, --group-add, exec --user: with an image's files as they should be, and hostile ones."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Engine

pytestmark = pytest.mark.e2e

WHO = "id -u; id -g; grep Groups: /proc/self/status; echo $HOME"


def who(text: str) -> tuple[int, int, set[int], str]:
    """Return uid, gid, groups and home out of what WHO prints."""
    uid, gid, groups, home = text.splitlines()
    return int(uid), int(gid), {int(word) for word in groups.split()[1:]}, home


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], (0, 0, {0, 10}, "/root")),
        (["-u", "www-data"], (33, 33, {33}, "/var/www")),
        (["-u", "33"], (33, 33, {33}, "/var/www")),
        (["-u", "www-data:wheel"], (33, 10, {10}, "/var/www")),
        (["-u", "1234:5678"], (1234, 5678, {5678}, "/")),
        (["-u", "1234"], (1234, 0, {0}, "/")),
        (["-u", ":10"], (0, 10, {10}, "/root")),
        (
            ["-u", "33", "--group-add", "tty", "--group-add", "4321"],
            (33, 33, {33, 5, 4321}, "/var/www"),
        ),
        (["-u", "33", "--group-add", "33"], (33, 33, {33}, "/var/www")),
    ],
)
def test_a_user_has_its_numbers_its_groups_and_its_home(
    engine: Engine, flags: list[str], expected: tuple[int, int, set[int], str]
) -> None:
    """Its own group is among the supplementary ones as well: CVE-2022-36109."""
    assert who(engine.ok("run", "--rm", *flags, "busybox", "sh", "-c", WHO)) == expected


def test_exec_finds_a_user_in_the_running_container(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "box", "--group-add", "4321", "busybox", "sleep", "100")
    found = who(engine.ok("exec", "-u", "www-data:tty", "box", "sh", "-c", WHO))
    assert found[:3] == (33, 5, {5, 4321})
    engine.ok("exec", "box", "sh", "-c", "echo late:x:77:78::/late: >> /etc/passwd")
    assert who(engine.ok("exec", "-u", "late", "box", "sh", "-c", WHO))[:2] == (77, 78)
    words = ("exec", "-u", "nobody-here", "box", "id")
    engine(*words).refused("unable to find user nobody-here", code=126)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-u", "ghost"], "unable to find user ghost: no matching entries in passwd file"),
        (["-u", "root:ghost"], "unable to find group ghost: no matching entries in group file"),
        (["-u", "2147483648"], "uids and gids must be in range 0-2147483647"),
        (["-u", "9" * 5000], "uids and gids must be in range 0-2147483647"),
        (["-u", "-1"], "uids and gids must be in range 0-2147483647"),
        (["--group-add", "ghost"], "Unable to find group ghost: no matching entries in group file"),
        (["--group-add", "4294967296"], "uids and gids must be in range 0-2147483647"),
    ],
)
def test_a_user_that_is_not_there_is_refused_in_one_line(
    engine: Engine, flags: list[str], words: str
) -> None:
    engine("run", "--rm", *flags, "busybox", "true").refused(words)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root file system with busybox, for the test to spoil."""
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "etc").mkdir()
    shutil.copy("/bin/busybox", tree / "bin/sh")
    (tree / "etc/passwd").write_text("web:x:33:44:Web:/srv:/bin/sh\n")
    (tree / "etc/group").write_text("staff:x:50:web\n")
    return tree


def lines_of(word: str) -> str:
    """Return a script that prints the lines of its own status that begin with *word*."""
    return f"while read l; do case $l in {word}*) echo $l;; esac; done < /proc/self/status"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def link_out(path: Path) -> None:
    path.symlink_to("../../../../../../../../etc/passwd")


def link_to_kernel(path: Path) -> None:
    path.symlink_to("/proc/kmsg")


def gigabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)


def zeros(path: Path) -> None:
    path.write_bytes(b"web\0:x:0:0::/:\nweb:x:0\0:0::/:\nweb:x:5:5::/\0/:\n")


def beyond(path: Path) -> None:
    path.write_text("x" * 2**20 + "\nweb:x:0:0::/:\n")


def nonsense(path: Path) -> None:
    path.write_text("web:x:zero:0::/:\nweb:x:-1:0::/:\nweb:x:99999999999:0::/:\nweb:x::\nweb\n")


@pytest.mark.parametrize(
    "spoil", [fifo, directory, link_out, link_to_kernel, gigabyte, zeros, beyond, nonsense]
)
def test_a_hostile_passwd_gives_nobody_away(
    engine: Engine, tree: Path, spoil: Callable[[Path], None]
) -> None:
    """The name is not found, no other user is taken for it, and a number still works."""
    passwd = tree / "etc/passwd"
    passwd.unlink()
    spoil(passwd)
    run = ("run", "--rm", "--rootfs", str(tree))
    engine(*run, "-u", "web", "/bin/sh", "-c", "id").refused("unable to find user web")
    shown = engine.ok(*run, "-u", "7:8", "/bin/sh", "-c", lines_of("Uid"))
    assert shown.split() == ["Uid:", "7", "7", "7", "7"]


def test_thousands_of_groups_are_all_had(engine: Engine, tree: Path) -> None:
    lines = [f"g{number}:x:{number}:web" for number in range(1000, 9000)]
    (tree / "etc/group").write_text("\n".join(lines))
    run = ("run", "--rm", "--rootfs", str(tree), "-u", "web")
    shown = engine.ok(*run, "/bin/sh", "-c", lines_of("Groups"))
    assert {int(word) for word in shown.split()[1:]} == {44, *range(1000, 9000)}


def test_more_groups_than_the_kernel_takes_are_refused(engine: Engine, tree: Path) -> None:
    lines = [f"g:x:{number}:web" for number in range(66000)]
    (tree / "etc/group").write_text("\n".join(lines))
    run = ("run", "--rm", "--rootfs", str(tree), "-u", "web")
    engine(*run, "/bin/sh", "-c", "true").refused("66000 groups", "the kernel takes 65536")
