"""Users, groups and subordinate ids of this machine, as a test wants them.

Bound over the system's own files in the private mount namespace of the test session.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mini_docker import syscalls


@contextlib.contextmanager
def accounts(
    folder: Path, users: str = "", groups: str = "", subuid: str = "", subgid: str | None = None
) -> Iterator[None]:
    """Add *users* to /etc/passwd and *groups* to /etc/group; let subuid and subgid be just this."""
    texts = {
        "/etc/passwd": Path("/etc/passwd").read_text() + users,
        "/etc/group": Path("/etc/group").read_text() + groups,
        "/etc/subuid": subuid,
        "/etc/subgid": subuid if subgid is None else subgid,
    }
    bound = []
    try:
        for path, text in texts.items():
            file = folder / path.rpartition("/")[2]
            file.write_text(text)
            file.chmod(0o644)
            Path(path).touch()  # a bind needs something to lie on
            syscalls.mount(str(file), path, None, syscalls.MS_BIND)
            bound.append(path)
        yield
    finally:
        for path in reversed(bound):
            syscalls.umount(path)
