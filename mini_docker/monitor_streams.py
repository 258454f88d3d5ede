"""A container's streams, at the monitor's end: pipes, or the master of a terminal.

All of them are read and written without waiting. Nothing is read while somebody who may
hold the container up does: then the pipe fills, and the kernel lets the container wait.
"""

from __future__ import annotations

import os

CHUNK = 2**16  # bytes that are read or kept at a time: what a pipe holds


class Output:
    """What the container writes: *number* 1 or 2, read from *descriptor*."""

    __slots__ = ("descriptor", "number")

    def __init__(self, number: int, descriptor: int) -> None:
        self.number = number
        self.descriptor = descriptor

    def read(self) -> bytes | None:
        """Return what there is; None if there is nothing now, b"" at the end of the stream."""
        try:
            return os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return None
        except OSError:  # EIO: the last slave of a terminal is closed
            return b""


class Input:
    """What the container reads, by way of *descriptor*; -1 is nowhere."""

    __slots__ = ("descriptor", "ended", "held", "once", "pending", "tty")

    def __init__(self, descriptor: int, once: bool, tty: bool) -> None:
        self.descriptor = descriptor
        self.once = once  # it ends with the input of the first client that has one
        self.tty = tty
        self.pending = b""
        self.ended = False
        self.held = -1  # the slave of a terminal, kept open

    def full(self) -> bool:
        """Say whether clients have to wait before they send more."""
        return len(self.pending) >= CHUNK

    def feed(self, data: bytes) -> None:
        """Let the container read *data*."""
        if self.descriptor >= 0 and not self.ended:
            self.pending += data
            self.flush()

    def end(self) -> None:
        """A client's input has ended: then the container's has, if it is to be so."""
        if self.once and not self.tty and not self.ended:
            self.ended = True
            self.flush()

    def flush(self) -> None:
        """Write what the kernel takes; let the end follow what was written before it."""
        try:
            while self.pending and self.descriptor >= 0:
                self.pending = self.pending[os.write(self.descriptor, self.pending) :]
        except BlockingIOError:
            return
        except OSError:  # nobody reads it any more
            self.close()
        if self.ended:
            self.close()

    def close(self) -> None:
        """Let it go; what comes later is for nobody."""
        self.pending = b""
        if self.descriptor >= 0 and not self.tty:  # a terminal's is an output as well
            os.close(self.descriptor)
        if self.held >= 0:
            os.close(self.held)
        self.descriptor = self.held = -1
