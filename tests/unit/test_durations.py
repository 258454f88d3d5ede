"""Durations: Go's notation, and docker's rough words (each row was answered by Go)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import durations

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("1h", 3600 * SECOND),
        ("1m1.5s", 61_500_000_000),
        ("-1.5h", -5400 * SECOND),
        ("1µs2μs3us", 6000),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("9223372036854775807ns", 2**63 - 1),
        ("-9223372036854775808ns", -(2**63)),
    ],
)
def test_gos_notation_is_read_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert durations.parse(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        (".s", 'time: invalid duration ".s"'),
        ("5", 'time: missing unit in duration "5"'),
        ("5q", 'time: unknown unit "q" in duration "5q"'),
        ("1 s", 'time: unknown unit " s" in duration "1 s"'),
        ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
        ("3000000h", 'time: invalid duration "3000000h"'),
    ],
)
def test_what_is_no_duration_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        durations.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0s"), (1, "1ns"), (1500, "1.5µs"), (10**8, "100ms"), (3601 * SECOND, "1h0m1s")],
)
def test_a_duration_is_printed_as_go_prints_it(nanoseconds: int, text: str) -> None:
    assert durations.duration(nanoseconds) == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_printed_duration_reads_back(nanoseconds: int) -> None:
    assert durations.parse(durations.duration(nanoseconds)) == nanoseconds


@given(st.text(alphabet="0123456789.hmsnuµ+- ", max_size=12) | st.text(max_size=8))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        assert -(1 << 63) <= durations.parse(text) < 1 << 63
    except ValueError:
        return


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.9, "Less than a second"),
        (1, "1 second"),
        (59.9, "59 seconds"),
        (60, "About a minute"),
        (120, "2 minutes"),
        (3600, "About an hour"),
        (5400, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (14 * 86400, "2 weeks"),
        (60 * 86400, "2 months"),
        (730 * 86400, "2 years"),
        (-5, "Less than a second"),
    ],
)
def test_time_spans_have_dockers_rough_words(seconds: float, words: str) -> None:
    assert durations.human(seconds) == words


def test_states_tell_how_long_ago() -> None:
    assert durations.ago(300) == "5 minutes ago"
    assert durations.up(3) == "Up 3 seconds"
    assert durations.up(7200, "Paused") == "Up 2 hours (Paused)"
    assert durations.exited(137, 75) == "Exited (137) About a minute ago"
