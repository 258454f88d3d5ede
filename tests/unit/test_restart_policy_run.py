"""What starts containers at the machine's start goes on when one of them cannot be started."""

from __future__ import annotations

import pytest

from mini_docker import containers, operations
from mini_docker.cli import start, system_restart_policy
from tests.unit.pretended import Pretended


def test_a_refusal_of_the_kernel_ends_one_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Pretended(), Pretended()]
    for it in found:
        it.state = {"Status": "exited", "StartedAt": "2026"}
        it.record["HostConfig"]["RestartPolicy"] = {"Name": "always"}
    monkeypatch.setattr(containers, "listing", lambda _: (found, []))
    monkeypatch.setattr(start, "seal", lambda *_: None)
    started = []

    def launch(it: containers.Container) -> None:
        started.append(it)
        if len(started) == 1:
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(operations, "launch", launch)
    assert system_restart_policy.start_all(found[0].store) == 1
    said = capsys.readouterr()
    assert (said.out, len(started)) == ("pretended\n", 2)
    assert "cannot start container pretended" in said.err and "Too many open files" in said.err
