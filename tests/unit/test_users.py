"""users: names and numbers, looked up in files that may be hostile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_docker import users
from mini_docker.errors import ConfigError

PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:Web:/srv:/bin/sh\n7:x:100:100::/seven:\n"
GROUP = "root:x:0:\nstaff:x:50:web,root\nwheel:x:10:root\n7:x:70:\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "uid", "gid", "groups", "home"),
    [
        ("web", 33, 44, [50], "/srv"),
        ("33", 33, 44, [50], "/srv"),
        ("0", 0, 0, [50, 10], "/root"),
        ("", 0, 0, [50, 10], "/root"),
        ("web:wheel", 33, 10, [], "/srv"),
        ("web:99", 33, 99, [], "/srv"),
        ("1234", 1234, 0, [], "/"),
        ("1234:5", 1234, 5, [], "/"),
        (":50", 0, 50, [], "/root"),
        ("7", 7, 0, [], "/"),  # a number is an id, also if somebody is called that
        ("7:7", 7, 7, [], "/"),
        ("100:0050", 100, 50, [], "/seven"),
    ],
)
def test_a_user_is_found(
    root: Path, text: str, uid: int, gid: int, groups: list[int], home: str
) -> None:
    user = users.find(text, str(root))
    assert (user.uid, user.gid, user.groups, user.home) == (uid, gid, groups, home)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nobody", "unable to find user nobody: no matching entries in passwd file"),
        ("web:nogroup", "unable to find group nogroup: no matching entries in group file"),
        ("-1", "must be in range"),
        ("web ", "unable to find user web : no matching"),
        ("web:staff:x", "unable to find group staff:x: no matching"),
        ("1_0", "unable to find user 1_0: no matching"),
        ("\u0663", "no matching entries in passwd file"),  # a digit of another script
        ("99999999999", "must be in range 0-2147483647"),
        ("0:2147483648", "must be in range"),
    ],
)
def test_what_is_not_there_is_refused(root: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        users.find(text, str(root))


def test_an_image_without_the_files_knows_numbers(tmp_path: Path) -> None:
    user = users.find("12:34", str(tmp_path))
    assert (user.uid, user.gid, user.groups, user.home) == (12, 34, [], "/")
    with pytest.raises(ConfigError):
        users.find("web", str(tmp_path))


def test_hostile_files_do_no_harm(root: Path) -> None:
    passwd = root / "etc/passwd"
    passwd.unlink()
    os.mkfifo(passwd)  # opening it would wait for ever
    assert users.find("5", str(root)).uid == 5
    passwd.unlink()
    passwd.mkdir()
    assert users.find("5", str(root)).uid == 5
    passwd.rmdir()
    passwd.write_bytes(
        b"\xff\xfe:x:1\n:::\nx:y:z:1:2:3\n" + b"a" * 3_000_000 + b"\nweb:x:3:3::/:\n"
    )
    with pytest.raises(ConfigError):  # beyond what is read
        users.find("web", str(root))


def test_a_link_stays_inside(root: Path, tmp_path: Path) -> None:
    (root / "outside").mkdir()
    inner = root / "inner"
    (inner / "etc").mkdir(parents=True)
    (root / "outside/passwd").write_text(PASSWD)
    for target in ("../../outside/passwd", str(root / "outside/passwd"), "/proc/self/environ"):
        (inner / "etc/passwd").symlink_to(target)
        with pytest.raises(ConfigError, match="no matching entries"):
            users.find("web", str(inner))
        (inner / "etc/passwd").unlink()


def test_a_gigabyte_without_a_newline_is_read_only_in_part(root: Path) -> None:
    with open(root / "etc/passwd", "wb") as file:
        file.truncate(2**30)
    assert users.find("5", str(root)).uid == 5
    assert len(users.rows(str(root), users.PASSWD)) == 0


@pytest.mark.parametrize(
    "line", ["web:x:-1:0::/:", "web:x:abc:0::/:", "web:x:1:x::/:", "web:x:9999999999:0::/:", "web"]
)
def test_a_row_without_a_sound_number_counts_for_nothing(root: Path, line: str) -> None:
    """Go's Atoi would make such a user root."""
    (root / "etc/passwd").write_text(line + "\n")
    with pytest.raises(ConfigError, match="no matching entries"):
        users.find("web", str(root))


def test_short_rows_count(root: Path) -> None:
    (root / "etc/passwd").write_text("  web:x:1:2  \n\nweb:x:3:4::/other:\n")
    (root / "etc/group").write_text("empty:x:5\nmine:x:6:web\nalso:x:7:a,web,b\n")
    user = users.find("web", str(root))
    assert (user.uid, user.gid, user.groups, user.home) == (1, 2, [6, 7], "/")
    assert users.find("web:empty", str(root)).gid == 5


def test_a_broken_file_is_no_file(root: Path) -> None:
    (root / "etc/passwd").write_bytes(b"we\0b:x:1:1::/:\nweb:x:4:4::/srv\x85/x:\n")
    user = users.find("web", str(root))
    assert (user.uid, user.home) == (4, "/srv\N{REPLACEMENT CHARACTER}/x")
