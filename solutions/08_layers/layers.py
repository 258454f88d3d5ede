"""Layers: an image as a stack of changes, one on top of the other.

A layer holds what one step added to a file tree, and marks for what it took away.
overlayfs shows a stack of them as one tree; what a container changes goes to a
directory of its own, on top of all others, and the layers below stay as they are:

    lower   read-only layers, the topmost first; of one path, the first layer has it
    upper   what was added or changed since; a lower file is copied up before a write
    work    an empty directory on upper's file system: overlayfs prepares there

A removal has to be written down, or the lower layer's file would show through. The
two worlds do it differently, and pack() and apply() translate:

                             in a directory, for overlayfs        in an archive, for OCI
    PATH is gone             PATH, a character device 0:0         .wh.NAME beside it
    nothing below DIR is     the attribute trusted.overlay.       DIR/.wh..wh..opq
    to be seen               opaque of DIR, with the value "y"

Beside this module: layers_stack.py looks through a stack of layers, layers_tar.py reads
an archive, layers_tar_write.py writes one, layers_tree.py is the directory that a layer is
unpacked to. Sources: overlayfs.rst of the kernel; layer.md of the image specification.

Chapter: chapters/08-layers.md
Lab:     labs/08_layers/
"""

from __future__ import annotations

import os

from mini_docker import syscalls
from mini_docker.errors import LayerError, reason
from mini_docker.layers_options import OPTIONS, options, refusal, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from mini_docker.layers_stack import Stack
    from mini_docker.layers_tar import Entry, Reader
    from mini_docker.layers_tar_write import Writer
    from mini_docker.layers_tree import Tree

PAGE = 4096  # bytes of options that mount(2) takes, with a null byte at their end
MOST_LOWERS = 500  # overlayfs: OVL_MAX_STACK

WHITEOUT = ".wh."  # what begins so is no file in an archive, but the removal of one
OPAQUE = ".wh..wh..opq"
PRIVATE = ".wh..wh."  # what else begins so is a file of AUFS for itself: never unpacked

ADDED, CHANGED, DELETED = "A", "C", "D"


def mount(
    lowers: list[str], upper: str, work: str, target: str, words: Iterable[str] = OPTIONS
) -> None:
    """Mount the directories *lowers*, the topmost first, and *upper* as one tree at *target*.

    It is one mount of type "overlay", without flags. options() makes its data out of the
    directories and *words*, which are more options. All paths are absolute.

    mount(2) takes PAGE bytes of data (os.fsencode), the null byte at their end included,
    and forty long paths fill that. Then give overlayfs short ones. Open each lower directory
    with short(): it has the name of its descriptor, such as "7", in /proc/self/fd. Make that
    the working directory (os.chdir) for the time of the mount, and use these names as lowers.
    Afterwards, whether it worked or not, go back to where we were (short(".") before, and
    os.fchdir), and close what was opened.

    Raises LayerError with the text of refusal() if the kernel says no, and if there are
    no lowers or more than MOST_LOWERS. mount(2); overlayfs.rst, "Multiple lower layers".
    """
    if not 1 <= len(lowers) <= MOST_LOWERS:
        raise LayerError(f"cannot mount {len(lowers)} layers: overlayfs takes 1 to {MOST_LOWERS}")
    opened: list[int] = []
    try:
        data = options(lowers, upper, work, words)
        if len(os.fsencode(data)) >= PAGE:
            opened.append(short("."))
            for path in lowers:
                opened.append(short(path))
            os.chdir("/proc/self/fd")
            data = options([str(number) for number in opened[1:]], upper, work, words)
        syscalls.mount("overlay", target, "overlay", 0, data)
    except OSError as error:
        raise LayerError(refusal(target, upper, error)) from error
    finally:
        if opened:
            os.fchdir(opened[0])
        for number in opened:
            os.close(number)


def changes(upper: Stack, lowers: Stack, hidden: Container[str] = ()) -> list[tuple[str, str]]:
    """Return what *upper* changes in *lowers*: pairs such as ("A", "/etc/new"), by path.

    Walk *upper* with its walk(). lowers.find(path) tells what was at a path before, or
    None. Paths in *hidden* are left out, whatever is the matter with them.

      "D"  a .whiteout of what was there before; of nothing, it is no change
      "A"  what was not there before
      "C"  what was there before, and it.differs(before)
      "D"  where a directory .covers what is below it, also every name that is in
           lowers.names(path) and not in upper.names(path): it has no whiteout of its own
      "C"  every directory above one of these, unless it is an "A": in_order() sees to it

    Docker's `diff` prints the same.
    """
    found: dict[str, str] = {}
    for it in upper.walk():
        before = lowers.find(it.path)
        if it.path in hidden or (it.whiteout and before is None):
            continue
        if before is None:
            found[it.path] = ADDED
        elif it.whiteout:
            found[it.path] = DELETED
        elif it.differs(before):
            found[it.path] = CHANGED
        if it.covers:
            gone = lowers.names(it.path) - upper.names(it.path)
            paths = {f"{it.path}/{name}" for name in gone}
            found |= {path: DELETED for path in paths if path not in hidden}
    return in_order(found)


def pack(upper: Stack, archive: Writer, hidden: Container[str] = ()) -> None:
    """Write what *upper* holds to *archive*, as a layer that any engine can apply.

    Walk *upper* with its walk(); leave out paths in *hidden*. archive.add(it, upper) writes
    a file of any kind with all that belongs to it, and archive.mark(path) an empty file,
    for the marks of a removal:

      .whiteout            mark() with its name after WHITEOUT, in the same directory
      .opaque              add() it, then mark() OPAQUE in it, before anything below it
      .kind is "socket"    leave it out: no archive can hold one
      a name that begins   LayerError, naming it, whatever kind it is: who reads the layer
      with WHITEOUT        would take it for a removal

    Paths in an archive are relative: "etc/new". image-spec, layer.md, "Whiteouts".
    """
    for it in upper.walk():
        above, _, name = it.path.lstrip("/").rpartition("/")
        beside = f"{above}/" if above else ""
        if it.path in hidden or it.kind == "socket":
            continue
        if name.startswith(WHITEOUT):
            raise LayerError(f"cannot pack {it.path}: a name like this stands for a removal")
        if it.whiteout:
            archive.mark(f"{beside}{WHITEOUT}{name}")
            continue
        archive.add(it, upper)
        if it.opaque:
            archive.mark(f"{beside}{name}/{OPAQUE}")


def apply(archive: Reader, tree: Tree) -> None:
    """Unpack the layer *archive*, whose author may be hostile, to the directory of *tree*.

    Go through the entries of *archive* as they come: the data of one lies before the next
    entry, and is read on the way or passed over. split() takes a name apart into its
    directory and its last part, and refuses one that leads out. tree.enter(directory)
    opens the directory with below(), so through no link, makes what is missing of it, and
    returns a descriptor, which stays the tree's. Then, the name before the kind:

      OPAQUE               tree.make_opaque(descriptor)
      PRIVATE and more     nothing: it is not part of the layer
      WHITEOUT and more    tree.make_whiteout(descriptor, name), of the name after WHITEOUT
      "" (the root)        tree.make_root(entry)
      a hard link          entry.target is a path inside the layer, as hostile as the name:
                           split() it too, then tree.link(descriptor, name, *both parts)
      anything else        tree.make(descriptor, name, entry, archive)

    The order of the entries is theirs: the tree keeps a mark and a file of one name apart.

    Raises LayerError that names the entry: split() and the tree do so themselves, and an
    OSError becomes one with the text of _refused().
    """
    for entry in archive:
        try:
            above, name = split(entry.name)
            folder = tree.enter(above)
            if name == OPAQUE:
                tree.make_opaque(folder)
            elif name.startswith(PRIVATE):
                continue
            elif name.startswith(WHITEOUT):
                tree.make_whiteout(folder, name.removeprefix(WHITEOUT))
            elif not name:
                tree.make_root(entry)
            elif entry.kind == "link":
                tree.link(folder, name, *split(entry.target))
            else:
                tree.make(folder, name, entry, archive)
        except OSError as error:
            raise LayerError(_refused(entry, error)) from error


def in_order(found: dict[str, str]) -> list[tuple[str, str]]:
    """Return *found*, path to kind, as pairs in the order of their bytes, with all directories
    above them but "/".
    """
    for path in list(found):
        while (path := os.path.dirname(path)) != "/":
            found.setdefault(path, CHANGED)
    return sorted(((kind, path) for path, kind in found.items()), key=lambda it: os.fsencode(it[1]))


def split(name: str) -> tuple[str, str]:
    """Return the directory and the last part of *name*, a path in an archive; ("", "") for root.

    >>> split("./usr/bin/env")
    ('usr/bin', 'env')

    LayerError for what has no place in a layer: an absolute name, one with "..", one below
    the mark of a removal, and the mark of no name.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    *above, last = parts or [""]
    if name.startswith("/") and parts:
        why = "its name is absolute"
    elif ".." in parts:
        why = "its name leads out of the layer"
    elif any(part.startswith(WHITEOUT) for part in above):
        why = "it lies below the mark of a removal"
    elif last in (WHITEOUT, f"{WHITEOUT}.", f"{WHITEOUT}.."):
        why = "it removes no name"
    else:
        return "/".join(above), last
    raise LayerError(f"cannot unpack {name!r}: {why}")


def below(root: int, path: str, flags: int = os.O_RDONLY | os.O_DIRECTORY) -> int:
    """Open *path* below the descriptor *root*, where every part is what it seems.

    OSError if a part is a symbolic link (ELOOP), also the last one, or leads out (EXDEV).
    """
    resolve = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
    return syscalls.openat2(root, path or ".", flags, resolve)


def _refused(entry: Entry, error: OSError) -> str:
    why = {
        18: "it leads out of the layer",  # EXDEV
        20: "a file is in the place of its directory",  # ENOTDIR
        40: "a symbolic link is in the place of its directory",  # ELOOP
    }.get(error.errno or 0, reason(error))
    link = f" as a link to {entry.target!r}" if entry.kind == "link" else ""
    return f"cannot unpack {entry.name!r}{link}: {why}"
