"""Times as Docker writes them: RFC 3339, UTC, nanoseconds."""

from __future__ import annotations

import time

NEVER = "0001-01-01T00:00:00Z"  # Go's zero time


def now() -> str:
    """Return the present time, such as "2024-01-02T03:04:05.678901234Z"."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"


def seconds(text: str) -> float:
    """Return the time *text* in seconds since 1970; ValueError if it is not one of ours."""
    import calendar

    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return moment + float(f"0.{fraction or 0}")
