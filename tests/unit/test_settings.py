"""settings: from HostConfig to the config.json of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mini_docker import settings, spec
from mini_docker.errors import NotFound, UsageError
from mini_docker.store import Store


def bundle(tmp_path: Path, version: str = "v2", **host: Any) -> dict[str, Any]:
    """Return the config.json of a container with the given HostConfig."""
    config = {"Hostname": "box", "Env": ["A=1", "HOME"], "WorkingDir": "/w", "User": "web"}
    record = {
        "Id": "f" * 64,
        "Path": "sh",
        "Args": ["-c", "true"],
        "Config": config,
        "HostConfig": host,
    }
    return settings.bundle(record, ["/layers/top", "/layers/base"], Store(str(tmp_path)), version)


def test_the_document_is_an_oci_config(tmp_path: Path) -> None:
    found = bundle(tmp_path)
    assert found["ociVersion"] == "1.0.2"
    assert found["process"]["args"] == ["sh", "-c", "true"]
    assert found["process"]["cwd"] == "/w"
    assert found["process"]["user"] == {"uid": 0, "gid": 0, "username": "web", "groups": []}
    assert found["process"]["env"][1:] == ["HOSTNAME=box", "A=1"]
    assert found["linux"]["cgroupsPath"] == "/mini-docker/" + "f" * 64
    root = found["mounts"][0]
    assert (root["destination"], root["type"]) == ("/", "overlay")
    assert "lowerdir=/layers/top:/layers/base" in root["options"]


def test_namespaces_are_private_unless_shared(tmp_path: Path) -> None:
    private = spec.kinds(bundle(tmp_path))
    assert private == {"mnt", "uts", "ipc", "pid", "net", "cgroup"}
    assert "cgroup" not in spec.kinds(bundle(tmp_path, version="hybrid"))
    host = {"PidMode": "host", "UTSMode": "host", "IpcMode": "host", "NetworkMode": "host"}
    assert spec.kinds(bundle(tmp_path, CgroupnsMode="host", **host)) == {"mnt"}


def test_limits_in_the_words_of_the_specification() -> None:
    host = {
        "Memory": 64,
        "MemorySwap": 128,
        "NanoCpus": 1_500_000_000,
        "CpuShares": 512,
        "CpusetCpus": "0-1",
        "PidsLimit": 20,
        "BlkioWeight": 300,
    }
    assert settings.resources(host) == {
        "memory": {"limit": 64, "swap": 128},
        "cpu": {"shares": 512, "quota": 150_000, "period": 100_000, "cpus": "0-1"},
        "blockIO": {"weight": 300},
        "pids": {"limit": 20},
    }
    assert settings.resources({}) == {}


def test_a_layer_may_have_any_name(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "a:b,c\\d"))
    record = {"Id": "f" * 64, "Path": "sh", "Args": [], "Config": {"Hostname": "x"}}
    found = settings.mounts({**record, "HostConfig": {}}, ["/x:y"], store)
    assert "lowerdir=/x\\:y" in found[0]["options"]
    assert f"upperdir={tmp_path}/a\\:b\\,c\\\\d/containers/{'f' * 64}/upper" in found[0]["options"]


def test_only_a_block_device_has_a_rate() -> None:
    with pytest.raises(UsageError, match="/dev/null is not a block device"):
        settings.device("/dev/null")
    with pytest.raises(NotFound, match="/dev/none"):
        settings.device("/dev/none")


def test_tmpfs_and_shared_memory(tmp_path: Path) -> None:
    found = bundle(tmp_path, Tmpfs={"/t": "size=1m,exec"}, ShmSize=4096)
    rows = {row["destination"]: row for row in found["mounts"]}
    assert rows["/t"]["options"] == ["nosuid", "nodev", "noexec", "size=1m", "exec"]
    assert "size=4096" in rows["/dev/shm"]["options"]
