"""Type into the terminal of our caller, so that its shell reads a command when we end.

TIOCSTI puts a character into the input of a terminal, TIOCLINUX pastes a selection.
"""

from __future__ import annotations

import fcntl
import os
import termios

from tests.e2e.attacks.attempt import attempt, say

TIOCLINUX = 0x541C


def press(descriptor: int) -> str:
    """Press a key on the terminal *descriptor*."""
    fcntl.ioctl(descriptor, termios.TIOCSTI, b"x")
    return "pressed"


def main() -> None:
    """Try all of it."""
    say("terminal", str(os.isatty(0)))
    attempt("press", lambda: press(0))
    attempt("take", lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    attempt("steal", lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 1))
    attempt("press again", lambda: press(0))
    attempt("paste", lambda: fcntl.ioctl(0, TIOCLINUX, b"\x03"))
    attempt("/dev/tty", lambda: press(os.open("/dev/tty", os.O_RDWR)))


if __name__ == "__main__":
    main()
