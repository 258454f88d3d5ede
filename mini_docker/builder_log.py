"""What a build tells its view, in the order of the Dockerfile, though stages run side by side.

The first stage that is not finished is told of at once. Of the others it is kept what there
is to tell, up to MOST bytes of output each; one that has more to say waits for its turn.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MOST = 2**22  # bytes of output that wait
PATIENCE = 0.5  # seconds for a view to take what it is told, once the build is given up


class View:
    """Who is told of a build; this one is told in vain. Calls come one at a time."""

    def step(self, number: int, total: int, text: str) -> None:
        """Step *number* of *total* begins: *text* is the instruction as it is written."""

    def cached(self) -> None:
        """The step is not run: it was before, on the same ground."""

    def running(self, container: str) -> None:
        """The command of a RUN begins in the container of this id."""

    def output(self, stream: int, data: bytes) -> None:
        """The command wrote *data* to *stream*, 1 or 2."""

    def removed(self, container: str) -> None:
        """The container of the step is gone."""

    def image(self, id: str) -> None:
        """The step is done: this is the image after it ("sha256:...")."""

    def warning(self, text: str) -> None:
        """Something is worth a word, and no reason to stop."""

    def built(self, id: str) -> None:
        """All is done, and the image has this id."""

    def tagged(self, name: str) -> None:
        """The image has got the *name*, as short as Docker shows it."""


class Turns:
    """The stages, by number, in the order in which they are told of."""

    def __init__(self, view: View, numbers: list[int]) -> None:
        self._view = view
        self._order = numbers
        self._finished: set[int] = set()
        self._kept: dict[int, list[tuple[str, tuple[Any, ...]]]] = {n: [] for n in numbers}
        self._size: dict[int, int] = dict.fromkeys(numbers, 0)
        self._own = threading.Condition()
        self._given_up = False

    def of(self, number: int) -> Log:
        """Return the log of stage *number*."""
        return Log(lambda name, *words: self._tell(number, name, *words))

    def _tell(self, number: int, name: str, *words: Any) -> None:
        with self._own:
            size = len(words[1]) if name == "output" else 0
            while not self._is_first(number) and self._size[number] + size > MOST:
                if self._given_up:
                    return
                self._own.wait()
            if self._is_first(number):
                getattr(self._view, name)(*words)
            else:
                self._kept[number].append((name, words))
                self._size[number] += size

    def _is_first(self, number: int) -> bool:
        return bool(self._order) and self._order[0] == number

    def finish(self, number: int) -> None:
        """Say that the stage has no more to say."""
        with self._own:
            self._finished.add(number)
            while self._order and self._order[0] in self._finished:
                self._order.pop(0)
                if self._order:
                    self._say_all(self._order[0])
            self._own.notify_all()

    def give_up(self) -> None:
        """Let nobody wait for its turn any more.

        Whoever tells the view may be held up there for ever: its terminal, or the reader of
        our output, takes nothing. Then nobody else has a turn, and that one ends with us.
        """
        self._given_up = True
        if self._own.acquire(timeout=PATIENCE):
            self._own.notify_all()
            self._own.release()

    def show(self, number: int) -> None:
        """Tell what is kept of a stage that has failed, whoever's turn it is."""
        with self._own:
            self._say_all(number)

    def _say_all(self, number: int) -> None:
        kept, self._kept[number] = self._kept[number], []
        for name, words in kept:
            getattr(self._view, name)(*words)


class Log:
    """A view of one stage; its words are those of builder_build.View."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    def step(self, number: int, total: int, text: str) -> None:
        """Step *number* of *total* begins."""
        self._tell("step", number, total, text)

    def cached(self) -> None:
        """The step is not run."""
        self._tell("cached")

    def running(self, container: str) -> None:
        """The command begins."""
        self._tell("running", container)

    def output(self, stream: int, data: bytes) -> None:
        """The command wrote *data*."""
        self._tell("output", stream, data)

    def removed(self, container: str) -> None:
        """The container is gone."""
        self._tell("removed", container)

    def image(self, id: str) -> None:
        """The step is done."""
        self._tell("image", id)

    def warning(self, text: str) -> None:
        """Something is worth a word."""
        self._tell("warning", text)
