"""The file that a command writes an archive to: there whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys

from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

REFUSAL = "cowardly refusing to save to a terminal. Use the -o flag or redirect"


def refuse_terminal() -> None:
    """Refuse to write an archive to a terminal, in Docker's words."""
    if sys.stdout.isatty():
        raise UsageError(REFUSAL)


@contextlib.contextmanager
def create(path: str) -> Iterator[BinaryIO]:
    """Open *path* to be written anew; a file that is there stays until the new one is complete.

    Something else than a regular file, such as a named pipe, is written to as it is.
    """
    above = os.path.dirname(path) or "."
    if not os.path.isdir(above):
        raise UsageError(f'invalid output path: directory "{above}" does not exist')
    if os.path.isdir(path):
        raise UsageError(f'invalid output path: "{path}" is a directory')
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            with open(path, "wb") as file:
                yield file
            return
        making = f"{path}.{os.getpid()}.tmp"
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb") as file:
                yield file
            os.rename(making, path)
        except BaseException:
            os.unlink(making)
            raise
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {reason(error)}") from error
