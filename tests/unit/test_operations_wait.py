"""Waiting for what another process does to a container."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from mini_docker import operations_wait
from mini_docker.errors import StateError
from mini_docker.operations_wait import Patience
from mini_docker.store import Store
from tests.unit.pretended import Pretended


@pytest.fixture
def it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """A container with a directory, whose state nobody puts right."""
    it = Pretended(Store(str(tmp_path)))
    it.state |= {"Stopped": True}
    os.makedirs(it.store.directory(it.id))
    Path(it.store.directory(it.id), "state.json").write_text("{}")
    monkeypatch.setattr(operations_wait, "look", lambda _: None)
    return it


@pytest.mark.parametrize("last", [b"x{}", b""], ids=["the end", "a monitor that is killed"])
def test_who_listens_is_woken_at_once(it: Pretended, last: bytes) -> None:
    line, monitor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    patience = Patience(it, "cannot stop", line=line)
    patience.pause = 60

    def speak() -> None:
        if last:
            monitor.send(last)
        monitor.close()

    begin = time.monotonic()
    threading.Timer(0.1, speak).start()
    patience.look()
    assert 0.1 <= time.monotonic() - begin < 20
    assert patience.line is None and line.fileno() == -1
    patience.pause = operations_wait.SOON
    patience.look()  # it goes on without
    assert time.monotonic() - begin < 20


def test_who_listens_to_one_that_says_nothing_looks_all_the_same(it: Pretended) -> None:
    line, monitor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    patience = Patience(it, "cannot stop", line=line)
    patience.look()
    patience.look()
    assert patience.line is line
    patience.give_up = time.monotonic()
    with pytest.raises(StateError, match=r"^cannot stop container pretended: it is running, and"):
        patience.look()
    line.close()
    monitor.close()


def test_nothing_new_is_looked_at_seldom(it: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    monkeypatch.setattr(operations_wait, "look", lambda _: looks.append(time.monotonic()))
    patience = Patience(it, "cannot stop")
    patience.look()
    before = time.monotonic()
    patience.look()
    assert looks[1] - before >= operations_wait.ANYHOW
