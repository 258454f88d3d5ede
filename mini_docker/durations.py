"""Durations as Docker reads and prints them.

Flags take Go's notation (``1h30m``, ``1.5s``) and mean whole nanoseconds; lists
and states print rough words (``About a minute``, ``3 weeks``).
"""

from __future__ import annotations

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, the micro sign
    "μs": 10**3,  # U+03BC, the Greek letter
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DIGITS = "0123456789"
_HOUR = 3600


def parse(text: str) -> int:
    """Return *text*, such as 300ms, -1.5h or 2h45m, in nanoseconds.

    Raises ValueError in Go's words: no unit, an unknown one, or out of range.

    >>> parse("1m1.5s")
    61500000000
    """
    from mini_docker.gotemplate.quoting import quote

    shown = quote(text)
    rest = text[text[:1] in ("+", "-") :]
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {shown}")
    total = 0
    while rest:
        amount, rest = _part(rest, shown)
        total += amount
        if total > 1 << 63:
            raise ValueError(f"time: invalid duration {shown}")
    if text[0] == "-":
        return -total
    if total == 1 << 63:
        raise ValueError(f"time: invalid duration {shown}")
    return total


def _part(text: str, shown: str) -> tuple[int, str]:
    """Read one number with its unit; return its nanoseconds and what follows it."""
    from mini_docker.gotemplate.quoting import quote

    whole, rest = _span(text, _DIGITS)
    fraction = ""
    if rest[:1] == ".":
        fraction, rest = _span(rest[1:], _DIGITS)
    if not whole + fraction or len(whole) > 30:
        raise ValueError(f"time: invalid duration {shown}")
    unit = rest
    for at, char in enumerate(rest):
        if char in _DIGITS or char == ".":
            unit = rest[:at]
            break
    if not unit:
        raise ValueError(f"time: missing unit in duration {shown}")
    if unit not in _UNITS:
        raise ValueError(f"time: unknown unit {quote(unit)} in duration {shown}")
    size = _UNITS[unit]
    fraction = fraction[:30]
    amount = int(whole or "0") * size
    if fraction:
        amount += int(fraction) * size // 10 ** len(fraction)
    return amount, rest[len(unit) :]


def _span(text: str, chars: str) -> tuple[str, str]:
    """Split *text* after its longest beginning of *chars*."""
    rest = text.lstrip(chars)
    return text[: len(text) - len(rest)], rest


def duration(nanoseconds: int) -> str:
    """Return *nanoseconds* as Go prints a time.Duration.

    >>> duration(61500000000)
    '1m1.5s'
    """
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest == 0:
        return "0s"
    if rest < 10**9:
        unit = "ns" if rest < 10**3 else "µs" if rest < 10**6 else "ms"
        return sign + _fixed(rest, _UNITS[unit]) + unit
    minutes, rest = divmod(rest, 60 * 10**9)
    text = _fixed(rest, 10**9) + "s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = (f"{hours}h" if hours else "") + f"{minutes}m" + text
    return sign + text


def _fixed(amount: int, unit: int) -> str:
    """Return *amount* / *unit*, a power of ten, exactly and without trailing zeros."""
    whole, part = divmod(amount, unit)
    if not part:
        return str(whole)
    return f"{whole}.{part:0{len(str(unit)) - 1}d}".rstrip("0")


def human(seconds: float) -> str:
    """Return a time span in rough words, as docker ps has them.

    >>> human(75)
    'About a minute'
    """
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole == 1:
        return "1 second"
    if whole < 60:
        return f"{whole} seconds"
    minutes = whole // 60
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    return _long(seconds)


def _long(seconds: float) -> str:
    hours = int(seconds / _HOUR + 0.5)
    if hours == 1:
        return "About an hour"
    for limit, unit, name in (
        (48, 1, "hours"),
        (24 * 7 * 2, 24, "days"),
        (24 * 30 * 2, 24 * 7, "weeks"),
        (24 * 365 * 2, 24 * 30, "months"),
    ):
        if hours < limit:
            return f"{hours // unit} {name}"
    return f"{int(seconds / _HOUR) // (24 * 365)} years"


def ago(seconds: float) -> str:
    """Return *seconds* as docker prints a past moment: ``5 minutes ago``."""
    return f"{human(seconds)} ago"


def up(seconds: float, remark: str = "") -> str:
    """Return the STATUS of a running container: ``Up 3 seconds``, ``Up 2 hours (Paused)``."""
    return f"Up {human(seconds)}" + (f" ({remark})" if remark else "")


def exited(code: int, seconds: float) -> str:
    """Return the STATUS of a container that ended: ``Exited (0) 5 minutes ago``."""
    return f"Exited ({code}) {ago(seconds)}"
