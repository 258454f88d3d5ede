"""A container's log, as its monitor holds it: opened once there is something to write.

Most containers are quiet most of the time, and many write nothing at all. The file is there
from the start nevertheless: whoever collects logs waits for its name.
"""

from __future__ import annotations

import os
import time

from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mini_docker.logs import Writer


PAUSE = 10**9  # nanoseconds before a log that could not be opened is tried again


class Late:
    """A log that is not open yet, or is.

    One that cannot be opened, as the disk is full or a directory is missing, is tried again:
    what is lost until then is counted, and the log tells it.
    """

    __slots__ = ("before", "config", "directory", "lost", "told", "tried", "writer")

    def __init__(self, directory: str, config: Mapping[str, Any], before: bytes = b"") -> None:
        """Take what logs.writer() takes."""
        self.directory = directory
        self.config = config
        self.before = before
        self.writer: Writer | None = None
        self.lost = self.tried = 0  # bytes, since it could not be opened; when that was last tried
        self.told = False

    def create(self) -> None:
        """Make the file of the driver json-file, empty, as Docker does when a container starts."""
        if (self.config.get("Type") or "json-file") != "json-file":
            return
        # As logs_files.path() has it, without what that module brings along.
        path = f"{self.directory}/{os.path.basename(self.directory)}-json.log"
        try:
            # A named pipe in its place is refused, instead of a wait for who reads it.
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            os.close(os.open(path, flags, 0o600))
        except OSError:
            return  # whoever writes the first entry is told the same, and says so

    def write(self, stream: int, chunk: bytes) -> None:
        """Write *chunk* of *stream*."""
        try:
            if self.writer is None and not self._open():
                self.lost += len(chunk)
            elif self.writer:
                self.writer.write(stream, chunk)
        except Exception as error:
            self._give_up(error)

    def close(self) -> None:
        """Write what still waits, and end."""
        self.tried = 0
        try:
            if self.writer is None and (self.before or self.lost):
                self._open()
            if self.writer:
                self.writer.close()
        except Exception as error:
            self._give_up(error)

    def leave(self) -> bytes:
        """End without that: return what goes on where we were."""
        return self.writer.leave() if self.writer else self.before

    def _open(self) -> bool:
        """Open the log, unless that has just failed; say whether it is open."""
        now = time.monotonic_ns()
        if self.lost and now - self.tried < PAUSE:
            return False
        try:
            from mini_docker import logs

            self.writer = logs.writer(self.directory, self.config, self.before, self.lost)
        except (ConfigError, OSError) as error:
            self.tried = now
            self._tell(error)
            return False
        return True

    def _tell(self, error: ConfigError | OSError) -> None:
        """Write down in monitor.log that the log cannot be opened, once."""
        if self.told:
            return
        from mini_docker import monitor_report

        text = reason(error) if isinstance(error, OSError) else str(error)
        place = monitor_report.path(self.directory)
        self.told = monitor_report.say(place, f"the log is lost for now: {text}\n")

    def _give_up(self, error: Exception) -> None:
        """Log no more: a container does not end because its log is lost. monitor.log says why.

        It may be a student's function.
        """
        from mini_docker import logs, monitor_group

        monitor_group.confess(self.directory, error)
        self.writer = logs.Nothing()
