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
OPTIONS = ("redirect_dir=off", "metacopy=off", "index=off")


def options(lowers: Iterable[str], upper: str, work: str, words: Iterable[str]) -> str:
    """Return the data of an overlay mount: ":" parts its layers, and "," its options.

    >>> options(["/b", "/a,1"], "/u", "/w", ["index=off"])
    'lowerdir=/b:/a\\\\,1,upperdir=/u,workdir=/w,index=off'
    """
    lower = ":".join(_escape(path) for path in lowers)
    places = f"lowerdir={lower}", f"upperdir={_escape(upper)}", f"workdir={_escape(work)}"
    return ",".join([*places, *words])


def _escape(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


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
