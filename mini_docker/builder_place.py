"""Where COPY and ADD put things: a directory or a file below the root of the step.

    the destination          of a file                of a directory, whose contents are meant
    ends in "/", or is "."   DEST/NAME                DEST
    is a directory           DEST/NAME                DEST
    is a file                DEST, anew               refused
    does not exist           DEST                     DEST, made

A link counts as what it leads to, inside the root; what is missing on the way is made.
BuildKit does the same (tonistiigi/fsutil, copy/copy.go).
"""

from __future__ import annotations

import errno
import os
import re
import stat

from mini_docker import rootfs_paths, users
from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

OCTAL = re.compile("[0-7]{1,4}")
CLAUSE = re.compile("([ugoa]*)((?:[-+=][rwxXst]*)+)")
ACTION = re.compile("([-+=])([rwxXst]*)")
WHOSE = {"u": 0o4700, "g": 0o2070, "o": 0o0007}  # the bits that a class may have
EACH = {"r": 0o444, "w": 0o222, "x": 0o111}
MOST_ID = 2**32 - 2


class Place:
    """The place of a destination; use it in a with statement.

    *folder* is the descriptor of a directory. A file becomes *name* in it; without a *name*
    it keeps its own.
    """

    __slots__ = ("folder", "name")

    def __init__(self, folder: int, name: str) -> None:
        self.folder = folder
        self.name = name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.folder)


def find(root: str, path: str, directory: bool, owner: tuple[int, int]) -> Place:
    """Return the place that the absolute *path*, below *root*, means.

    With *directory*, the contents of one are meant, or a name to keep. What is made belongs to
    *owner*, with mode 755. ConfigError where a file is in the way.
    """
    path = os.path.normpath(f"/{path}")
    kind = _kind(root, path)
    if directory and kind == "file":
        raise ConfigError(f"cannot copy to non-directory: {path}")
    if kind == "directory" or directory:
        return Place(make(root, path, owner), "")
    real = _follow(root, path)
    above, _, name = real.rpartition("/")
    return Place(make(root, above or "/", owner), name)


def _kind(root: str, path: str) -> str:
    """Return what is at *path*: directory, file (of any type) or ""."""
    try:
        found = rootfs_paths.locate(root, path)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return ""
        raise ConfigError(f"cannot copy to {path}: {reason(error)}") from error
    try:
        return "directory" if rootfs_paths.is_directory(found) else "file"
    finally:
        os.close(found)


def _follow(root: str, path: str) -> str:
    """Return where *path* leads if its last part is a link, to a file or to nothing."""
    for _ in range(rootfs_paths.LINKS):
        above, _, name = path.rpartition("/")
        try:
            folder = rootfs_paths.locate(root, above or "/")
        except FileNotFoundError:
            return path
        try:
            path = os.path.normpath(os.path.join(above or "/", os.readlink(name, dir_fd=folder)))
        except OSError:
            return path  # no link, or not there
        finally:
            os.close(folder)
    raise ConfigError(f"cannot copy to {path}: {os.strerror(errno.ELOOP)}")


def make(root: str, path: str, owner: tuple[int, int] = (0, 0)) -> int:
    """Open the directory *path* below *root*, made where it is missing, for reading."""
    missing = []
    while path != "/" and not _kind(root, path):
        missing.append(path)
        path = os.path.dirname(path)
    target = missing[0] if missing else path
    found = rootfs_paths.place(root, target, directory=True)
    try:
        for new in missing if owner != (0, 0) else ():
            place = rootfs_paths.locate(root, new)
            os.chown(rootfs_paths.alias(place), *owner)
            os.close(place)
        return os.open(rootfs_paths.alias(found), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot make {target}: {reason(error)}") from error
    finally:
        os.close(found)


def owner(text: str, root: str) -> tuple[int, int]:
    """Return the uid and gid that --chown=*text* means; names are those of the image at *root*.

    A number without a group is the group as well; a name has the group of its row.
    """
    name, colon, group = text.partition(":")
    for kind, part in (("user", name), ("group", group)):
        if users.is_number(part) and not _is_id(part):
            raise UsageError(f"invalid {kind} ID: {part:.50} (0 to {MOST_ID})")
    if users.is_number(name) and not colon:
        return int(name), int(name)
    if users.is_number(name) and users.is_number(group):
        return int(name), int(group)
    found = users.find(text if group else name, root)
    return found.uid, found.gid


def _is_id(text: str) -> bool:
    return text.isdigit() and len(text) < 20 and int(text) <= MOST_ID


def check_mode(text: str) -> None:
    """Refuse --chmod=*text* unless it is octal, or u=rwX,go=rX and the like."""
    if OCTAL.fullmatch(text) or all(CLAUSE.fullmatch(part) for part in text.split(",")):
        return
    raise UsageError(f"invalid chmod parameter: '{text:.100}'. it should be octal string")


def mode(text: str, status: os.stat_result) -> int:
    """Return the mode that --chmod=*text* gives to a file of this *status*. chmod(1)."""
    old = stat.S_IMODE(status.st_mode)
    if not text:
        return old
    if OCTAL.fullmatch(text):
        return int(text, 8)
    for part in text.split(","):
        if found := CLAUSE.fullmatch(part):
            whose = 0
            for letter in found[1].replace("a", "ugo") or "ugo":
                whose |= WHOSE[letter]
            for action in ACTION.finditer(found[2]):
                old = _apply(old, action[1], _bits(action[2], whose, old, status), whose)
    return old


def _bits(letters: str, whose: int, old: int, status: os.stat_result) -> int:
    bits = 0
    for letter in letters:
        if letter == "X":
            runs = stat.S_ISDIR(status.st_mode) or old & 0o111
            bits |= 0o111 & whose if runs else 0
        elif letter == "s":
            bits |= 0o6000 & whose
        elif letter == "t":
            bits |= 0o1000
        else:
            bits |= EACH[letter] & whose
    return bits


def _apply(old: int, sign: str, bits: int, whose: int) -> int:
    if sign == "+":
        return old | bits
    if sign == "-":
        return old & ~bits
    return (old & ~whose) | bits


def has(folder: int, name: str) -> os.stat_result | None:
    """Return the status of *name* in *folder*, or None."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
