"""What a start needs of namespaces besides creating and entering those of a process.

A container may use a namespace that exists already, such as another container's
network, named by a path. And one kind cannot be made at birth: a cgroup namespace
has its maker's present group as root, so it has to wait until the child is in its own.
"""

from __future__ import annotations

import os

from mini_docker import namespaces, syscalls
from mini_docker.errors import NamespaceError, reason


def join(paths: dict[str, str]) -> None:
    """Enter the namespaces at *paths*, such as {"net": "/proc/4321/ns/net"}. setns(2)."""
    for kind, path in paths.items():
        try:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                syscalls.setns(descriptor, namespaces.flag(kind))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise NamespaceError(f"cannot join {path}: {reason(error)}") from error


def unshare(kind: str) -> None:
    """Move the caller itself into a new namespace of *kind*. unshare(2)."""
    try:
        syscalls.unshare(namespaces.flag(kind))
    except OSError as error:
        raise NamespaceError(f"cannot unshare {kind}: {reason(error)}") from error
