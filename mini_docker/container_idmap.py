"""The root of a container in a user namespace, mounted from outside.

Files on the disk keep the ids that they have: one set of layers serves every range. For the
container each directory is an idmapped mount, which turns the ids of the disk into those of
the container's range. mount_setattr(2), "ID-mapped mounts"; Linux 5.19 for overlayfs.
"""

from __future__ import annotations

import errno
import os

from mini_docker import layers_options, mounts_borrowed, spec, syscalls, syscalls_mounts
from mini_docker.errors import KernelError, NamespaceError, RootfsError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.container import Start

STAGE = "work"  # covered, in the container's mount namespace alone, by what its root is made of


def mount_root(it: Start, pid: int) -> int:
    """Mount the root of the child *pid* in its mount namespace, as root of the host.

    An overlay works on its layers with the rights and the ids of who mounts it. With the
    host's own uid 0, for which nothing stands on an idmapped mount, it could write nothing:
    so the caller takes on the ids that the container's root has outside, and keeps its rights.
    """
    userns = _open(f"/proc/{pid}/ns/user")
    mount_namespace = _open(f"/proc/{pid}/ns/mnt")
    uid, gid = _outside(f"/proc/{pid}/uid_map"), _outside(f"/proc/{pid}/gid_map")
    root = it.config["mounts"][0]
    overlay = root["type"] == "overlay"
    layers = layers_options.parse(root["options"])[0] if overlay else [root["source"]]
    # Copied while the host's mounts are what we see.
    bundle = _mapped_copy(it.bundle, userns)
    copies = [_mapped_copy(layer, userns, whole=not overlay) for layer in layers]
    shared = [mounts_borrowed.copy(source) for source in spec.borrowed(it.config)]
    syscalls.setns(mount_namespace, syscalls.CLONE_NEWNS)
    _take_ids(uid, gid)
    try:
        stage = f"{it.bundle}/{STAGE}"
        syscalls.mount("tmpfs", stage, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755")
        os.chdir(stage)
        _attach(bundle, "bundle")
        for descriptor in shared:
            syscalls_mounts.move_mount(descriptor, "bundle/shm")
        if not overlay:
            syscalls_mounts.move_mount(copies[0], f"{it.bundle}/rootfs")
            return 0
        for number, descriptor in enumerate(copies):
            _attach(descriptor, str(number))
        lower = ":".join(str(number) for number in range(len(copies)))
        places = f"lowerdir={lower},upperdir=bundle/upper,workdir=bundle/work"
        data = ",".join([places, *layers_options.OPTIONS])
        syscalls.mount("overlay", f"{it.bundle}/rootfs", "overlay", 0, data)
    except OSError as error:
        raise RootfsError(f"cannot mount the root of the container: {reason(error)}") from error
    return 0


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NamespaceError(f"cannot open {path}: {reason(error)}") from error


def _outside(path: str) -> int:
    """Return the id that 0 inside stands for, in the map file *path*."""
    with open(path) as file:
        for line in file:
            inside, outside, _ = line.split()
            if inside == "0":
                return int(outside)
    raise KernelError(f"{path} maps no root: the container could not be set up")


def _mapped_copy(path: str, userns: int, whole: bool = False) -> int:
    """Return a copy of the mount of *path*, with the ids of *userns*; *whole*: all below it too."""
    flags = syscalls_mounts.AT_RECURSIVE if whole else 0
    try:
        descriptor = syscalls_mounts.open_tree(path, flags)
        idmap, private = syscalls_mounts.MOUNT_ATTR_IDMAP, syscalls.MS_PRIVATE
        # A copy of a shared mount is its peer: what is mounted on it would appear on the host.
        syscalls_mounts.mount_setattr(descriptor, idmap, userns, flags, private)
    except OSError as error:
        why = reason(error)
        if error.errno in (errno.EINVAL, errno.EPERM):
            why = (
                "its file system, or one mounted in it, cannot do that: keep the state "
                "elsewhere (--root), or use --userns=host"
            )
        raise RootfsError(f"cannot map the owners of {path}: {why}") from error
    return descriptor


def _attach(descriptor: int, name: str) -> None:
    os.mkdir(name)
    syscalls_mounts.move_mount(descriptor, name)


def _take_ids(uid: int, gid: int) -> None:
    """Take on the ids *uid* and *gid* of the host with all rights that the caller has."""
    os.setgroups([])
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    _, permitted, inheritable = syscalls.capget()
    syscalls.capset(permitted, permitted, inheritable)
