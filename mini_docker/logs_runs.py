"""What is read from a log: runs, text that was written at one moment to one stream."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    class Decoder(Protocol):
        """Turns the bytes of one log file into runs."""

        damaged: int  # how many places could not be read
        lost: int  # how many bytes the log says it could not take

        def feed(self, data: bytes) -> Iterable[Run]:
            """Return the runs of the entries that *data*, the next bytes of the file, completes."""

        def end(self) -> list[Run]:
            """The file ends here: what waits for more is damaged. Return what is behind that."""


LONGEST = 4 * 2**20  # bytes of an entry; longer ones are no entries


FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class Run:
    """Some lines, or a part of one: *text* as it was written, newlines included.

    *stream* is 1 or 2, *time* a text of 30 characters, RFC 3339 with nine digits and Z, which
    sorts as time goes; *attributes* are what the entry says of its container.
    """

    __slots__ = ("attributes", "stream", "text", "time")

    def __init__(self, stream: int, time: str, text: bytes, attributes: Mapping[str, str]) -> None:
        self.stream = stream
        self.time = time
        self.text = text
        self.attributes = attributes


def fixed(time: str) -> str:
    """Return *time*, RFC 3339 with up to nine digits, with nine, in UTC; ValueError if it is none.

    >>> fixed("2026-01-02T03:04:05.6Z")
    '2026-01-02T03:04:05.600000000Z'
    """
    if not (found := FORM.fullmatch(time)):
        raise ValueError(f"{time!r} is no time of a log")
    if found[2] == "Z":
        whole, _, part = time[:-1].partition(".")
        return time if len(part) == 9 else f"{whole}.{part:0<9}Z"
    from mini_docker import moments

    return at(moments.parse(time))


def at(moment: int) -> str:
    """Return *moment*, in nanoseconds since 1970, as fixed() does; ValueError if it has no date."""
    import time

    seconds, rest = divmod(moment, 10**9)
    try:
        year, *others = time.gmtime(seconds)[:6]
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from None
    if not 0 <= year <= 9999:
        raise ValueError(f"the year {year} has no four digits")
    # Not strftime(): its years before 1000 have fewer digits, and such times do not sort.
    month, day, hour, minute, second = others
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:09}Z"
