"""A container that shares namespaces is started anew: its config.json has other authors too."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from mini_docker import creation_rejoin, records, settings, settings_users
from mini_docker.containers import Container
from mini_docker.store import Store

ID = "a" * 64
STATE = {
    **{"Status": "exited", "Pid": 0, "ExitCode": 0, "Error": ""},
    **{"StartedAt": "", "FinishedAt": ""},
}


def container(root: Path, **host: str) -> Container:
    store = Store(str(root))
    store.prepare()
    folder = Path(store.directory(ID))
    folder.mkdir()
    record = {
        "Name": "web",
        "Created": "",
        "Path": "",
        "Args": [],
        "Config": {},
        "HostConfig": host,
    }
    rows = [{"type": "pid", "path": "/proc/1/ns/pid"}]
    linux = {"namespaces": rows, "resources": {}, "maskedPaths": [], "readonlyPaths": []}
    config = {"process": {}, "root": {"path": "rootfs"}, "mounts": [], "linux": linux}
    for name, value in (("container", record), ("state", STATE), ("config", config)):
        (folder / f"{name}.json").write_text(json.dumps(value))
    return Container(store, ID)


def test_what_is_written_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    it = container(tmp_path, PidMode="container:other")

    def namespaces(*_: object) -> list[dict[str, Any]]:
        assert not it.change().held(fcntl.LOCK_EX), (
            "a partner is looked at: its lock, with ours held, is a knot"
        )
        document = it.config()
        document["linux"]["resources"] = {"pids": {"limit": 7}}  # an `update`
        records.write(f"{it.store.directory(ID)}/config.json", document)
        return [{"type": "pid", "path": "/proc/2/ns/pid"}]

    monkeypatch.setattr(settings, "namespaces", namespaces)
    monkeypatch.setattr(settings_users, "choose", lambda *_: None)
    creation_rejoin.rejoin(it)
    linux = it.config()["linux"]
    assert linux["namespaces"] == [{"type": "pid", "path": "/proc/2/ns/pid"}]
    assert linux["resources"] == {"pids": {"limit": 7}}


def test_one_that_shares_nothing_stays_as_it_is(tmp_path: Path) -> None:
    it = container(tmp_path, UsernsMode="auto", PidMode="")
    before = it.config()
    creation_rejoin.rejoin(it)
    assert it.config() == before
