"""What a pull or a push shows, as Docker does: a line a layer, redrawn on a terminal.

Elsewhere each new state of a layer is a line of its own, without the bars.
"""

from __future__ import annotations

import os
import threading
import time

from mini_docker import sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

BAR = 50  # characters
OFTEN = 0.1  # seconds between two pictures of a bar


class Progress:
    """The lines of one command; threads may share it."""

    def __init__(self, out: TextIO | None) -> None:
        """*out* is where the lines go; None for a quiet command."""
        self._out = out
        moves = os.environ.get("TERM") != "dumb"  # a dumb terminal cannot go up a line
        self._live = out is not None and out.isatty() and moves
        self._rows: list[str] = []  # ids, the uppermost first
        self._last: dict[str, tuple[str, float]] = {}  # state, and when it was drawn
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Print a line that stays; the layers after it have a picture of their own."""
        with self._lock:
            self._rows, self._last = [], {}
            self._put(f"{plain(text)}\n")

    def state(self, id: str, text: str) -> None:
        """Show a new state of the layer *id*, such as "Pull complete"."""
        with self._lock:
            if self._last.get(id, ("", 0.0))[0] != text:
                self._last[id] = text, 0.0
                self._draw(id, text)

    def bar(self, id: str, text: str, count: int, size: int) -> None:
        """Show that *count* of *size* bytes are done, on a terminal alone."""
        now = time.monotonic()
        with self._lock:
            before, when = self._last.get(id, ("", 0.0))
            if self._live and (before != text or now - when > OFTEN):
                self._last[id] = text, now
                done = min(BAR * count // max(size, 1), BAR)
                picture = f"{'=' * (done - 1)}>".ljust(BAR) if done else " " * BAR
                amount = f"{sizes.human_size(count)}/{sizes.human_size(size)}"
                self._draw(id, f"{text} [{picture}]  {amount}")

    def _draw(self, id: str, text: str) -> None:
        if not self._live:
            self._put(f"{id}: {text}\n")
            return
        columns, lines = _window(self._out)
        line = f"{id}: {text}"[: columns - 1]
        if id not in self._rows:
            self._rows.append(id)
            self._put(f"{line}\n")
            return
        up = len(self._rows) - self._rows.index(id)
        if up < lines:  # what has left the window stays as it is
            self._put(f"\x1b[{up}A\r\x1b[2K{line}\r\x1b[{up}B")

    def _put(self, text: str) -> None:
        if self._out is not None:
            self._out.write(text)
            self._out.flush()


def plain(text: str) -> str:
    """Return *text*, which may come from a registry, with nothing that could steer a terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def short(digest: str) -> str:
    """Return how a layer is called in these lines: the first twelve digits."""
    return digest.partition(":")[2][:12]


def _window(out: TextIO | None) -> tuple[int, int]:
    try:
        found = os.get_terminal_size(out.fileno() if out else 1)
        return found.columns or 80, found.lines or 24  # 0: a terminal that nobody has measured
    except OSError:
        return 80, 24
