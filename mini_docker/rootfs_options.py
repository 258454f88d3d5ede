"""Mount options: the words of mount(8) and of the OCI runtime specification, as flags.

A word is a flag of mount(2), the removal of one, a change of propagation, or text
for the file system's own driver. config.md, section "Mounts".
"""

from __future__ import annotations

from mini_docker import syscalls
from mini_docker.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

OVERLAYFS_SUPER_MAGIC = 0x794C7630  # statfs(2)
SET = {
    "ro": syscalls.MS_RDONLY,
    "nosuid": syscalls.MS_NOSUID,
    "nodev": syscalls.MS_NODEV,
    "noexec": syscalls.MS_NOEXEC,
    "noatime": syscalls.MS_NOATIME,
    "nodiratime": syscalls.MS_NODIRATIME,
    "relatime": syscalls.MS_RELATIME,
    "strictatime": syscalls.MS_STRICTATIME,
    "bind": syscalls.MS_BIND,
    "rbind": syscalls.MS_BIND | syscalls.MS_REC,
}
CLEAR = {
    "rw": syscalls.MS_RDONLY,
    "suid": syscalls.MS_NOSUID,
    "dev": syscalls.MS_NODEV,
    "exec": syscalls.MS_NOEXEC,
    "atime": syscalls.MS_NOATIME,
    "diratime": syscalls.MS_NODIRATIME,
    "norelatime": syscalls.MS_RELATIME,
    "nostrictatime": syscalls.MS_STRICTATIME,
}
PROPAGATION = {
    "private": syscalls.MS_PRIVATE,
    "slave": syscalls.MS_SLAVE,
    "shared": syscalls.MS_SHARED,
    "unbindable": syscalls.MS_UNBINDABLE,
}
# A bind mount takes these flags only in a second call, a remount. mount(2).
ON_REMOUNT = (
    syscalls.MS_RDONLY
    | syscalls.MS_NOSUID
    | syscalls.MS_NODEV
    | syscalls.MS_NOEXEC
    | syscalls.MS_NOATIME
    | syscalls.MS_NODIRATIME
    | syscalls.MS_RELATIME
    | syscalls.MS_STRICTATIME
)


def parse(words: Iterable[str]) -> tuple[int, int, str]:
    """Return (flags, propagation, data) for the options *words*.

    >>> parse(["nosuid", "ro", "mode=755"])
    (3, 0, 'mode=755')

    The propagation is 0 if none is asked for; "rprivate" is private with MS_REC.

    Raises ConfigError for a word that a bind mount does not know. No driver reads the
    text of a bind, so the kernel would accept "r0" and leave the mount writable.
    """
    flags = propagation = 0
    data: list[str] = []
    for word in words:
        plain = word.removeprefix("r")
        if word in SET:
            flags |= SET[word]
        elif word in CLEAR:
            flags &= ~CLEAR[word]
        elif word in PROPAGATION:
            propagation = PROPAGATION[word]
        elif plain in PROPAGATION:
            propagation = PROPAGATION[plain] | syscalls.MS_REC
        elif word != "defaults":
            data.append(word)
    if data and flags & syscalls.MS_BIND:
        raise ConfigError(f"unknown option {data[0]!r} of a bind mount")
    return flags, propagation, ",".join(data)


def why_invalid(fstype: str, words: Iterable[str]) -> str:
    """Find the reason for mount's EINVAL, one errno for many mistakes, as far as one can.

    The one that people meet: state kept on an overlay, as in a container, whose
    directories the kernel takes for no other overlay's upper layer.
    """
    options = dict(word.partition("=")[::2] for word in words)
    upper = options.get("upperdir", "").replace("\\", "")
    if fstype == "overlay" and upper:
        try:
            if syscalls.filesystem_type(upper) == OVERLAYFS_SUPER_MAGIC:
                return f"{upper} is on an overlay itself: keep the state elsewhere (--root)"
        except OSError:
            return f"is {upper} there?"
    return f"is there a wrong word among its options {','.join(words)}?"
