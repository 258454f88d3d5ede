"""A build on a terminal: the lines that stay, and below them what the running step writes.

    Step 3/4 : RUN make
     ---> Running in 0d1fdd0f8d9c
       cc -c scanner.c                  the last LINES lines of its output,
       cc -c parser.c                   cut to the width of the window
       12.3s                            for how long it has been running

The moving lines are drawn again a few times a second, by a thread of our own. When the step is
over its whole output is in their place, as far as it was kept, and for how long it ran.
"""

from __future__ import annotations

import codecs
import os
import re
import threading
import time

from mini_docker.cli import build_view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

LINES = 6
OFTEN = 0.1  # seconds between two pictures
WORTH = 0.1  # seconds: what took less is not worth a figure
PATIENCE = 1.0  # seconds for the terminal to take what is being drawn
LONGEST = 4096  # characters of a line that has not ended
SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


class Live(build_view.Classic):
    """Docker's lines, and a window into the running command."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = build_view.Kept()
        self._tail = Tail()
        self._drawn = 0  # lines of the picture that is there now
        self._since = 0.0  # when the step began
        self._busy = False  # a command runs
        self._lock = threading.RLock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        with self._lock:
            self._wipe()
            super().say(text)

    def step(self, number: int, total: int, text: str) -> None:
        self._since = time.monotonic()
        self._kept.clear()
        super().step(number, total, text)

    def running(self, container: str) -> None:
        super().running(container)
        with self._lock:
            self._tail = Tail()
            self._busy = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def output(self, stream: int, data: bytes) -> None:
        with self._lock:
            self._kept.add(data)
            self._tail.add(data)

    def removed(self, container: str) -> None:
        self._stop()
        self._show()
        super().removed(container)

    def image(self, id: str) -> None:
        self._stop()
        spent = time.monotonic() - self._since
        self.say(f" ---> {build_view.short(id)}{f'  {spent:.1f}s' if spent > WORTH else ''}")

    def progress(self) -> TextIO | None:
        self._stop()
        return super().progress()

    def close(self, failed: bool) -> None:
        self._end.set()
        # A terminal that takes nothing may hold up who draws: that must not hold up the end.
        if not self._lock.acquire(timeout=PATIENCE):
            return
        try:
            self._stop()
        finally:
            self._lock.release()
        if self._thread:
            self._thread.join(PATIENCE)
        self._show()  # of a command that had not ended
        self.out.flush()

    def _show(self) -> None:
        """Print what the command has written: it stays, as with docker's classic builder."""
        with self._lock:
            text = self._kept.text()
            self._kept.clear()
            if text:
                self.out.write(text if text.endswith("\n") else f"{text}\n")

    def _stop(self) -> None:
        with self._lock:
            self._busy = False
            self._wipe()

    def _run(self) -> None:
        while not self._end.wait(OFTEN):
            with self._lock:
                if self._busy:
                    self._draw()

    def _draw(self) -> None:
        columns, lines = _window()
        seconds = f"{time.monotonic() - self._since:.1f}s"
        rows = [*self._tail.rows[-min(LINES, lines - 2) :], seconds]
        picture = "".join(f"   {cut(row, columns - 4)}\x1b[K\n" for row in rows)
        self.out.write(f"{self._up()}\x1b[2m{picture}\x1b[0m\x1b[J")
        self.out.flush()
        self._drawn = len(rows)

    def _wipe(self) -> None:
        """Take the picture away."""
        if self._drawn:
            self.out.write(f"{self._up()}\x1b[J")
            self.out.flush()
            self._drawn = 0

    def _up(self) -> str:
        return f"\x1b[{self._drawn}A\r" if self._drawn else ""


class Tail:
    """The last LINES lines of an output: *rows*, without what would steer a terminal."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._open = ""  # the line that has not ended
        self._past: list[str] = []

    def add(self, data: bytes) -> None:
        """Take *data* as well; a carriage return begins its line anew."""
        *whole, last = (self._open + self._decode(data)).replace("\r\n", "\n").split("\n")
        self._past = [*self._past, *(clean(line) for line in whole[-LINES:])][-LINES:]
        self._open = last[-LONGEST:]

    @property
    def rows(self) -> list[str]:
        """The lines to show, the last one last."""
        last = clean(self._open)
        return [*self._past, *([last] if last else [])][-LINES:]


def clean(line: str) -> str:
    """Return what a terminal would show of *line* in the end, without its colours.

    >>> clean("10%\\r50%\\r\\x1b[32m100%\\x1b[0m")
    '100%'
    """
    line = SEQUENCE.sub("", line).rstrip("\r").rpartition("\r")[2].expandtabs()
    return "".join(c for c in line if c.isprintable())


def cut(line: str, columns: int) -> str:
    """Return what of *line* has room in so many columns: Chinese characters take two each.

    >>> cut("ab\u4e2d\u6587", 5)
    'ab\u4e2d'
    """
    if line.isascii():
        return line[:columns]
    import unicodedata

    for at, char in enumerate(line):
        columns -= 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if columns < 0:
            return line[:at]
    return line


def _window() -> tuple[int, int]:
    try:
        found = os.get_terminal_size(1)
    except OSError:
        return 80, 24
    return found.columns or 80, found.lines or 24  # 0: a terminal that nobody has measured
