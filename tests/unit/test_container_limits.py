"""container_limits: the command makes the control group, or the monitor does it itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from mini_docker import container_limits, processes
from mini_docker.container_limits import Limits
from mini_docker.errors import CgroupError, CommandNotFound, MiniDockerError

CONFIG: dict[str, Any] = {"linux": {"cgroupsPath": "/mini-docker/test", "resources": {}}}
Group = Any


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In which processes the group was made."""
    processes: list[int] = []

    def make(group: Group, config: dict[str, Any]) -> list[str]:
        processes.append(os.getpid())
        assert config == CONFIG
        return ["does not hold"]

    monkeypatch.setattr(container_limits, "make", make)
    return processes


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    command, monitor = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with command, monitor:
        yield command, monitor


def test_nobody_is_asked_where_there_is_nobody(made: list[int]) -> None:
    limits = Limits()
    limits.ask()
    assert limits.settle() == b""
    assert limits.stand(None, CONFIG) == ["does not hold"]  # type: ignore[arg-type]
    assert made == [os.getpid()]


def test_the_command_makes_it_and_its_warnings_arrive(
    made: list[int], ends: tuple[socket.socket, socket.socket]
) -> None:
    command, monitor = ends
    limits = Limits(monitor)
    limits.ask()
    container_limits.answer(command, CONFIG)
    assert made == [os.getpid()]
    assert limits.stand(None, CONFIG) == ["does not hold"]  # type: ignore[arg-type]
    assert len(made) == 1, "the monitor has made it once more"
    assert limits.settle() == b"", "there is one answer to a question"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (CgroupError("no room\nat all"), MiniDockerError, "no room at all"),
        (CommandNotFound("none"), CommandNotFound, "none"),
        (ZeroDivisionError("by a student"), MiniDockerError, "ZeroDivisionError: by a student"),
    ],
)
def test_why_it_could_not_be_made_arrives(
    error: Exception,
    kind: type[MiniDockerError],
    text: str,
    ends: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def make(group: Group, config: dict[str, Any]) -> list[str]:
        raise error

    command, monitor = ends
    monkeypatch.setattr(container_limits, "make", make)
    limits = Limits(monitor)
    limits.ask()
    container_limits.answer(command, CONFIG)
    with pytest.raises(kind, match=text):
        limits.stand(None, CONFIG)  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", ["before", "unread", "read"])
def test_a_command_that_was_killed_makes_nothing(
    made: list[int], ends: tuple[socket.socket, socket.socket], moment: str
) -> None:
    command, monitor = ends
    limits = Limits(monitor)
    if moment == "before":
        command.close()
    limits.ask()
    if moment == "read":
        command.recv(1)
    command.close()
    assert limits.stand(None, CONFIG) == ["does not hold"]  # type: ignore[arg-type]
    assert len(made) == 1


def test_a_monitor_that_does_not_ask_gets_no_group(
    made: list[int], ends: tuple[socket.socket, socket.socket]
) -> None:
    command, monitor = ends
    monitor.send(b"s")
    container_limits.answer(command, CONFIG)
    assert command.recv(2) == b"s", "the message is the client's"
    monitor.close()
    container_limits.answer(command, CONFIG)
    assert made == []


def test_a_monitor_that_was_killed_before_it_read_anything_is_no_error(
    made: list[int], ends: tuple[socket.socket, socket.socket]
) -> None:
    command, monitor = ends
    command.send(b"an order")
    monitor.close()
    container_limits.answer(command, CONFIG)
    assert made == []


def test_a_monitor_that_was_killed_meanwhile_is_no_error(
    made: list[int], ends: tuple[socket.socket, socket.socket]
) -> None:
    command, monitor = ends
    Limits(monitor).ask()
    monitor.close()
    container_limits.answer(command, CONFIG)
    assert made == [os.getpid()]


@pytest.mark.parametrize(
    "warnings", [["x" * 100] * 5000, ["x" * 500000], ["/sys/fs/cgroup/\udcff holds less"]]
)
def test_an_answer_arrives_however_much_is_to_be_said(
    ends: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    warnings: list[str],
) -> None:
    command, monitor = ends
    monitor.settimeout(5)
    monkeypatch.setattr(container_limits, "make", lambda group, config: warnings)
    limits = Limits(monitor)
    limits.ask()
    container_limits.answer(command, CONFIG)
    told = limits.stand(None, CONFIG)  # type: ignore[arg-type]
    assert told == warnings[: len(told)]
    assert told or len(warnings[0]) > processes.REPORT_LIMIT, "not a single one came"
