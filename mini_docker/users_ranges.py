"""Who may have which ids: the ranges of /etc/subuid and /etc/subgid, and maps made of them.

    alice:100000:65536      alice, or her uid: 65536 ids from 100000 on are hers to give

The administrator grants them, never to two users the same. A map takes the ranges of its
owner one after the other: 0 inside is the first id of the first. subuid(5), subgid(5).
"""

from __future__ import annotations

import os
import stat

from mini_docker import rootfs_paths, users
from mini_docker.errors import ConfigError, NotFound, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Span = tuple[int, int]  # the first id, and how many

SUBUID = "/etc/subuid"
SUBGID = "/etc/subgid"
HIGHEST = 2**32 - 2  # 2**32 - 1 stands for "no id". user_namespaces(7)
MOST = 340  # lines of a map that the kernel takes


def granted(path: str, name: str, number: int) -> list[Span]:
    """Return what the file *path* grants to the user *name*, whose id is *number*.

    ConfigError, naming file and line, if one of these lines is malformed, has ids that do
    not exist or id 0, or if two of them overlap; nothing is granted if there is no file.
    """
    spans: list[Span] = []
    for place, line in enumerate(_lines(path), 1):
        fields = line.strip().split(":")
        if not fields[0] or line.startswith("#") or fields[0] not in (name, str(number)):
            continue  # an account of a directory service has no name in our files
        first, count = (_number(text) for text in (fields[1:3] if len(fields) == 3 else "--"))
        if first < 1 or count < 1 or first + count - 1 > HIGHEST:
            raise ConfigError(
                f"cannot use line {place} of {path}, {line.strip()!r}: "
                "it has to be NAME:FIRST:COUNT, and its ids between 1 and 4294967294"
            )
        if taken := next((span for span in spans if _overlap(span, (first, count))), None):
            raise ConfigError(
                f"cannot use line {place} of {path}, {line.strip()!r}: its ids overlap those "
                f"of an earlier line, {taken[0]} to {taken[0] + taken[1] - 1}"
            )
        spans.append((first, count))
    return spans


def owned(path: str, name: str, number: int) -> list[Span]:
    """Return what granted() does; ConfigError, with what to do, if that is nothing."""
    if spans := granted(path, name, number):
        return spans
    raise ConfigError(
        f"no ids are granted to {name} in {path}: add a line such as {name}:100000:65536 "
        "(ids that nobody else has)"
    )


def whole(spans: list[Span], inside: int = 0) -> list[users.Range]:
    """Return the map that begins with id *inside* and uses all of *spans* in their order.

    >>> [(r.inside, r.outside, r.size) for r in whole([(100000, 1000), (300000, 500)])]
    [(0, 100000, 1000), (1000, 300000, 500)]
    """
    ranges = []
    for first, count in spans[: MOST - inside]:
        ranges.append(users.Range(inside, first, count))
        inside += count
    return ranges


def remapped(text: str) -> tuple[list[users.Range], list[users.Range]]:
    """Return the maps of ``userns-remap``: "default", user, uid, user:group or uid:gid.

    "default" is the user dockremap. The user's ranges are in /etc/subuid, the group's, or
    those of the user if none is named, in /etc/subgid. dockerd(8), "userns-remap".
    """
    name, colon, group = text.partition(":")
    if not name or (colon and not group):
        raise ConfigError(f'invalid userns-remap "{text}": write user, uid, user:group or uid:gid')
    known, uid = _account("user", "dockremap" if name == "default" else name, "/etc/passwd")
    owner, gid = _account("group", group, "/etc/group") if group else (known, uid)
    if uid == 0:
        raise ConfigError(f'cannot use userns-remap "{text}": root cannot stand for itself')
    return whole(owned(SUBUID, known, uid)), whole(owned(SUBGID, owner, gid))


def _account(kind: str, name: str, path: str) -> tuple[str, int]:
    """Return name and number of a user or group of this machine; NotFound, with the remedy."""
    table = users.rows("/", users.PASSWD if kind == "user" else users.GROUP)
    row = users.pick(table, name)
    if row:
        return row[0], int(row[2])
    remedy = f" (make it: useradd --system {name})" if name == "dockremap" else ""
    raise NotFound(f"cannot use userns-remap: there is no {kind} {name} in {path}{remedy}")


def allocate(spans: list[Span], taken: Iterable[Span], size: int) -> int | None:
    """Return the first id of *size* ids in one of *spans* that none of *taken* has; None if full.

    >>> allocate([(1000, 100)], [(1000, 10), (1020, 70)], 10)
    1010
    """
    busy = sorted(taken)
    for first, count in spans:
        start = first
        for other, length in busy:
            if _overlap((start, size), (other, length)):
                start = other + length
        if start + size <= first + count:
            return start
    return None


def need(layers: list[str]) -> int:
    """Return how many ids the accounts of an image need; *layers* are its directories.

    The highest id in its passwd and group counts, but nobody and nogroup, whose 65534 owns
    no files, do not. At least 1024, as podman has it.
    """
    highest = 1023
    for table in (users.PASSWD, users.GROUP):
        for layer in layers:  # the topmost file hides those below it
            if os.path.lexists(f"{layer}{table[0]}"):
                rows = users.rows(layer, table) if _is_file(layer, table[0]) else []
                ids = [int(row[2]) for row in rows if row[0] not in ("nobody", "nogroup")]
                highest = max([highest, *ids])
                break
    return highest + 1


def _is_file(layer: str, path: str) -> bool:
    """Say whether *path* in *layer* is a regular file; to open a device could set it going."""
    try:
        descriptor = rootfs_paths.locate(layer, path)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(users.LIMIT).split("\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
