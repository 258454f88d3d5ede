"""The engine's own program file, out of the reach of a container that may trace processes.

While a process of ours is in a container's pid namespace, as its init or on its way in, it
is not dumpable: nobody in there may open /proc/PID/exe, which is the host's Python. Nobody
but a holder of CAP_SYS_PTRACE, whom that flag does not stop. Such a one could keep the file
open and write to it once nobody runs it: the next command on the host would be the
container's (CVE-2019-5736).

What is opened through /proc/PID/exe comes with the mount that the program was started from.
So the engine starts itself once more, from a copy of the mount that is read-only and that
no path leads to. It costs the start of an interpreter, and only where somebody could look.

open_tree(2), mount_setattr(2), execveat(2); proc(5), /proc/pid/exe.
"""

from __future__ import annotations

import os
import sys

from mini_docker.errors import KernelError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROGRAM = "/proc/self/exe"
TRACED = "mini-docker.traced"  # an annotation in config.json: see tracers.py
RIGHTS = frozenset(("ALL", "SYS_PTRACE", "CAP_SYS_PTRACE"))


def seen_by_init(host: dict[str, Any]) -> bool:
    """Say whether a container with the HostConfig *host* could trace us while we start it.

    Its first process is alone in a new pid namespace and becomes the container's program:
    nobody sees us there, unless we stay as init, or the namespace is another container's.
    """
    if host.get("PidMode", "").startswith("container:"):
        return True  # whatever that one may do
    return bool(host.get("Init")) and may_trace(host)


def may_trace(host: dict[str, Any]) -> bool:
    """Say whether the HostConfig *host* asks for the right to trace processes."""
    added = {word.upper() for word in host.get("CapAdd") or ()}
    return bool(host.get("Privileged") or added & RIGHTS)


def seen_by_exec(config: dict[str, Any]) -> bool:
    """Say whether somebody in the container of *config*, a config.json, could trace us there."""
    if announced(config):
        return True
    if any(row["type"] == "pid" and row.get("path") for row in config["linux"]["namespaces"]):
        return True
    rights = config["process"].get("capabilities")
    return rights is None or "CAP_SYS_PTRACE" in rights["bounding"]


def announced(config: dict[str, Any]) -> bool:
    """Say whether a tracer has been let into the container of *config* (tracers.announce)."""
    return TRACED in config.get("annotations", {})


def ensure() -> None:
    """Return if our program file is on a read-only mount; start ourselves anew from one if not.

    Call it before anything is made: the new process begins from the start, with the same
    arguments and environment. An ordinary user's engine is left as it is: the interpreter
    is not the user's, so neither is it a container's to write.

    Raises KernelError if the kernel (before 5.12) cannot do it.
    """
    if os.geteuid() != 0 or os.statvfs(PROGRAM).f_flag & os.ST_RDONLY:
        return
    from mini_docker import syscalls_mounts

    try:
        copy = syscalls_mounts.open_tree(PROGRAM)
        syscalls_mounts.mount_setattr(copy, syscalls_mounts.MOUNT_ATTR_RDONLY)
        if not os.fstatvfs(copy).f_flag & os.ST_RDONLY:
            raise OSError(30, "the mount stays writable")  # or we would do this for ever
        os.execve(copy, sys.orig_argv, os.environ)
    except PermissionError:
        return  # root of a user namespace: an ordinary user's engine after all
    except OSError as error:
        raise KernelError(f"cannot protect {sys.executable}: {reason(error)}") from error
