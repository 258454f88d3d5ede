"""Signals by name, as command lines and images write them: KILL, SIGKILL, kill, 9, RTMIN+3."""

from __future__ import annotations

from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:  # the same numbers, without the cost of signal's enums
    import _signal as signal

NAMES = {
    name.removeprefix("SIG"): int(getattr(signal, name))
    for name in dir(signal)
    if name.startswith("SIG") and name[3:].isalnum()
}
HIGHEST = 64  # of the real-time signals: signal(7)


def number(text: str) -> int:
    """Return the number of the signal *text*; UsageError, in Docker's words, if there is none.

    >>> number("SIGTERM"), number("hup"), number("9"), number("RTMIN+3")
    (15, 1, 9, 37)
    """
    if text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= HIGHEST:
        return int(text)
    name = text.upper().removeprefix("SIG")
    base, sign, offset = name[:5], name[5:6], name[6:]
    if base in ("RTMIN", "RTMAX") and sign == ("+" if base == "RTMIN" else "-"):
        span = NAMES["RTMAX"] - NAMES["RTMIN"]
        if offset.isascii() and offset.isdigit() and len(offset) < 10 and int(offset) <= span:
            return NAMES[base] + int(f"{sign}{offset}")
    if name not in NAMES:
        raise UsageError(f"invalid signal: {text}")
    return NAMES[name]
