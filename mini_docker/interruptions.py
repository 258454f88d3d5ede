"""A start that can be interrupted: Ctrl-C ends the wait for it, and no signal is lost.

The engine blocks the signals that it will pass on before it forks (processes.block). If the
start never ends, because somebody in the container has stopped the process that enters it,
they would stay pending for ever. So while the engine waits for the start, it takes note of
those that mean "end". If the start is over within a moment, they become pending again, and
processes.init() passes them on as ever. If not, it is given up.
"""

from __future__ import annotations

import os

from mini_docker import processes
from mini_docker.errors import ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
else:
    import _signal as signal

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
MOMENT = 0.5  # seconds that a start has to finish once somebody wants it to end


class Interrupted(ProcessError):
    """The start took too long for somebody: the exit code is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted: the container has kept the command from being started")
        self.exit_code = 128 + number


class Interruptions:
    """The signals that have come while the caller waited for a start."""

    __slots__ = ("numbers",)

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def allow(self) -> None:
        """From now on take note of ENDING; raise Interrupted a MOMENT after the first of them."""
        heard = [it for it in ENDING if signal.getsignal(it) != signal.SIG_IGN]
        for number in (*heard, signal.SIGALRM):
            signal.signal(number, self._note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*heard, signal.SIGALRM])

    def forbid(self) -> None:
        """Block them again; what has come is pending then, as if it had been blocked all along."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        processes.block()
        numbers, self.numbers = self.numbers, []
        for number in numbers:
            os.kill(os.getpid(), number)

    def _note(self, number: int, _frame: object) -> None:
        if number == signal.SIGALRM and self.numbers:
            first, self.numbers = self.numbers[0], []
            raise Interrupted(first)
        if not self.numbers:
            signal.setitimer(signal.ITIMER_REAL, MOMENT)
        self.numbers.append(number)


def spawn(
    child: Callable[[int], int],
    fork: Callable[[], int],
    others: Callable[[], list[int]] = list,
    number: int = signal.SIGKILL,
) -> int:
    """Do as processes.spawn() does, unless it takes longer than a MOMENT after a signal in ENDING.

    The caller has called processes.block(). The child keeps the signals blocked until its
    exec. *others* returns more children that this start has made. All are ended with signal
    *number*, which is SIGTERM for one that waits for a start itself. Raises Interrupted, with
    none of them left.
    """
    heard = Interruptions()
    forked: list[int] = []

    def noted() -> int:
        if pid := fork():
            forked.append(pid)
            heard.allow()
        return pid

    try:
        return processes.spawn(child, noted)
    except Interrupted:
        _abandon([*forked, *others()], number)
        raise
    finally:
        heard.forbid()


def _abandon(pids: list[int], number: int) -> None:
    """End the children *pids*, which have not become the program that was asked for."""
    for pid in pids:
        processes.send(pid, number)
    for pid in pids:
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            continue  # it had ended, and was waited for
