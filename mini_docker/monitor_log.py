"""A container's log, as its monitor holds it: opened once there is something to write.

Most containers are quiet most of the time, and many write nothing at all. The file is there
from the start nevertheless: whoever collects logs waits for its name.
"""

from __future__ import annotations

import os

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

    def create(self) -> None:
        """Make the file of the driver json-file, empty, as Docker does when a container starts."""
        if (self.config.get("Type") or "json-file") != "json-file":
            return
        # As logs_files.path() has it, without what that module brings along.
        path = f"{self.directory}/{os.path.basename(self.directory)}-json.log"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(path, flags, 0o600))
        except OSError:
            return  # whoever writes the first entry is told the same, and says so

    def write(self, stream: int, chunk: bytes) -> None:
        """Write *chunk* of *stream*."""
        try:
            self._open().write(stream, chunk)
        except Exception as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what still waits, and end."""
        if self.writer or self.before:
            try:
                self._open().close()
            except Exception as error:
                self._give_up(error)

    def leave(self) -> bytes:
        """End without that: return what goes on where we were."""
        return self.writer.leave() if self.writer else self.before

    def _open(self) -> Writer:
        if self.writer is None:
            from mini_docker import logs

            self.writer = logs.writer(self.directory, self.config, self.before)
        return self.writer

    def _give_up(self, error: Exception) -> None:
        """Log no more: a container does not end because its log is lost. monitor.log says why.

        It may be the disk, or a student's function.
        """
        from mini_docker import logs, monitor_group

        monitor_group.confess(self.directory, error)
        self.writer = logs.Nothing()
