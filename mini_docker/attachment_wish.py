"""What a client of a container's monitor wants, before there is a connection: see attachment.py.

A `run` needs to know that before it has loaded what it takes to be a client.
"""

from __future__ import annotations

import os

from mini_docker.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Wish:
    """What a client wants of a container's streams; *keys* are the ones that detach."""

    __slots__ = ("keys", "stderr", "stdin", "stdout", "tty")

    def __init__(self, attached: tuple[bool, bool, bool], tty: bool, keys: str = "") -> None:
        self.stdin, self.stdout, self.stderr = attached
        self.tty = tty
        # The default is of lab 12; who has no terminal needs neither.
        self.keys = b""
        if tty or keys:
            from mini_docker import streams, streams_text

            sequence = streams_text.sequence(keys or streams.DETACH_KEYS)
            # Without a terminal nobody types: every byte is the container's.
            self.keys = sequence if tty else b""

    def check(self, asked: bool = False) -> None:
        """Refuse a terminal's input from something that is none, in Docker's words and with 1.

        Also if the input is *asked* for in vain: the container keeps no stdin open.
        """
        if self.tty and (self.stdin or asked) and not os.isatty(0):
            error = StateError("the input device is not a TTY")
            error.exit_code = 1
            raise error

    def hello(self) -> dict[str, Any]:
        """Return the hello, which the monitor is to know."""
        size = window() if self.tty else None
        wanted = {"stdin": self.stdin, "stdout": self.stdout, "stderr": self.stderr}
        return {**wanted, "size": list(size) if size else None}


def window() -> tuple[int, int] | None:
    """Return the rows and columns of the terminal that is the caller's; None if there is none."""
    from mini_docker import streams

    for descriptor in (1, 0, 2):
        try:
            found = streams.size(descriptor)
        except OSError:
            continue
        return found if all(found) else None
    return None
