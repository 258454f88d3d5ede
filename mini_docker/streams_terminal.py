"""The user's own terminal while a container's terminal is shown on it.

Raw mode: what is typed goes to the container byte by byte, Ctrl-C among it, and the
container's own terminal makes echo, lines and signals of it. Whatever happens, the user's
terminal has to come back from that. leave() sees to it on every way that this process goes by
itself; a guardian, a process that waits for its end, does it if it is killed. termios(3).
"""

from __future__ import annotations

import errno
import os
import termios

from mini_docker import descriptors, processes
from mini_docker.errors import TerminalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from typing import Any
else:
    import _signal as signal

_INPUT = (
    *(termios.IGNBRK, termios.BRKINT, termios.PARMRK, termios.ISTRIP),
    *(termios.INLCR, termios.IGNCR, termios.ICRNL, termios.IXON),
)
_LOCAL = (termios.ECHO, termios.ECHONL, termios.ICANON, termios.ISIG, termios.IEXTEN)


class Screen:
    """The terminal that *descriptor* stands for."""

    __slots__ = ("before", "busy", "descriptor", "guardian", "line", "raw")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.before: list[Any] = []  # its attributes, while it is raw
        self.raw: list[Any] = []
        self.busy = False  # in enter(), which a signal's handler may call in the middle of it
        self.guardian = self.line = 0  # its pid, and the pipe whose end tells it of ours

    def enter(self) -> None:
        """Make the terminal raw; TerminalError if it cannot be. cfmakeraw(3).

        In the background that stops us until a shell's `fg` (SIGTTOU).
        """
        if self.busy:
            return
        self.busy = True
        try:
            self.before = self.before or own(self.descriptor)
            if not self.guardian:
                self._watch()
            put(self.descriptor, raw(self.before))
            # As it is now: the kernel may not have taken every bit.
            self.raw = termios.tcgetattr(self.descriptor)
        except termios.error as error:
            raise TerminalError(f"cannot make the terminal raw: {error.args[1]}") from error
        finally:
            self.busy = False

    def suspend(self) -> None:
        """Make the terminal as it was before enter(), which may be called again."""
        if self.before:
            restore(self.descriptor, self.raw, self.before)
            self.before = []

    def leave(self) -> None:
        """Make the terminal as it was, for good."""
        self.suspend()
        if self.guardian:
            os.close(self.line)
            os.waitpid(self.guardian, 0)
            self.guardian = 0

    def _watch(self) -> None:
        """Start the guardian. In a session of its own, what ends our job does not reach it."""
        reader, self.line = os.pipe()
        self.guardian = os.fork()
        if self.guardian:
            os.close(reader)
            return
        try:
            processes.block()
            os.setsid()
            # Nobody is to wait for an end of file, or of a connection, because of us.
            descriptors.close_all_but((reader, self.descriptor))
            os.read(reader, 1)
            restore(self.descriptor, raw(self.before), self.before)
        finally:
            os._exit(0)


def own(descriptor: int) -> list[Any]:
    """Return the terminal's attributes, once it is ours.

    While we are in the background they are those of whoever is not, such as a shell that edits
    a line. To set what is set already changes nothing, and makes us wait until we are in front.
    """
    while True:
        found: list[Any] = termios.tcgetattr(descriptor)
        try:
            termios.tcsetattr(descriptor, termios.TCSANOW, found)
        except termios.error as error:
            if error.args[0] != errno.EINTR:
                raise
        else:
            return found


def put(descriptor: int, attributes: list[Any]) -> None:
    """Set the terminal's *attributes*, once we may: whoever was stopped there gets an EINTR."""
    while True:
        try:
            return termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
        except termios.error as error:
            if error.args[0] != errno.EINTR:
                raise


def raw(attributes: list[Any]) -> list[Any]:
    """Return terminal *attributes* with all that is done to bytes on their way taken out."""
    flags = list(attributes)
    flags[0] &= ~sum(_INPUT)
    flags[1] &= ~termios.OPOST
    flags[2] = flags[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    flags[3] &= ~sum(_LOCAL)
    flags[6] = list(attributes[6])
    flags[6][termios.VMIN], flags[6][termios.VTIME] = 1, 0
    return flags


def restore(descriptor: int, raw: list[Any], before: list[Any]) -> None:
    """Set the attributes *before* if the terminal still has those of *raw*.

    Otherwise somebody else has changed them, such as the shell that has taken it back: then
    they are none of our business. A terminal that is gone needs nothing.
    """
    quiet = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # from the background we may do so
    try:
        if termios.tcgetattr(descriptor)[:4] == raw[:4]:
            put(descriptor, before)
    except termios.error:
        return
    finally:
        signal.signal(signal.SIGTTOU, quiet)
