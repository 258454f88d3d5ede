"""Ctrl-C and kill of a build: it cleans up and ends, with 128 and the number of the signal.

The first signal raises in the main thread, which gives the build up. The second changes
nothing: the cleaning up goes on. The third ends the program on the spot, as docker's does;
what is left then is put right by the next command.
"""

from __future__ import annotations

import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import NoReturn
else:
    import _signal as signal

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 3  # signals


class Signals:
    """The signals that have come to end this build."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def catch(self) -> None:
        """Take note of ENDING from now on, but for those that our caller ignores (nohup)."""
        for number in ENDING:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def check(self) -> None:
        """Raise what ends the build, if a signal has come.

        What a handler raises is lost if Python happened to be in a finalizer.
        """
        if self.numbers:
            self._raise()

    def leave(self) -> None:
        """End the program here and now if a thread is still at work: Python would wait for it.

        It may be held up in the output, which nobody reads, or in a registry's answer.
        """
        if self.numbers and threading.active_count() > 1:
            os._exit(128 + self.numbers[0])

    def _note(self, number: int, _frame: object) -> None:
        self.numbers.append(number)
        if len(self.numbers) >= PATIENCE:
            os._exit(128 + number)
        if len(self.numbers) == 1:
            self._raise()

    def _raise(self) -> NoReturn:
        if self.numbers[0] == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.numbers[0])
