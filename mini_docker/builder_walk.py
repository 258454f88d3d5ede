"""The files below a source, in one order, and a digest of what they are: not of their times.

Nothing is read by its path: each directory is opened in the one above it, and no link is
followed, so a context that changes meanwhile shows us other files at worst, never others than
its own. A digest stands for names, types, modes, owners (of an image's files) and contents;
two contexts with the same digest make the same layer but for its times.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat

from mini_docker import layers_attributes, layers_sparse
from mini_docker.builder_select import FOLDER, Item, Root, Source
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mini_docker.builder import Ignore

PIECE = 2**20
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def walk(root: Root, source: Source, excluded: Ignore | None = None) -> Iterator[Item]:
    """Yield what is to be copied of *source*: itself if it is a file, or all below it.

    A directory comes before what is in it, each in the order of names. One that is ignored or
    *excluded* comes along only if something below it is not.
    """
    if not source.directory:
        yield from _single(root, source, excluded)
        return
    try:
        top = root.open(source.path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ConfigError(f"cannot read {source.path or '.'}: {reason(error)}") from error
    pending: list[tuple[Iterator[Item], int]] = [(_in(top, ""), top)]
    above: list[Item] = []  # directories that are hidden, unless something below them is not
    try:
        while pending:
            item = next(pending[-1][0], None)
            if item is None:
                os.close(pending.pop()[1])
                continue
            root.alive()
            hidden, pruned = _hidden(root, source, item, excluded)
            above = [it for it in above if item.path.startswith(f"{it.path}/")]
            if not hidden:
                yield from above
                above = []
                yield item
            if stat.S_ISDIR(item.status.st_mode) and not pruned:
                above += [item] if hidden else []
                inner = _open(item, FOLDER)
                pending.append((_in(inner, item.path), inner))
    finally:
        for _, folder in pending:
            os.close(folder)


def _single(root: Root, source: Source, excluded: Ignore | None) -> Iterator[Item]:
    above, _, name = source.path.rpartition("/")
    if excluded and excluded.matches(source.name):
        return
    folder = root.open(above, os.O_RDONLY | os.O_DIRECTORY)
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        yield Item(folder, name, "", status)
    finally:
        os.close(folder)


def _hidden(root: Root, source: Source, item: Item, excluded: Ignore | None) -> tuple[bool, bool]:
    """Say whether *item* is left out, and whether all that is below it is as well."""
    hidden = pruned = False
    if root.ignore is not None:
        path = f"{source.path}/{item.path}" if source.path else item.path
        hidden = root.ignore.matches(path)
        pruned = hidden and root.ignore.prunes(path)
    if excluded is not None and not pruned and excluded.matches(item.path):
        hidden, pruned = True, excluded.prunes(item.path)
    return hidden, pruned


def _in(folder: int, path: str) -> Iterator[Item]:
    try:
        with os.scandir(folder) as rows:
            found = sorted(rows, key=_name)
        for row in found:
            status = row.stat(follow_symlinks=False)
            yield Item(folder, row.name, f"{path}/{row.name}" if path else row.name, status)
    except OSError as error:
        raise ConfigError(f"cannot read {path or '.'}: {reason(error)}") from error


def _name(row: os.DirEntry[str]) -> str:
    return row.name


def _open(item: Item, flags: int) -> int:
    try:
        return os.open(item.name, flags, dir_fd=item.folder)
    except OSError as error:
        raise ConfigError(f"cannot read {item.path or item.name}: {reason(error)}") from error


class Digest:
    """A digest of sources; update it in the order in which they are copied."""

    def __init__(self) -> None:
        self._hash: Any = hashlib.sha256()

    def add(self, root: Root, source: Source, excluded: Ignore | None = None) -> None:
        """Add *source* of *root*: what of it is copied."""
        update = self._hash.update
        head = f"{source.name}\0{source.parents}\0{source.directory}\n"
        update(head.encode(errors="surrogateescape"))
        for item in walk(root, source, excluded):
            status = item.status
            mode, regular = status.st_mode, stat.S_ISREG(status.st_mode)
            owner = f"{status.st_uid}:{status.st_gid}" if root.foreign else ""
            size = status.st_size if regular else 0
            head = f"{item.path}\0{mode:o}\0{owner}\0{size}\n"
            update(head.encode(errors="surrogateescape"))
            if regular:
                self._add_file(item, root.foreign)
            elif stat.S_ISLNK(mode):
                update(os.fsencode(os.readlink(item.name, dir_fd=item.folder)) + b"\0")
            elif not stat.S_ISDIR(mode):
                update(b"%d\0" % status.st_rdev)

    def text(self) -> str:
        """Return what stands for all that was added."""
        return str(self._hash.hexdigest())

    def _add_file(self, item: Item, attributes: bool) -> None:
        descriptor = _open(item, FILE)
        try:
            if attributes:
                for name, value in layers_attributes.read(descriptor).items():
                    self._hash.update(f"{name}\0{value.hex()}\n".encode())
            if item.status.st_size - 512 * item.status.st_blocks >= layers_sparse.LEAST_HOLE:
                self._add_sparse(descriptor, item.status)
                return
            while data := os.read(descriptor, PIECE):
                self._hash.update(data)
                if len(data) < PIECE:
                    break
        except OSError as error:
            if error.errno == errno.EISDIR:
                return  # it has changed since
            raise ConfigError(f"cannot read {item.path or item.name}: {reason(error)}") from error
        finally:
            os.close(descriptor)

    def _add_sparse(self, descriptor: int, status: os.stat_result) -> None:
        """Add a file with holes by its pieces: it may be larger than any disk."""
        for offset, length in layers_sparse.data_map(descriptor, status) or [(0, status.st_size)]:
            self._hash.update(b"%d,%d\n" % (offset, length))
            while length and (data := os.pread(descriptor, min(length, PIECE), offset)):
                self._hash.update(data)
                offset, length = offset + len(data), length - len(data)
