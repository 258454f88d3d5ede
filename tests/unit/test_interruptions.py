"""interruptions: a signal that comes during a start is passed on, or ends a start that hangs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from mini_docker import interruptions, processes


def _in_a_child(main: Callable[[], int]) -> int:
    """Return the exit code of *main*, run where its signals and handlers harm nobody."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            processes.block()
            code = main()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM])
def test_a_signal_during_a_start_is_there_after_it(number: signal.Signals) -> None:
    def main() -> int:
        heard = interruptions.Interruptions()
        heard.allow()
        os.kill(os.getpid(), number)
        heard.forbid()
        return int(signal.sigpending() == {number})

    assert _in_a_child(main) == 1


def test_a_start_that_hangs_is_given_up() -> None:
    def main() -> int:
        heard = interruptions.Interruptions()
        heard.allow()
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            signal.pause()
            signal.pause()
        except interruptions.Interrupted as error:
            heard.forbid()
            return 0 if signal.sigpending() else error.exit_code
        return 98

    assert _in_a_child(main) == 128 + signal.SIGTERM


def test_an_ignored_signal_stays_ignored() -> None:
    def main() -> int:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        heard = interruptions.Interruptions()
        heard.allow()
        os.kill(os.getpid(), signal.SIGINT)
        heard.forbid()
        return len(heard.numbers)

    assert _in_a_child(main) == 0
