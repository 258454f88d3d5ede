"""Times as Docker writes them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import timestamps


@given(st.datetimes(min_value=datetime(1, 1, 1)))
def test_seconds_agrees_with_datetime(moment: datetime) -> None:
    text = moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S.%fZ")
    expected = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    assert timestamps.seconds(text) == pytest.approx(expected, abs=1e-5)


def test_now_can_be_read_back() -> None:
    assert timestamps.seconds(timestamps.now()) == pytest.approx(time.time(), abs=5)
    assert timestamps.seconds(timestamps.NEVER) == -62135596800


@pytest.mark.parametrize(
    ("zone", "text", "rfc3339"),
    [
        ("UTC", "03:04:05 +0000 UTC", "03:04:05Z"),
        ("CET-1", "04:04:05 +0100 CET", "04:04:05+01:00"),
    ],
)
def test_a_time_of_this_machine(
    zone: str, text: str, rfc3339: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert timestamps.local(1704164645.9) == f"2024-01-02 {text}"
    assert timestamps.local_rfc3339(1704164645.9) == f"2024-01-02T{rfc3339}"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "text", ["", "x", "2024", "2024-01-02", "2024-01-02 03:04:05Z", "20240102T030405Z"]
)
def test_what_is_no_time_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        timestamps.seconds(text)
