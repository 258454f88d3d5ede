"""Locks on files: flock(2). The kernel lets one go when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time

from mini_docker.errors import ConfigError, NotFound, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class Lock:
    """An exclusive lock on a file, let go at the end of a with statement or of the process.

    The file is made if it is not there; *directory*: the lock is one on a directory that is.
    """

    __slots__ = ("descriptor", "flags", "path")

    def __init__(self, path: str, directory: bool = False) -> None:
        self.path = path
        self.flags = os.O_RDONLY | os.O_DIRECTORY if directory else os.O_RDWR | os.O_CREAT
        self.descriptor = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self, shared: bool = False) -> None:
        """Wait for the lock; NotFound if what it belongs to has been removed."""
        self._open()
        fcntl.flock(self.descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def take(self) -> bool:
        """Take the lock, without waiting; say whether that was possible. NotFound as in acquire().

        Those who only ask whether it is held, and do so by taking it shared for a moment,
        are in nobody's way.
        """
        self._open()
        while True:
            for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
                try:
                    fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                if kind == fcntl.LOCK_EX:
                    return True
                break
            else:
                self.release()
                return False

    def alone(self) -> bool:
        """Take the lock if nobody holds it, shared or not; say whether that was so.

        NotFound as in acquire(). Unlike take() it gives up for those who only ask, too.
        """
        self._open()
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        return True

    def held(self, kind: int = fcntl.LOCK_SH) -> bool:
        """Say whether somebody holds the lock now, against one of *kind*.

        Asking takes the lock for a moment: a shared one, so that two who ask at the same
        time do not take each other for the holder.
        """
        try:
            self._open()
        except NotFound:
            return False
        try:
            fcntl.flock(self.descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            self.release()
        return False

    def wait(self, seconds: float) -> bool:
        """Wait until nobody holds the lock, shared or not; say whether that is within *seconds*."""
        give_up = time.monotonic() + seconds
        while self.held(fcntl.LOCK_EX):
            if time.monotonic() > give_up:
                return False
            time.sleep(0.002)
        return True

    def release(self) -> None:
        """Let the lock go."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _open(self) -> None:
        flags = self.flags | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self.descriptor = os.open(self.path, flags, 0o600)
        except FileNotFoundError:
            raise NotFound(_gone(self.path)) from None
        except OSError as error:
            raise ConfigError(f"cannot lock {refusal(error, self.path)}") from error


def _gone(path: str) -> str:
    """Return what a user is told whose container, or other thing, is gone with the lock *path*.

    The directory of a container bears its id.
    """
    owner = next((word for word in path.split("/")[-2:] if len(word) == 64), "")
    if owner:
        return f"No such container: {owner[:12]}"
    return f"{os.path.dirname(path)} is gone: it has been removed"


def refusal(error: OSError, path: str) -> str:
    """Return what was refused and why, and what a user who is not root can do."""
    hint = ""
    if isinstance(error, PermissionError) and os.geteuid() != 0:
        hint = "; run it as root (sudo), or keep your own state elsewhere (--root)"
    return f"{path}: {reason(error)}{hint}"
