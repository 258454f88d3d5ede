"""Signals as the command line names them."""

from __future__ import annotations

from mini_docker import signal_names
from mini_docker.errors import UsageError


def number(text: str) -> int:
    """Return the number of the signal *text*: KILL, SIGKILL, kill or 9. UsageError otherwise."""
    try:
        return signal_names.number(text)
    except UsageError as error:
        from mini_docker.suggest import nearest

        near = nearest(text.upper().removeprefix("SIG"), list(signal_names.NAMES))
        raise UsageError(f"{error}" + (f" (did you mean {near}?)" if near else "")) from None
