"""Lab 5's pretend kernel, the second half: what one process may become.

Process is the caller itself: its ids change as credentials(7) has it, and it does not matter
by which of os's calls. Its calls are noted in words, with what was refused.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from course import pretend_maps

MOST = 65536  # ids that exist where it lives


class Process:
    """The ids of one process, and the calls that change them, by their names in os."""

    def __init__(
        self,
        folder: Path,
        uid: int = 0,
        denied: bool = False,
        real: tuple[int, int] | None = None,
    ) -> None:
        """User *uid* runs it; or a user of the uid and gid *real* runs a setuid program of his."""
        self.maps = pretend_maps.Maps(folder, uid)
        (folder / "self/setgroups").write_text("deny\n" if denied else "allow\n")
        self.denied = denied
        self.uids, self.gids = [uid] * 3, [uid] * 3  # real, effective, saved
        if real:
            self.uids[0], self.gids[0] = real
        self.groups = [0, 4, 27]  # as a login left them
        self.calls: list[str] = []

    def ids(self) -> dict[str, Any]:
        return {"uids": self.uids, "gids": self.gids, "groups": self.groups, "calls": self.calls}

    def setgroups(self, groups: Any) -> None:
        self._note("setgroups", list(groups))
        self._demand(groups, self.uids[1] == 0 and not self.denied)
        self.groups = list(groups)

    def initgroups(self, name: str, gid: int) -> None:
        self.setgroups([gid])

    def setresuid(self, *ids: int) -> None:
        self._note("setresuid", *ids)
        self._demand(ids, self._may(ids, self.uids))
        self.uids = [new if new != -1 else old for new, old in zip(ids, self.uids, strict=True)]

    def setresgid(self, *ids: int) -> None:
        self._note("setresgid", *ids)
        self._demand(ids, self._may(ids, self.gids))
        self.gids = [new if new != -1 else old for new, old in zip(ids, self.gids, strict=True)]

    def setuid(self, uid: int) -> None:
        self.setresuid(*([uid] * 3 if self.uids[1] == 0 else [-1, uid, -1]))

    def setgid(self, gid: int) -> None:
        self.setresgid(*([gid] * 3 if self.uids[1] == 0 else [-1, gid, -1]))

    def seteuid(self, uid: int) -> None:
        self.setresuid(-1, uid, -1)

    def setegid(self, gid: int) -> None:
        self.setresgid(-1, gid, -1)

    def setreuid(self, real: int, effective: int) -> None:
        self.setresuid(real, effective, _saved(self.uids, real, effective))

    def setregid(self, real: int, effective: int) -> None:
        self.setresgid(real, effective, _saved(self.gids, real, effective))

    def _note(self, name: str, *words: Any) -> None:
        self.calls.append(f"{name}({', '.join(map(str, words))})")

    def _demand(self, ids: Any, allowed: bool) -> None:
        """Refuse what setresuid(2) and setgroups(2) refuse, and note it."""
        unknown = any(it != -1 and not 0 <= it < MOST for it in ids)
        if unknown or not allowed:
            why = errno.EINVAL if unknown else errno.EPERM
            self.calls[-1] += f": {errno.errorcode[why]}"
            raise OSError(why, os.strerror(why))

    def _may(self, ids: Any, own: list[int]) -> bool:
        return self.uids[1] == 0 or all(it in (-1, *own) for it in ids)


def _saved(ids: list[int], real: int, effective: int) -> int:
    """Return the new saved id. setreuid(2)."""
    changed = real != -1 or effective not in (-1, ids[0])
    return (effective if effective != -1 else ids[1]) if changed else -1


def become(process: Process) -> None:
    """Put *process* in the real one's place, for good: call it in an experiment's process."""
    pretend_maps.install(process.maps)
    vars(os).update({name: getattr(process, name) for name in vars(Process) if "set" in name})
    vars(os).update(
        initgroups=process.initgroups,
        getgroups=lambda: list(process.groups),
        getuid=lambda: process.uids[0],
        geteuid=lambda: process.uids[1],
        getgid=lambda: process.gids[0],
        getegid=lambda: process.gids[1],
        getresuid=lambda: tuple(process.uids),
        getresgid=lambda: tuple(process.gids),
    )
