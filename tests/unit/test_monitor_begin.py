"""A start that fails once process 1 runs: that has to end, for nobody would look after it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mini_docker import container, containers, events, monitor_begin
from mini_docker.errors import ConfigError
from tests import stored


@pytest.fixture
def it(tmp_path: Path) -> containers.Container:
    return stored.container(tmp_path)


@pytest.mark.parametrize("broken", ["state", "events"])
def test_process_1_ends_with_its_failed_start(
    it: containers.Container, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[int] = []

    def start(start: container.Start) -> int:
        children.append(os.fork())
        if children[0] == 0:
            signal.pause()
            os._exit(0)
        start.note(children[0])
        return children[0]

    def fail(*_: object) -> None:
        raise ConfigError("no space left")

    monkeypatch.setattr(container, "start", start)
    if broken == "state":
        monkeypatch.setattr(monitor_begin, "_runs", fail)
    else:
        monkeypatch.setattr(events, "container", lambda *_, **__: fail() if _[1] == "start" else 0)
    with pytest.raises(ConfigError, match="no space left"):
        monitor_begin.begin(it, it.config(), (0, 1, 2))
    with pytest.raises(ChildProcessError):
        os.waitpid(children[0], 0)
    found = containers.load(it.store, stored.ID)
    assert found.status() == ("created" if broken == "state" else "exited")
    assert (found.pid(), found.state["ExitCode"]) == (0, 125)
    assert found.state["Error"] == "no space left"
    assert containers.read_note(it.store, stored.ID) is None
