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
        ("7", 100, 100, [], "/seven"),  # a name of digits is a name first, as Docker has it
        ("7:7", 100, 70, [], "/seven"),
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
        ("-1", "unable to find user -1"),
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
