"""The names of the capabilities, and the bit that each has in a set.

<linux/capability.h>, capabilities(7). A set is one number: bit n stands for capability n.
"""

from __future__ import annotations

from mini_docker.errors import UsageError

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
NAMES = tuple(f"CAP_{name}" for name in _ROW.split())
BIT = {name: 1 << number for number, name in enumerate(NAMES)}
DEFAULT = [f"CAP_{name}" for name in _DOCKERS_FOURTEEN.split()]
EVERYTHING = (1 << len(NAMES)) - 1
ALL = "ALL"  # the word that stands for every capability in --cap-add and --cap-drop


def canonical(name: str) -> str:
    """Return *name* as the kernel's headers write it; "ALL" stays what it is.

    >>> canonical("net_admin"), canonical("Cap_Chown"), canonical("all")
    ('CAP_NET_ADMIN', 'CAP_CHOWN', 'ALL')

    Raises UsageError, in Docker's words and with the nearest name, for one that is none.
    """
    upper = name.upper()
    if upper == ALL:
        return ALL
    full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if full not in BIT:
        raise UsageError(f"unknown capability: {_quoted(full)}{_nearest(full)}")
    return full


def mask(names: Iterable[str]) -> int:
    """Return the bits of *names*, in any of the forms that canonical() takes.

    >>> hex(mask(["CHOWN", "cap_kill"]))
    '0x21'
    """
    bits = 0
    for name in names:
        full = canonical(name)
        bits |= EVERYTHING if full == ALL else BIT[full]
    return bits


def names(bits: int) -> list[str]:
    """Return the names of the capabilities in *bits*, in the order of their numbers.

    >>> names(0x21)
    ['CAP_CHOWN', 'CAP_KILL']
    """
    return [name for name, bit in BIT.items() if bits & bit]


def _quoted(text: str) -> str:
    shown = text if len(text) <= 40 else f"{text[:40]}..."
    return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown) + '"'


def _nearest(full: str) -> str:
    import difflib  # slow to import, and only a mistake needs it

    near = difflib.get_close_matches(full[4:40], [name[4:] for name in NAMES], 1, 0.7)
    return f" (did you mean CAP_{near[0]}?)" if near else ""
