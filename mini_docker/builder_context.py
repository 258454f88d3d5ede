"""The context of a build: the files that COPY and ADD may take, and the Dockerfile with them.

    PATH            a directory; the Dockerfile is in it, or where -f says (- is our input)
    -               our input: a tar, compressed or not, or else the text of a Dockerfile
    http(s)://...   the same, downloaded
    URL of git      a repository (builder_git.py)

What is not a directory already is unpacked to a place of ours (builder_places.py). Who wrote
it may be hostile: a file of it is read through a descriptor of the root alone (openat2,
RESOLVE_IN_ROOT), an archive makes no device, and no text is longer than LARGEST.
"""

from __future__ import annotations

import errno
import os
import stat

from mini_docker import image_streams, layers_tree, layers_unpack, rootfs_paths
from mini_docker.errors import ConfigError, LayerError, NotFound, UsageError, reason
from mini_docker.layers_tar import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.image_streams import Source
    from mini_docker.layers_tar import Entry
    from mini_docker.layers_tree import Tree

LARGEST = 2**22  # bytes of a Dockerfile, or of a .dockerignore
DOCKERFILE, IGNORE = "Dockerfile", ".dockerignore"
START = 512  # bytes that tell an archive from a Dockerfile
USTAR = slice(257, 262)  # of them: "ustar", in every archive since 1988
PIECE = 2**18


class Context:
    """What a build starts from.

    *root* is the directory of its files, "" if there is none; *dockerfile* the text of the
    Dockerfile, *name* what messages call it, *path* where it lies in the root, "" if it lies
    elsewhere; *ignore* the text of the .dockerignore that counts, "" without one.
    """

    __slots__ = ("dockerfile", "ignore", "name", "path", "root")

    def __init__(self, root: str = "") -> None:
        self.root = root
        self.dockerfile = ""
        self.name = DOCKERFILE
        self.path = ""
        self.ignore = ""

    def read(self, path: str) -> str | None:
        """Return the text of the file *path* of the context; None if there is none.

        ConfigError for one that is no regular file, or too large.
        """
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            found = rootfs_paths.locate(self.root, path, flags)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return None
            raise ConfigError(f"cannot read {path}: {reason(error)}") from error
        with open(found, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(found).st_mode):
                raise ConfigError(f"cannot read {path}: it is no regular file")
            return read_text(file, path)

    def take_dockerfile(self, wanted: str = "", given: Source | None = None) -> None:
        """Read the Dockerfile *wanted*, or that of the usual name, and what it ignores.

        Its text may be *given* instead. NotFound, with the nearest name, if it is not there.
        """
        if given:
            self.dockerfile = read_text(given, "the Dockerfile from our input")
            self.take_ignore()
            return
        for name in [wanted] if wanted else [DOCKERFILE, DOCKERFILE.lower()]:
            if (found := self.read(name)) is not None:
                self.dockerfile, self.name, self.path = found, os.path.basename(name), name
                self.take_ignore(f"{name}{IGNORE}")
                return
        raise self._missing(wanted or DOCKERFILE)

    def take_ignore(self, first: str = "") -> None:
        """Read the file *first* of patterns, or else the .dockerignore of the root."""
        for name in filter(None, (first, IGNORE)):
            if (found := self.read(name)) is not None:
                self.ignore = found
                return

    def _missing(self, wanted: str) -> NotFound:
        from mini_docker.suggest import nearest

        folder = os.path.dirname(wanted)
        try:
            found = rootfs_paths.locate(self.root, folder or ".", os.O_RDONLY | os.O_DIRECTORY)
            try:
                names = os.listdir(found)
            finally:
                os.close(found)
        except OSError:
            names = []
        near = nearest(os.path.basename(wanted), sorted(names))
        hint = f" (did you mean {os.path.join(folder, near)}? name it with -f)" if near else ""
        return NotFound(
            f"failed to read dockerfile: open {wanted}: no such file or directory{hint}"
        )


def read_text(source: Source, what: str) -> str:
    """Return all that *source* holds, as text; ConfigError for more than LARGEST bytes."""
    parts, count = [], 0
    while piece := source.read(PIECE):
        parts.append(piece)
        count += len(piece)
        if count > LARGEST:
            raise ConfigError(f"cannot read {what}: it has more than {LARGEST} bytes")
    return b"".join(parts).decode("utf-8", "surrogateescape")


def in_directory(path: str, dockerfile: str = "", given: Source | None = None) -> Context:
    """Return the context in the directory *path*, which the user has named.

    *dockerfile* is where -f says: relative to the working directory; *given* is the
    Dockerfile's text instead, from our input. NotFound, in docker's words, if it is missing.
    """
    if not os.path.isdir(path):
        why = "is not a directory" if os.path.lexists(path) else "not found"
        raise NotFound(f'unable to prepare context: path "{path}" {why}')
    found = Context(os.path.realpath(path))
    if given or not dockerfile:
        found.take_dockerfile(given=given)
    elif inside := _inside(found.root, dockerfile):
        found.take_dockerfile(inside)
    else:
        _take_elsewhere(found, dockerfile)
    return found


def _inside(root: str, path: str) -> str:
    """Return where *path* lies in *root*, "" if it does not; links on its way are followed."""
    above = os.path.realpath(os.path.dirname(path) or ".")
    if above != root and not above.startswith(f"{root.rstrip('/')}/"):
        return ""
    return os.path.relpath(os.path.join(above, os.path.basename(path)), root)


def _take_elsewhere(found: Context, path: str) -> None:
    """Read the Dockerfile at *path*, outside of the context; it may have patterns beside it."""
    try:
        with open(path, "rb", buffering=0) as file:
            found.dockerfile, found.name = read_text(file, path), os.path.basename(path)
    except OSError as error:
        raise NotFound(
            f"failed to read dockerfile: open {path}: {reason(error).lower()}"
        ) from error
    if os.path.isfile(f"{path}{IGNORE}"):
        with open(f"{path}{IGNORE}", "rb", buffering=0) as file:
            found.ignore = read_text(file, f"{path}{IGNORE}")
    else:
        found.take_ignore()


def from_stream(
    source: Source, directory: str, dockerfile: str = "", given: Source | None = None
) -> Context:
    """Return the context in *source*: an archive, unpacked to *directory*, or a Dockerfile.

    *dockerfile* is a path in the archive, *given* the text of the Dockerfile instead.
    UsageError if a Dockerfile comes and -f says something else.
    """
    start = b""
    while len(start) < START and (piece := source.read(START - len(start))):
        start += piece
    stream = image_streams.Plain(source, start)
    if not image_streams.kind_of(start[:6]) and start[USTAR] != b"ustar":
        if dockerfile or given:
            raise UsageError("-f names a file of the context, and what came is a Dockerfile itself")
        found = Context()
        found.dockerfile = read_text(stream, "the Dockerfile")
        return found
    unpack(stream, directory)
    found = Context(directory)
    found.take_dockerfile(dockerfile, given)
    return found


def from_repository(
    directory: str, subdirectory: str, dockerfile: str = "", given: Source | None = None
) -> Context:
    """Return the context in *subdirectory*, as somebody else has named it, of *directory*."""
    found = Context(directory)
    if subdirectory.strip("/."):
        what = f"cannot use {subdirectory!r:.200} of the repository"
        try:
            inner = rootfs_paths.locate(directory, subdirectory)
        except OSError as error:
            raise NotFound(f"{what}: {reason(error)}") from error
        try:
            if not rootfs_paths.is_directory(inner):
                raise NotFound(f"{what}: it is no directory")
            found.root = os.readlink(f"/proc/self/fd/{inner}")
        finally:
            os.close(inner)
    found.take_dockerfile(dockerfile, given)
    return found


def unpack(stream: Source, directory: str) -> None:
    """Unpack the archive in *stream*, compressed or not, to *directory*; all of it is ours then.

    LayerError, naming the entry, for what is hostile or damaged: a name or a link that leads
    out, a device, a stream that grows without end.
    """
    tree = layers_tree.Tree(directory, None, layers_tree.REFUSE, owners=False)
    with tree, layers_unpack.Ahead(layers_unpack.Inflated(stream)) as ahead:
        archive = Reader(ahead)
        for entry in archive:
            entry.xattrs = {}
            try:
                _make(tree, entry, archive)
            except OSError as error:
                why = f"{entry.name!r:.300}: {reason(error)}"
                raise LayerError(f"cannot unpack the context: {why}") from error


def _make(tree: Tree, entry: Entry, archive: Reader) -> None:
    above, name = _split(entry.name)
    folder = tree.enter(above)
    if not name:
        tree.make_root(entry)
    elif entry.kind == "link":
        tree.link(folder, name, *_split(entry.target))
    else:
        tree.make(folder, name, entry, archive)


def _split(name: str) -> tuple[str, str]:
    """Return the directory and the last part of *name*; LayerError if it leads out."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise LayerError(f"cannot unpack the context: {name!r:.300} leads out of it")
    return ("/".join(parts[:-1]), parts[-1]) if parts else ("", "")
