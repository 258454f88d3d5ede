"""Signals by name."""

from __future__ import annotations

import signal

import pytest

from mini_docker import signal_names
from mini_docker.cli import signals
from mini_docker.errors import UsageError


@pytest.mark.parametrize("text", ["TERM", "SIGTERM", "term", "sigterm", "15"])
def test_a_signal_has_several_names(text: str) -> None:
    assert signal_names.number(text) == signal.SIGTERM


def test_real_time_signals() -> None:
    assert signal_names.number("RTMIN") == signal.SIGRTMIN
    assert signal_names.number("SIGRTMIN+3") == signal.SIGRTMIN + 3
    assert signal_names.number("rtmax-1") == signal.SIGRTMAX - 1
    assert signal_names.number("64") == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "65",
        "-9",
        "NOPE",
        "_DFL",
        "SIG_IGN",
        "RTMIN+99",
        "RTMIN-1",
        "RTMAX+1",
        "RTMIN+",
        "9" * 99,
    ],
)
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^invalid signal: "):
        signal_names.number(text)


def test_all_of_the_kernels_signals_have_their_numbers() -> None:
    for known in signal.Signals:
        assert signal_names.number(known.name) == known.value


def test_the_command_line_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"^invalid signal: TREM \(did you mean TERM\?\)$"):
        signals.number("TREM")
