"""Which files an instruction means: in the context, or in an image or stage (--from).

A source is a path below a root, with Go's wildcards in it, part by part. What it leads through
may be a link, and the link hostile: the kernel resolves it inside the root (openat2,
RESOLVE_IN_ROOT). Below a directory that is taken nothing is followed: a link is a link.

pkg.go.dev/path/filepath#Match; docs.docker.com/reference/dockerfile, "COPY".
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import builder_wild, rootfs_paths, suggest, syscalls
from mini_docker.errors import ConfigError, NotFound, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from mini_docker.builder import Ignore

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MOST = 100_000  # files that one wildcard may stand for


class Cancelled(Exception):
    """The build is given up: what is under way ends for that reason alone."""


class Root:
    """A directory to take files from; use it in a with statement.

    What *ignore* matches counts as not being there. *foreign* is a tree of an image: owners
    and attributes count there, and in the context they do not. *alive* is called now and then,
    and raises Cancelled when nobody wants the files any more.
    """

    __slots__ = ("alive", "descriptor", "foreign", "ignore", "path")

    def __init__(
        self,
        path: str,
        ignore: Ignore | None = None,
        foreign: bool = False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.ignore = ignore
        self.foreign = foreign
        self.alive = alive

    def __enter__(self) -> Self:
        try:
            self.descriptor = os.open(self.path, FOLDER)
        except OSError as error:
            raise ConfigError(f"cannot read {self.path}: {reason(error)}") from error
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def open(self, path: str, flags: int = syscalls.O_PATH) -> int:
        """Open *path* as if the root were "/"; OSError if that does not work."""
        return syscalls.openat2(self.descriptor, path or ".", flags, rootfs_paths.RESOLVE)


class Source:
    """One file or directory that was asked for."""

    __slots__ = ("name", "parents", "path", "status")

    def __init__(self, path: str, name: str, parents: str, status: os.stat_result) -> None:
        self.path = path  # below the root, all links resolved
        self.name = name  # as it was asked for: the target of a link has another
        self.parents = parents  # with --parents: the directories to keep above it
        self.status = status

    @property
    def directory(self) -> bool:
        """Say whether it is a directory: then its contents are meant."""
        return stat.S_ISDIR(self.status.st_mode)


class Item:
    """A file below a source, and the descriptor of the directory that it is in."""

    __slots__ = ("folder", "name", "path", "status")

    def __init__(self, folder: int, name: str, path: str, status: os.stat_result) -> None:
        self.folder = folder
        self.name = name
        self.path = path  # relative to the source; "" for a source that is a file
        self.status = status


def select(root: Root, pattern: str, parents: bool = False) -> list[Source]:
    """Return what *pattern* means in *root*, sorted; nothing for wildcards without a match.

    NotFound, with the nearest name, for a path that is not there or is ignored; UsageError
    for one that leads out with "..".
    """
    clean, pivot = _clean(pattern, parents)
    if not builder_wild.is_wild(clean):
        return [_source(root, builder_wild.plain(clean), pattern, pivot)]
    sources = []
    for path in builder_wild.expand(root, clean, parents):
        try:
            sources.append(_source(root, path, pattern, pivot))
        except NotFound:
            continue  # it is ignored
        if len(sources) > MOST:
            raise UsageError(f"{pattern!r:.200} stands for more than {MOST} files")
    return sources


def one(root: Root, path: str) -> Source:
    """Return what is at *path* in *root*, wildcards being characters as others; errors as above."""
    return _source(root, _clean(path, False)[0], path, 0)


def _clean(pattern: str, parents: bool) -> tuple[str, int]:
    """Return *pattern* without blank parts, and how many of its parts --parents leaves out."""
    parts: list[str] = []
    pivot, begun = 0, False
    for part in pattern.split("/"):
        if part == "." and begun and parents and not pivot:
            pivot = len(parts)
        begun = begun or bool(part)
        if part == "..":
            if not parts:
                raise UsageError(f"forbidden path outside the build context: {pattern}")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts), min(pivot, len(parts))


def _source(root: Root, path: str, pattern: str, pivot: int) -> Source:
    """Return the source at *path*, which has no wildcards any more."""
    try:
        found = root.open(path)
    except ValueError:
        raise UsageError(f"{pattern!r:.200} has a null byte in it") from None
    except OSError as error:
        raise _missing(root, path, pattern, error) from None
    try:
        status = os.fstat(found)
        top = os.readlink(f"/proc/self/fd/{root.descriptor}")
        real = os.readlink(f"/proc/self/fd/{found}").removeprefix(top).lstrip("/")
    finally:
        os.close(found)
    if _hidden(root, real, stat.S_ISDIR(status.st_mode)):
        raise NotFound(_words(root, pattern, f"{real} is excluded by .dockerignore"))
    above, _, name = path.rpartition("/")
    kept = "/".join(above.split("/")[pivot:]) if above else ""
    return Source(real, name, kept, status)


def _hidden(root: Root, path: str, directory: bool = False) -> bool:
    """Say whether *path* is ignored; of a directory, whether all that is in it is, too."""
    if not path or root.ignore is None:
        return False
    return root.ignore.prunes(path) if directory else root.ignore.matches(path)


def _missing(root: Root, path: str, pattern: str, error: OSError) -> Exception:
    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
        return ConfigError(f"cannot read {pattern}: {reason(error)}")
    done = ""
    for part in path.split("/"):
        done = f"{done}/{part}" if done else part
        try:
            target = os.readlink(done, dir_fd=root.descriptor)
        except OSError:
            continue
        if target.startswith("/") or ".." in target.split("/"):
            return UsageError(
                f"forbidden path outside the build context: {pattern} (the link {done} leads to "
                f"{target!r:.200})"
            )
    return NotFound(_words(root, pattern, _nearest(root, path)))


def _words(root: Root, pattern: str, why: str) -> str:
    where = "image" if root.foreign else "build context"
    return f'"{pattern}" not found in the {where}{f": {why}" if why else ""}'


def _nearest(root: Root, path: str) -> str:
    """Return "did you mean ...?" with a name that is there, or ""."""
    above, _, name = path.rpartition("/")
    try:
        folder = root.open(above, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return ""
    with os.scandir(folder) as rows:
        names = [row.name for _, row in zip(range(2000), rows, strict=False)]
    os.close(folder)
    seen = [it for it in names if not _hidden(root, f"{above}/{it}" if above else it)]
    if blank := next((it for it in seen if it.startswith(f"{name} ")), ""):
        return f'did you mean "{blank}"? Names with blanks want the JSON form: ["{blank}", "."]'
    near = next((it for it in seen if it.lower() == name.lower()), suggest.nearest(name, seen))
    return f"did you mean {f'{above}/' if above else ''}{near}?" if near else ""
