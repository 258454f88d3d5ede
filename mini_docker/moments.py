"""Moments as Docker's flags take them: --since and --until, of events and of logs.

A duration such as 10m counts back from now; a date may leave out its end and its zone, which
is then this machine's; seconds since 1970 may have a fraction. moby, api/types/time.
"""

from __future__ import annotations

import re
import time

from mini_docker import durations

SECOND = 10**9
FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
UNIX = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?", re.ASCII)


def parse(text: str, now: int | None = None) -> int:
    """Return *text* in nanoseconds since 1970; *now* is what a duration counts back from.

    Raises ValueError, in Docker's words, for what is no time.

    >>> parse("1.5"), parse("2024-01-02T03:04:05Z"), parse("10s", now=10**10)
    (1500000000, 1704164645000000000, 0)
    """
    if found := UNIX.fullmatch(text):
        return int(found[1]) * SECOND + _fraction(found[2])
    if found := FORM.fullmatch(text):
        try:
            return _date(found)
        except (ValueError, OverflowError):
            raise ValueError(_refusal(text)) from None
    try:
        back = durations.parse(text)
    except ValueError:
        raise ValueError(_refusal(text)) from None
    return (time.time_ns() if now is None else now) - back


def _refusal(text: str) -> str:
    from mini_docker.gotemplate.quoting import quote

    return f"failed to parse value as time or duration: {quote(text)}"


def _date(found: re.Match[str]) -> int:
    """Return the moment of a match of FORM; ValueError for a day or an hour that is none."""
    from datetime import datetime, timedelta, timezone

    numbers = [int(part or 0) for part in found.groups()[:6]]
    moment = datetime(*numbers)  # type: ignore[arg-type]  # six numbers, and no zone
    if zone := found[8]:
        sign = -1 if zone[0] == "-" else 1
        hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[-2:]))
        shift = timezone(sign * timedelta(hours=hours, minutes=minutes))
        moment = moment.replace(tzinfo=shift)
    return int(moment.timestamp()) * SECOND + _fraction(found[7])


def _fraction(digits: str | None) -> int:
    """Return the nanoseconds that *digits* behind the point stand for."""
    return int((digits or "").ljust(9, "0"))


def text(moment: int) -> str:
    """Return *moment*, nanoseconds since 1970, as docker prints it: local, RFC 3339, 9 digits."""
    seconds, rest = divmod(moment, SECOND)
    local = time.localtime(seconds)
    zone = time.strftime("%z", local)
    zone = "Z" if zone in ("+0000", "") else f"{zone[:3]}:{zone[3:]}"
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + f".{rest:09d}{zone}"
