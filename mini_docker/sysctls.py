"""--sysctl: settings of the kernel that each namespace has for itself.

/proc/sys shows hundreds of settings. A few belong to a namespace, and are the container's
to choose; all others are the whole machine's. sysctl(8), config-linux.md, "Sysctl".
"""

from __future__ import annotations

import os

from mini_docker.errors import KernelError, UsageError, reason
from mini_docker.rootfs_paths import STRICT, locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_IPC = "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced"
IPC = frozenset(f"kernel.{name}" for name in _IPC.split())
# Docker's own, where the network is the container's: its ports below 1024 need no
# capability, and ping no raw socket.
DEFAULTS = {
    "net.ipv4.ip_unprivileged_port_start": "0",
    "net.ipv4.ping_group_range": "0 2147483647",
}


def parse(text: str) -> tuple[str, str]:
    """Return --sysctl=NAME=VALUE as two words; ValueError, in Docker's words, if not allowed."""
    name, equals, value = text.partition("=")
    clean = all(part not in ("", ".", "..") for part in _path(name).split("/"))
    if not equals or not clean or _namespace(name) == "" or "\0" in text:
        raise ValueError(f"sysctl '{text}' is not allowed")
    return name, value


def check(name: str, shared: Mapping[str, bool]) -> None:
    """Raise UsageError, in runc's words, if *name* would change the host's own namespace.

    *shared* says of "ipc" and "network" whether the container has the host's.
    """
    if shared["ipc"] and _namespace(name) == "ipc":
        raise UsageError(f'sysctl "{name}" is not allowed in the hosts ipc namespace')
    if shared["network"] and _namespace(name) == "network":
        raise UsageError(f'sysctl "{name}" not allowed in host network namespace')


def write(root: str, values: Mapping[str, str]) -> None:
    """Write *values* into the /proc/sys of *root*, from inside the namespaces that they are for.

    Before /proc/sys is made read-only. Raises KernelError, naming the setting. A setting
    of DEFAULTS that this kernel does not have, or refuses here, is left out.
    """
    for name, value in values.items():
        try:
            file = locate(root, f"/proc/sys/{_path(name)}", os.O_WRONLY, STRICT)
        except OSError as error:
            if DEFAULTS.get(name) == value:
                continue
            raise KernelError(f"cannot set sysctl {name}: {reason(error)}") from error
        try:
            os.write(file, value.encode())
        except OSError as error:
            # A user namespace without the groups of the range cannot set it.
            if DEFAULTS.get(name) != value:
                why = f"{reason(error)}: {value!r}"
                raise KernelError(f"cannot set sysctl {name}: {why}") from error
        finally:
            os.close(file)


def _namespace(name: str) -> str:
    dotted = name.replace("/", ".")
    if dotted in IPC or dotted.startswith("fs.mqueue."):
        return "ipc"
    return "network" if dotted.startswith("net.") else ""


def _path(name: str) -> str:
    """Return *name* as a path; where a slash separates, a dot belongs to a name ("eth0.1")."""
    return name if "/" in name.partition(".")[0] else name.replace(".", "/")
