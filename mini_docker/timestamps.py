"""Times as Docker writes them: RFC 3339, UTC, nanoseconds; and for a reader, in local time."""

from __future__ import annotations

import time

EPOCH = 719468  # days from 0000-03-01 to 1970-01-01
NEVER = "0001-01-01T00:00:00Z"  # Go's zero time


def now() -> str:
    """Return the present time, such as "2024-01-02T03:04:05.678901234Z"."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09d}Z"


def seconds(text: str) -> float:
    """Return the time *text* in seconds since 1970; ValueError if it is not one of ours.

    The calendar module would do; its import costs more than the whole of a `ps`.

    >>> seconds("1970-01-02T00:00:00.5Z")
    86400.5
    """
    whole, _, fraction = text.rstrip("Z").partition(".")
    marks = whole[4:5] + whole[7:8] + whole[10:11] + whole[13:14] + whole[16:17]
    if len(whole) != 19 or marks != "--T::":
        raise ValueError(f"{text!r} is not a time of ours")
    year, month, day = int(whole[:4]), int(whole[5:7]), int(whole[8:10])
    hour, minute, second = int(whole[11:13]), int(whole[14:16]), int(whole[17:])
    # The year begins in March: then a leap day is its last day. Months: 31 30 31 30 31 and again.
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    moment = ((days - EPOCH) * 24 + hour) * 3600 + minute * 60 + second
    return moment + float(f"0.{fraction or 0}")


def spelled(text: str) -> str:
    """Return the time *text*, one of ours, in the form of Go's Time.String().

    >>> spelled("2024-01-02T03:04:05.678900000Z")
    '2024-01-02 03:04:05.6789 +0000 UTC'
    """
    whole, _, fraction = text.rstrip("Z").replace("T", " ").partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction} +0000 UTC" if fraction else f"{whole} +0000 UTC"


def local(moment: float) -> str:
    """Return *moment*, seconds since 1970, in words: "2024-01-02 04:04:05 +0100 CET".

    It is this machine's time, in the form that Go's Time.String() gives whole seconds.
    """
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(moment))


def local_rfc3339(moment: float) -> str:
    """Return *moment*, seconds since 1970, as this machine's time: "2024-01-02T04:04:05+01:00"."""
    it = time.localtime(moment)
    shift = time.strftime("%z", it)
    zone = f"{shift[:3]}:{shift[3:5]}" if it.tm_gmtoff else "Z"
    return time.strftime("%Y-%m-%dT%H:%M:%S", it) + zone
