"""Signals as the command line names them."""

from __future__ import annotations

import signal

from mini_docker.errors import UsageError
from mini_docker.suggest import nearest


def number(text: str) -> int:
    """Return the number of the signal *text*: KILL, SIGKILL, kill or 9. UsageError otherwise."""
    if text.isdecimal() and 0 < int(text) < 65:
        return int(text)
    name = text.upper().removeprefix("SIG")
    found = getattr(signal, f"SIG{name}", None)
    if name.startswith("RTMIN+") and name[6:].isdecimal() and int(name[6:]) <= 30:
        found = signal.SIGRTMIN + int(name[6:])
    if found is None or not name.isupper() or name in ("_DFL", "_IGN"):
        near = nearest(name, [s.name.removeprefix("SIG") for s in signal.Signals])
        raise UsageError(f"invalid signal: {text}" + (f" (did you mean {near}?)" if near else ""))
    return int(found)
