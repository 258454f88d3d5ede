"""Stop every process that comes into our pid namespace: nobody gets anywhere."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from tests.e2e.attacks.attempt import say


def main() -> None:
    """Stop whoever comes, for a minute."""
    last, give_up = os.getpid(), time.monotonic() + 60
    say("ready", "")
    while time.monotonic() < give_up:
        for pid in range(last + 1, last + 3):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                last = pid
                say("stopped", str(pid))


if __name__ == "__main__":
    main()
