"""What a user's stop writes down, and where it must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mini_docker import containers, operations, operations_kill, operations_removal
from mini_docker.store import Store

ID = "a" * 64
RECORD = {
    **{"Name": "web", "Created": "", "Path": "sleep", "Args": [], "Config": {}, "HostConfig": {}},
}
STATE = {
    **{"Pid": 0, "ExitCode": 0, "Error": "", "StartedAt": "", "FinishedAt": "", "Stopped": False},
}


def container(root: Path, **state: object) -> containers.Container:
    store = Store(str(root))
    store.prepare()
    folder = Path(store.directory(ID))
    folder.mkdir()
    (folder / "container.json").write_text(json.dumps(RECORD))
    (folder / "state.json").write_text(json.dumps({**STATE, **state}))
    return containers.Container(store, ID)


@pytest.mark.parametrize(("status", "marked"), [("running", True), ("exited", False)])
def test_a_mark_is_for_one_that_is_alive(tmp_path: Path, status: str, marked: bool) -> None:
    """Between its end and its next start it would be on that: a policy would not bring it back."""
    it = container(tmp_path, Status=status)
    it.state["Status"] = "running"  # as of when it was seen
    operations.mark(it)
    assert it.store.state(ID)["Stopped"] is marked


@pytest.mark.parametrize("before", [True, False])
def test_a_stop_takes_no_restart_back(tmp_path: Path, before: bool) -> None:
    it = container(tmp_path, Status="running", Restarted=before)
    operations.mark(it)
    assert it.store.state(ID)["Restarted"] is before
    operations.mark(it, again=True)
    assert it.store.state(ID)["Restarted"] is True


def test_a_removal_marks_each_life_that_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that comes between has forgotten the mark, and the policy would bring it back."""
    it = container(tmp_path, Status="running", StartedAt="1")
    after: list[dict[str, Any]] = [
        {"Status": "running", "StartedAt": "2", "Stopped": False},
        {"Status": "exited"},
    ]
    marks = []

    def send(it: containers.Container, *_: object, **__: object) -> bool:
        marks.append(it.store.state(ID)["Stopped"])
        with it.change():
            it.update(**after.pop(0))
        return True

    monkeypatch.setattr(operations_kill, "send", send)
    with it.lock():  # as its monitor
        operations_removal._end(it, force=True, told=False)
    assert marks == [True, True]
