"""The log of a container: what it writes, kept on disk as its log driver has it.

    json-file   DIRECTORY/ID-json.log              a JSON object a line: Docker's own format
    local       DIRECTORY/local-logs/container.log  framed protobuf messages: Docker's own as well
    none        nowhere

DIRECTORY is the container's. A file that has reached max-size becomes NAME.1, that one
NAME.2 and so on, max-file of them in all, and with compress NAME.1.gz: see logs_files.py.

The monitor holds a writer and gives it whatever it reads; logs_read.py reads it back. The
monitor of every container imports this, so it is small: what an option needs is imported
when the option is given.

Docker: "Configure logging drivers"; daemon/logger in its source.
"""

from __future__ import annotations

from mini_docker import logs_files, monitor_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    class Writer(Protocol):
        """What writes one container's log. Nothing here raises for what the disk refuses."""

        def write(self, stream: int, chunk: bytes) -> None:
            """Write down *chunk*, read from *stream*: 1 for stdout and a terminal, 2 for stderr.

            What follows its last newline waits for more. A disk that is full loses what it
            cannot hold, and the log says so once there is room again.
            """

        def close(self) -> None:
            """Write down what still waits, and end: before the container's end is recorded."""

        def leave(self) -> bytes:
            """End without that: what is returned, given to writer(), goes on where we were."""


def writer(directory: str, config: Mapping[str, Any], before: bytes = b"", lost: int = 0) -> Writer:
    """Return the writer for the container in *directory*; *config* is its HostConfig.LogConfig.

    An empty *config* means the default driver. *before* is what leave() of an earlier writer
    returned, in the same process or in one that it has become by exec. *lost* is how many bytes
    could not be written since, for want of a writer.

    Raises ConfigError, in Docker's words, for a driver or an option that make no sense, and
    if the log cannot be opened.
    """
    driver = config.get("Type") or logs_files.DEFAULT
    options: dict[str, str] = config.get("Config") or {}
    place = logs_files.path(directory, driver)
    if not place:
        return Nothing()
    limit, count, compress, attributes = 0, 1, False, b""
    if options or driver != logs_files.DEFAULT:
        from mini_docker import logs_attributes, logs_options

        limit, count, compress = logs_options.rotation(driver, options)
        if not before and driver == logs_files.DEFAULT:
            attributes = logs_attributes.read(directory, options)
    report = monitor_report.path(directory) if compress else ""
    file = logs_files.File(place, limit, count, report)
    if driver == logs_files.DEFAULT:
        from mini_docker import logs_json

        made: Writer = logs_json.Writer(file, before, attributes)
    else:
        from mini_docker import logs_local

        made = logs_local.Writer(file, before)
    file.lost += lost
    return made


class Nothing:
    """The writer of the driver none."""

    __slots__ = ()

    def write(self, stream: int, chunk: bytes) -> None:
        """Forget *chunk*."""

    def close(self) -> None:
        """There is nothing to end."""

    def leave(self) -> bytes:
        """There is nothing to hand over."""
        return b""
