"""The options of an overlay mount, and what a refusal of one means."""

from __future__ import annotations

import os

from mini_docker import rootfs_options, syscalls
from mini_docker.errors import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Whatever this kernel's defaults are, upper must hold whole files and plain directories: no
# directory that points to its old place (redirect_dir), no file without its data (metacopy).
OPTIONS = ("redirect_dir=nofollow", "metacopy=off", "index=off")


def options(lowers: Iterable[str], upper: str, work: str, words: Iterable[str]) -> str:
    """Return the data of an overlay mount: ":" parts its layers, and "," its options.

    >>> options(["/b", "/a,1"], "/u", "/w", ["index=off"])
    'lowerdir=/b:/a\\\\,1,upperdir=/u,workdir=/w,index=off'
    """
    return ",".join([*places(lowers, upper, work), *words])


def places(lowers: Iterable[str], upper: str, work: str) -> list[str]:
    """Return the options that name the directories of an overlay."""
    lower = ":".join(_escape(path) for path in lowers)
    return [f"lowerdir={lower}", f"upperdir={_escape(upper)}", f"workdir={_escape(work)}"]


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def parse(words: Iterable[str]) -> tuple[list[str], str, str, list[str]]:
    """Return the lower directories, upper, work and the other words of an overlay's options.

    >>> parse(["lowerdir=/b:/a\\\\:1", "upperdir=/u", "workdir=/w", "index=off"])
    (['/b', '/a:1'], '/u', '/w', ['index=off'])
    """
    places, rest = {"lowerdir": [""], "upperdir": [""], "workdir": [""]}, []
    for word in words:
        key, _, value = word.partition("=")
        if key in places:
            places[key] = _unescape(value)
        else:
            rest.append(word)
    return places["lowerdir"], places["upperdir"][0], places["workdir"][0], rest


def _unescape(text: str) -> list[str]:
    """Return the paths in *text*, which ":" parts where no backslash stands before it."""
    found, quoted = [""], False
    for letter in text:
        if not quoted and letter == "\\":
            quoted = True
            continue
        if not quoted and letter == ":":
            found.append("")
        else:
            found[-1] += letter
        quoted = False
    return found


def short(path: str) -> int:
    """Open the directory *path* as nothing but a place; return the descriptor. open(2), O_PATH."""
    return os.open(path, syscalls.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def refusal(target: str, upper: str, error: OSError) -> str:
    """Say in one line what the kernel's *error* means for a mount of layers."""
    why = reason(error)
    if error.errno == 22:  # EINVAL: one errno for many mistakes
        why = f"{why.lower()}: {rootfs_options.why_invalid('overlay', [f'upperdir={upper}'])}"
    elif error.filename != target:  # it was not the mount, but the open() of a layer
        why = f"{why}: {error.filename}"
    return f"cannot mount the layers at {target}: {why}"
