"""A container's root: put together from config.json, and moved into.

The part of a start between the new mount namespace and the container's own files: see
container.py for what stands around it. Here, too, the order is the point.
"""

from __future__ import annotations

import os

from mini_docker import (
    cgroups_tree,
    layers,
    layers_options,
    rootfs,
    rootfs_devices,
    rootfs_paths,
    swap,
    syscalls_mounts,
    sysctls,
)
from mini_docker.errors import RootfsError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.container import Start

RECURSIVELY = "rro"  # an option of ours: read-only, and all that is mounted below it. mount(8)


def build(it: Start) -> None:
    """Put the root of *it* together and move into it."""
    config, linux = it.config, it.config["linux"]
    # Private first: a mount made before this would appear on the host.
    rootfs.isolate(it.root)
    # The root's own file system, then /proc, /sys, /dev and the rest on top of it.
    rows = _stack(it, config["mounts"])
    rootfs.mount_all(it.root, _mounts(it, rows))
    for row in rows:
        if RECURSIVELY in row.get("options", ()):
            _protect(it.root, row["destination"])
        # Version 1's groups lie in a tmpfs, writable until they were mounted there.
        if row["type"] == "cgroup" and it.group and "ro" in row["options"]:
            rootfs.make_read_only(it.root, row["destination"])
    # /dev is a new tmpfs: nothing in it can have been prepared by the image.
    devices = [m["type"] for m in rows if m["destination"] == "/dev"]
    if devices[-1:] == ["tmpfs"]:
        rootfs_devices.make_devices(it.root, linux.get("devices", []))
    # A working directory that the image lacks is made, as Docker does.
    os.close(rootfs_paths.place(it.root, config["process"]["cwd"], directory=True))
    # Its own kernel settings, while /proc/sys can be written.
    if linux.get("sysctl"):
        sysctls.write(it.root, linux["sysctl"])
    # Masks need /proc, /sys and /dev/null in place, and a root still writable.
    masked = linux.get("maskedPaths", [])
    rootfs.hide(it.root, masked, linux.get("readonlyPaths", []))
    # A mask is the host's /dev/null: what root in the container did to its mode or its owner,
    # through a mount that can be written, would be done to the host's.
    for path in masked:
        _protect(it.root, path, missing=True)
    # Read-only last: mount points and nodes had to be made.
    if config["root"].get("readonly"):
        rootfs.make_read_only(it.root)
    # All is in place: step in, and let the host's root go.
    rootfs.pivot(it.root)


def _stack(it: Start, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mount the image's layers, if they are the root, and return the other mounts."""
    if not rows or rows[0]["type"] != "overlay" or rows[0]["destination"] != "/":
        return rows
    # Until lab 8 a student's engine has images of one layer: an overlay as any other mount.
    if swap.locked("layers"):
        return rows
    lowers, upper, work, words = layers_options.parse(rows[0]["options"])
    layers.mount(lowers, upper, work, it.root, words)
    return rows[1:]


def _mounts(it: Start, rows: list[dict[str, Any]]) -> list[rootfs.Mount]:
    mounts = []
    for row in rows:
        words = [word for word in row.get("options", ()) if word != RECURSIVELY]
        mount = rootfs.Mount(row["destination"], row["type"], row.get("source", "none"), words)
        if mount.source in it.borrowed:
            mount.source = it.borrowed[mount.source](f"{os.path.dirname(it.root)}/shm")
        if mount.type != "cgroup":
            mounts.append(mount)
        elif it.group:
            mounts += _cgroup_mounts(mount, it.group, private="cgroup" in it.kinds)
    return mounts


def _cgroup_mounts(
    mount: rootfs.Mount, group: cgroups_tree.Group, private: bool
) -> list[rootfs.Mount]:
    """Return the mounts that show a container its own control group. config-linux.md.

    With version 2 they are one, whose root is that of a *private* cgroup namespace. Without
    one it is the host's tree, which a user namespace may bind and not mount anew.
    """
    tree = group.tree
    if tree.version == "v2" and private:
        return [rootfs.Mount(mount.target, "cgroup2", "cgroup", mount.options)]
    if tree.version == "v2":
        return [rootfs.Mount(mount.target, "bind", tree.unified, ["bind", *mount.options])]
    rows = [rootfs.Mount(mount.target, "tmpfs", "tmpfs", ["nosuid", "noexec", "nodev", "mode=755"])]
    for outside in sorted(set(tree.trees.values())):
        target = f"{mount.target}/{os.path.basename(outside)}"
        rows.append(rootfs.Mount(target, "bind", outside + group.path, ["bind", *mount.options]))
    return rows


def _protect(root: str, path: str, missing: bool = False) -> None:
    """Make what is mounted at *path* in *root*, and below it, read-only. mount_setattr(2).

    It may be *missing*: this kernel does not have every file that is to be masked.
    """
    try:
        target = rootfs_paths.locate(root, path, resolve=rootfs_paths.STRICT)
        flags = syscalls_mounts.AT_RECURSIVE
        syscalls_mounts.mount_setattr(target, syscalls_mounts.MOUNT_ATTR_RDONLY, flags=flags)
        os.close(target)
    except OSError as error:
        if missing and error.errno in (2, 20):  # ENOENT, ENOTDIR
            return
        raise RootfsError(f"cannot make {path} read-only: {reason(error)}") from error
