"""A container's log, as its monitor holds it: opened once there is something to write.

Most containers are quiet most of the time, and many write nothing at all.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mini_docker.logs import Writer


class Late:
    """A log that is not open yet, or is."""

    __slots__ = ("before", "config", "directory", "writer")

    def __init__(self, directory: str, config: Mapping[str, Any], before: bytes = b"") -> None:
        """Take what logs.writer() takes."""
        self.directory = directory
        self.config = config
        self.before = before
        self.writer: Writer | None = None

    def write(self, stream: int, chunk: bytes) -> None:
        """Write *chunk* of *stream*."""
        self._open().write(stream, chunk)

    def close(self) -> None:
        """Write what still waits, and end."""
        if self.writer or self.before:
            self._open().close()

    def leave(self) -> bytes:
        """End without that: return what goes on where we were."""
        return self.writer.leave() if self.writer else self.before

    def _open(self) -> Writer:
        """Return the writer; one that forgets all if the log cannot be opened.

        A container does not end because its output is lost: the reason is in monitor.log.
        """
        if self.writer is None:
            from mini_docker import logs
            from mini_docker.errors import MiniDockerError

            try:
                self.writer = logs.writer(self.directory, self.config, self.before)
            except (MiniDockerError, OSError) as error:
                from mini_docker import monitor_group

                monitor_group.confess(self.directory, error)
                self.writer = logs.Nothing()
        return self.writer
