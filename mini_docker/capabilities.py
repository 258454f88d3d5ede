"""Capabilities: root's power in 41 parts, and the few that a container gets.

Each process has five sets. The bounding set is a ceiling that only sinks; permitted
is what it may use, effective what it uses now; inheritable and ambient travel over
exec. capabilities(7).
"""

from __future__ import annotations

from mini_docker import syscalls
from mini_docker.errors import KernelError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# In the order of <linux/capability.h>: the place in the row is the number of the bit.
_ROW = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE "
    "NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO "
    "SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME "
    "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG "
    "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
_DOCKERS_FOURTEEN = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
    "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
)
NAMES = tuple(_ROW.split())
BIT = {f"CAP_{name}": 1 << number for number, name in enumerate(NAMES)}
DEFAULT = [f"CAP_{name}" for name in _DOCKERS_FOURTEEN.split()]


def mask(names: Iterable[str]) -> int:
    """Return the bits of *names*, such as "CAP_CHOWN"; UsageError for one that is none."""
    bits = 0
    for name in names:
        if name not in BIT:
            raise UsageError(f"unknown capability {name!r}")
        bits |= BIT[name]
    return bits


def bound(wanted: int) -> None:
    """Take everything that is not in *wanted* out of the caller's bounding set.

    This asks for CAP_SETPCAP, so it comes before a change of user. What was not in the
    set before cannot come back: a container never has more than its engine.
    """
    for number, name in enumerate(NAMES):
        if wanted >> number & 1:
            continue
        try:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == 22:  # EINVAL: this kernel ends here, it has fewer capabilities
                return
            raise KernelError(f"cannot drop CAP_{name}: {reason(error)}") from error


def apply(wanted: int, root: bool) -> None:
    """Make *wanted*, less what the caller lacks, its permitted and effective set.

    A user other than root (*root* is false) keeps none of it over exec, as Docker has
    it: its effective, permitted and ambient sets are empty.
    """
    _, permitted, _ = syscalls.capget()
    kept = wanted & permitted if root else 0
    try:
        syscalls.prctl(syscalls.PR_CAP_AMBIENT, syscalls.PR_CAP_AMBIENT_CLEAR_ALL)
        syscalls.capset(kept, kept, 0)
    except OSError as error:
        raise KernelError(f"cannot set the capabilities: {reason(error)}") from error
