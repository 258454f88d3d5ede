"""Users: who a process in a container is.

The name of a user means something only in the container's own /etc/passwd; what
the kernel knows are numbers. The files belong to the image and may be hostile: only
a regular file is read, and only the first megabyte of it. passwd(5), group(5).
"""

from __future__ import annotations

import os
import stat

from mini_docker.errors import ConfigError, KernelError, reason

LIMIT = 2**20  # bytes read of each file
HIGHEST = 2**31 - 1  # Docker's largest uid and gid


class User:
    """A user as the kernel sees it, and its home directory."""

    __slots__ = ("gid", "groups", "home", "uid")

    def __init__(self, uid: int, gid: int, groups: list[int], home: str) -> None:
        self.uid = uid
        self.gid = gid
        self.groups = groups  # the supplementary groups
        self.home = home


def find(text: str, root: str = "/") -> User:
    """Return the user that *text* names: user, uid, user:group or uid:gid.

    Names are looked up below *root*. A user without a group gets its primary group of
    passwd and the supplementary ones of group; a bare uid that passwd does not have
    gets group 0, no supplementary groups, and "/" as home. ConfigError, in Docker's
    words, if a name is not there or a number is out of range.
    """
    name, _, group = text.partition(":")
    name = name or "0"
    row = _find_row(_rows(f"{root}/etc/passwd", 6), name)
    if row is None and not name.isdecimal():
        raise ConfigError(f"unable to find user {name}: no matching entries in passwd file")
    uid = _number(row[2] if row else name)
    gid, groups = _number(row[3] if row else "0"), []
    table = _rows(f"{root}/etc/group", 3)
    if group:
        found = _find_row(table, group)
        if found is None and not group.isdecimal():
            raise ConfigError(f"unable to find group {group}: no matching entries in group file")
        gid = _number(found[2] if found else group)
    elif row:
        groups = [_number(r[2]) for r in table if len(r) > 3 and row[0] in r[3].split(",")]
    return User(uid, gid, groups, row[5] if row and row[5] else "/")


def become(user: User, groups: list[int]) -> None:
    """Give up root for *user*, with the supplementary *groups*.

    Groups first, then gid, then uid: once the uid is gone, so is the right to change
    the others. setgroups(2), setresgid(2), setresuid(2).
    """
    try:
        os.setgroups(groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    except OSError as error:
        who = f"{user.uid}:{user.gid}"
        raise KernelError(f"cannot become user {who}: {reason(error)}") from error


def _find_row(rows: list[list[str]], name: str) -> list[str] | None:
    for row in rows:
        if row[0] == name:
            return row
    for row in rows:
        if row[2] == name:
            return row
    return None


def _rows(path: str, fields: int) -> list[list[str]]:
    """Return the rows of a colon-separated file with at least *fields* fields and a number."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return []  # an image without the file knows no names
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return []
        with open(descriptor, "rb", buffering=0, closefd=False) as file:
            text = (file.read(LIMIT) or b"").decode("utf-8", "replace")
    finally:
        os.close(descriptor)
    rows = [line.split(":") for line in text.splitlines()]
    return [row for row in rows if len(row) >= fields and row[2].isdecimal()]


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 10 or int(text) > HIGHEST:
        raise ConfigError(f"uids and gids must be in range 0-{HIGHEST}: {text}")
    return int(text)
