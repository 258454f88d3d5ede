"""Owners, and extended attributes: which belong to a file, which to overlayfs or the machine.

What a stack shows depends on overlayfs's own attributes: an archive must not bring any. Labels
and signatures (selinux, ima, evm) are this machine's to give. xattr(7).
"""

from __future__ import annotations

import errno
import os

OVERLAY = ("trusted.overlay.", "user.overlay.")
KEPT = ("user.", "trusted.", "security.capability", "system.posix_acl_")
CAPABILITY = "security.capability"


def opaque(userxattr: bool) -> str:
    """Return the name of overlayfs's mark of an opaque directory, for either kind of mount."""
    return "user.overlay.opaque" if userxattr else "trusted.overlay.opaque"


def confined() -> bool:
    """Say whether we are root of a user namespace only: "trusted." attributes are not for us."""
    with open("/proc/self/uid_map") as file:
        return file.readline().split() != ["0", "0", "4294967295"]


def kept(name: str) -> bool:
    """Say whether the attribute *name* goes into an archive, and out of it."""
    return name.startswith(KEPT) and not name.startswith(OVERLAY)


def read(place: int | str) -> dict[str, bytes]:
    """Return the attributes of *place*, a descriptor or a path, that belong to the file."""
    try:
        names = sorted(filter(kept, os.listxattr(place)))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return {}
    found = {name: get(place, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def get(place: int | str, name: str) -> bytes | None:
    """Return the attribute *name* of *place*, or None."""
    try:
        return os.getxattr(place, name)
    except OSError as error:
        if error.errno not in (errno.ENODATA, errno.EOPNOTSUPP):
            raise
        return None


def write(place: int | str, attributes: dict[str, bytes], userxattr: bool) -> None:
    """Give *place* its *attributes*; those that this file system has no room for are left out.

    So are "trusted." ones with *userxattr*: only the root of the whole machine may set them.
    """
    for name, value in attributes.items():
        if not kept(name) or (userxattr and name.startswith("trusted.")):
            continue
        try:
            os.setxattr(place, name, value)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise


def give(uid: int, gid: int, place: int | str, folder: int | None, lenient: bool) -> None:
    """Change the owner of *place*, a descriptor or a name in *folder*.

    With *lenient*, in a user namespace, who is nobody in there does not get it.
    """
    try:
        if isinstance(place, int):
            os.fchown(place, uid, gid)
        else:
            os.chown(place, uid, gid, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno != errno.EINVAL or not lenient:
            raise
