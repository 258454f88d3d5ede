"""Keep what is left of the log of a container with --rm for somebody who follows it.

Its monitor removes the container, and the log with it, as soon as nobody waits. Who follows
waits, as `mini-docker wait` does, and lets go once what is left is open: a file that is open
can be read to its end when it has no name any more. That is a matter for a thread, as the one
who follows may be held up by whoever reads what it prints.
"""

from __future__ import annotations

import _thread
import os
import time

from mini_docker import containers, logs_chain
from mini_docker.errors import MiniDockerError, NotFound
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container
    from mini_docker.logs_chain import Piece

PAUSE = 0.01  # seconds between two looks: for so long a container's end may have to wait


class Keeper:
    """Opens the files of the log at *path* once the container *it* has ended."""

    __slots__ = ("failed", "it", "path", "pieces", "waiters")

    def __init__(self, it: Container, path: str) -> None:
        """NotFound if the container is being removed already."""
        self.it = containers.Container(it.store, it.id)  # the thread's own
        self.path = path
        self.pieces: list[Piece] | None = None
        self.waiters = Lock(f"{it.store.directory(it.id)}/waiters")
        try:
            self.waiters.acquire(shared=True)
        except NotFound:
            raise NotFound(f"No such container: {it.id[:12]}") from None
        _thread.start_new_thread(self._watch, ())

    def kept(self) -> list[Piece] | None:
        """Return what is left of the log; None if it is not removed yet, nor about to be.

        Nothing is left if it was removed before it could be opened.
        """
        gone = not os.path.exists(os.path.dirname(self.waiters.path))  # asked first: see _watch()
        return [] if gone and self.pieces is None else self.pieces

    def _watch(self) -> None:
        """Wait for the end, open what there is, and only then let go."""
        try:
            before = self.it.state["FinishedAt"]
            while self.it.lock().held() and self.it.state["FinishedAt"] == before:
                time.sleep(PAUSE)
                self.it.reload()
            self.pieces = logs_chain.rest(self.path, logs_chain.most())
        except MiniDockerError:
            self.pieces = None  # it was removed by somebody who does not wait: kept() says so
        finally:
            self.waiters.release()
