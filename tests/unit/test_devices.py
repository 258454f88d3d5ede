"""devices and sysctls: what the flags may say, and what config.json makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_docker import devices, rootfs_devices, sysctls
from mini_docker.errors import ConfigError, RootfsError, UsageError


@pytest.mark.parametrize(
    ("text", "source", "target", "access"),
    [
        ("/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"),
        ("/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r"),
        ("/dev/fuse:/dev/f", "/dev/fuse", "/dev/f", "rwm"),
        ("/dev/fuse:/dev/f:mw", "/dev/fuse", "/dev/f", "mw"),
        ("/dev//fuse:/dev/../x", "/dev/fuse", "/x", "rwm"),
    ],
)
def test_a_mapping(text: str, source: str, target: str, access: str) -> None:
    found = {"PathOnHost": source, "PathInContainer": target, "CgroupPermissions": access}
    assert devices.mapping(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "bad format for path: "),
        (":/dev/x", "bad format for path: :/dev/x"),
        ("/a:/b:r:w", "bad format for path: /a:/b:r:w"),
        ("/a:/b:x", "bad mode specified: x"),
        ("/a:/b:rr", "bad mode specified: rr"),
        ("/a:b", "b is not an absolute path"),
        ("a", "a is not an absolute path"),
        ("/a:", " is not an absolute path"),
    ],
)
def test_a_mapping_that_is_none(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        devices.mapping(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("c 1:3 rw", {"allow": True, "type": "c", "access": "rw", "major": 1, "minor": 3}),
        ("b 8:* r", {"allow": True, "type": "b", "access": "r", "major": 8}),
        ("a *:* rwm", {"allow": True, "type": "a", "access": "rwm"}),
    ],
)
def test_a_rule(text: str, rule: dict[str, object]) -> None:
    assert devices.rule(devices.cgroup_rule(text)) == rule


@pytest.mark.parametrize(
    "text", ["", "c", "c 1:3", "d 1:3 r", "c 1 r", "c 1:3 x", "c 1:3 ", "c -1:3 r", "c  1:3 r"]
)
def test_a_rule_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="invalid device cgroup format"):
        devices.cgroup_rule(text)


def mapped(source: str, target: str = "") -> dict[str, str]:
    return devices.mapping(f"{source}:{target or source}:r")


def test_a_device_gives_a_node_and_a_rule() -> None:
    nodes, rules = devices.given(mapped("/dev/null", "/dev/nothing"))
    assert [(n["type"], n["path"], n["major"], n["minor"]) for n in nodes] == [
        ("c", "/dev/nothing", 1, 3)
    ]
    assert nodes[0]["source"] == "/dev/null"
    assert rules == [{"allow": True, "access": "r", "type": "c", "major": 1, "minor": 3}]


@pytest.mark.root
def test_a_directory_gives_all_devices_below_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    os.mknod(tmp_path / "a", 0o20600, os.makedev(1, 3))
    os.mknod(tmp_path / "sub/b", 0o20600, os.makedev(1, 5))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/dev/zero")
    nodes, rules = devices.given(mapped(str(tmp_path), "/dev/all"))
    assert [node["path"] for node in nodes] == ["/dev/all/a", "/dev/all/sub/b"]
    assert nodes[1]["source"] == f"{tmp_path}/sub/b"
    assert len(rules) == 2


@pytest.mark.parametrize(("path", "why"), [("/no", "no such file or directory"), ("/etc", "not")])
def test_no_device_is_refused_in_docker_s_words(path: str, why: str) -> None:
    with pytest.raises(ConfigError, match=f'adding custom device "{path}": {why}'):
        devices.given(mapped(path))


@pytest.mark.root
def test_a_node_is_made_where_the_path_leads_inside_the_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (root / "dev").mkdir(parents=True)
    (root / "out").symlink_to(outside)
    row = {"type": "c", "path": "/out/deep/x", "major": 1, "minor": 3, "fileMode": 0o640, "gid": 7}
    rootfs_devices.make_devices(str(root), [row])
    assert list(outside.iterdir()) == []
    made = os.lstat(f"{root}{outside}/deep/x")
    assert (made.st_rdev, made.st_mode & 0o777, made.st_gid) == (os.makedev(1, 3), 0o640, 7)


@pytest.mark.root
@pytest.mark.parametrize("prepared", ["file", "link", "other device"])
def test_what_an_image_put_in_a_device_s_place_is_refused(tmp_path: Path, prepared: str) -> None:
    (tmp_path / "dev").mkdir()
    place = tmp_path / "null"
    if prepared == "file":
        place.touch()
    elif prepared == "link":
        place.symlink_to("/dev/null")
    else:
        os.mknod(place, 0o20666, os.makedev(1, 5))
    row = {"type": "c", "path": "/null", "major": 1, "minor": 3}
    with pytest.raises(RootfsError, match="cannot make the device /null: something else is there"):
        rootfs_devices.make_devices(str(tmp_path), [row])


@pytest.mark.root
def test_the_same_device_may_be_there_already(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    os.mknod(tmp_path / "null", 0o20666, os.makedev(1, 3))
    row = {"type": "c", "path": "/null", "major": 1, "minor": 3}
    rootfs_devices.make_devices(str(tmp_path), [row, {**row, "path": "/dev/null"}])


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("net.ipv4.ip_forward=1", ("net.ipv4.ip_forward", "1")),
        ("kernel.sem=1 2 3 4", ("kernel.sem", "1 2 3 4")),
        ("fs.mqueue.msg_max=5", ("fs.mqueue.msg_max", "5")),
        ("net/ipv4/conf/eth0.1/forwarding=1", ("net/ipv4/conf/eth0.1/forwarding", "1")),
    ],
)
def test_a_sysctl_of_a_namespace(text: str, pair: tuple[str, str]) -> None:
    assert sysctls.parse(text) == pair


@pytest.mark.parametrize(
    "text",
    [
        "kernel.core_pattern=|/x",
        "kernel.hostname=x",
        "vm.swappiness=1",
        "net.ipv4.ip_forward",
        "",
        "=1",
        "net..ipv4=1",
        "net/../kernel/core_pattern=x",
        "net.ipv4/../../kernel/core_pattern=x",
        "kernel.semaphore=1",
    ],
)
def test_a_sysctl_of_the_whole_machine_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not allowed"):
        sysctls.parse(text)


@pytest.mark.parametrize(
    ("name", "shared"), [("kernel.sem", "ipc"), ("fs.mqueue.x", "ipc"), ("net.x", "network")]
)
def test_a_sysctl_of_a_namespace_that_is_the_host_s_is_refused(name: str, shared: str) -> None:
    none = {"ipc": False, "network": False}
    sysctls.check(name, none)
    with pytest.raises(UsageError, match=f'sysctl "{name}" .*not allowed in .*host'):
        sysctls.check(name, {**none, shared: True})


def test_a_device_that_vanishes_or_is_closed_to_us_stops_no_privileged_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def node(path: str, target: str) -> devices.Node | None:
        if path.endswith("gone"):
            raise FileNotFoundError(2, "No such file or directory", path)
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return {"path": target}

    for name in ("closed", "gone", "null"):
        (tmp_path / name).touch()
    monkeypatch.setattr(devices, "_node", node)
    found = devices._below(str(tmp_path), "/dev", devices.NOT_OURS)
    assert found == [{"path": "/dev/null"}]
    with pytest.raises(PermissionError):
        devices._below(str(tmp_path), "/dev")
