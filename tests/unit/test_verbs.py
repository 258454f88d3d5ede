"""What the verbs make of a container's record, and what an image's config may say about it."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from mini_docker import operations, operations_kill, operations_pause
from mini_docker.cli import run_lifecycle
from mini_docker.errors import CgroupError, ConfigError
from tests.unit.pretended import Pretended


@pytest.mark.parametrize(
    ("own", "number"), [("", 15), ("SIGUSR1", 10), ("3", 3), ("FOO", 15), ("0", 15), ("99", 15)]
)
def test_a_stop_signal_that_there_is_not_is_term(own: str, number: int) -> None:
    assert operations.stop_signal(Pretended(StopSignal=own)) == number


def test_sigkill_means_the_end_whatever_the_stop_signal() -> None:
    it = Pretended(StopSignal="FOO")
    assert operations_kill.means_end(it, signal.SIGKILL)
    assert operations_kill.means_end(it, signal.SIGTERM)
    assert not operations_kill.means_end(it, signal.SIGHUP)
    assert operations_kill.means_end(Pretended(), signal.SIGHUP)


@pytest.mark.parametrize(
    ("error", "done"), [(KeyboardInterrupt(), [True, False]), (CgroupError("busy"), [True])]
)
def test_a_pause_that_is_interrupted_is_undone(
    error: BaseException, done: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    class Group:
        def freeze(self, frozen: bool = True) -> None:
            calls.append(frozen)
            if frozen:
                raise error
            assert it.status() == "paused"  # until it is no more

    it = Pretended()
    monkeypatch.setattr(operations_pause, "_group", lambda it: Group())
    with pytest.raises(type(error)):
        operations_pause.pause(it)
    assert (calls, it.status()) == (done, "running")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"StopTimeout": -1, "StopSignal": "FOO", "Healthcheck": None},
        {"Healthcheck": {"Test": ["CMD", "true"], "Interval": 10**6, "Retries": 0}},
        {"Healthcheck": {"Test": None, "Timeout": None}},
    ],
)
def test_an_image_that_makes_sense_is_taken(config: dict[str, Any]) -> None:
    run_lifecycle.check_image(config)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"StopTimeout": "x"}, "its StopTimeout is no whole number: 'x'"),
        ({"StopTimeout": True}, "StopTimeout is no whole number"),
        ({"StopTimeout": 10**400}, "StopTimeout is no whole number"),
        ({"Healthcheck": "x"}, "Healthcheck in its config is no object"),
        ({"Healthcheck": {"Test": "true"}}, "no list of words"),
        ({"Healthcheck": {"Test": ["CMD", 1]}}, "no list of words"),
        ({"Healthcheck": {"Interval": "x"}}, "its Interval is no whole number: 'x'"),
        ({"Healthcheck": {"Timeout": [1]}}, "its Timeout is no whole number"),
        ({"Healthcheck": {"StartPeriod": 1.5}}, "its StartPeriod is no whole number"),
        ({"Healthcheck": {"Retries": "x"}}, "its Retries is no whole number"),
        ({"Healthcheck": {"Retries": -1}}, "Retries in Healthcheck cannot be negative"),
        ({"Healthcheck": {"Interval": -1}}, "Interval in Healthcheck cannot be negative"),
        ({"Healthcheck": {"Interval": 1}}, "Interval in Healthcheck cannot be less than 1ms"),
        ({"Healthcheck": {"StartInterval": 999999}}, "StartInterval in Healthcheck cannot be less"),
    ],
)
def test_an_image_that_makes_no_sense_is_refused(config: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match="cannot use the image: ") as caught:
        run_lifecycle.check_image(config)
    assert why in str(caught.value) and len(str(caught.value)) < 120
