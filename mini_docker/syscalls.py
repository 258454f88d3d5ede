"""The system calls that Python's os module lacks.

Each function is one call of the kernel with its manual page's name and
arguments, and raises OSError with the kernel's errno and the object's name.
What a refusal means is for the caller to say: it knows what it was doing.

The graders put a ``course/pretend_*.py`` in the place of this module, so that a lab
can be checked without root. That is why the topics reach mount, namespaces and
the like through here and nowhere else.

The foreign calls themselves are in syscalls_foreign.py.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import Array
    from types import ModuleType
    from typing import Any

# <linux/sched.h>: one flag for each kind of namespace.
CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# <linux/mount.h>, for mount(2) and umount2(2).
MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_NOATIME = 1024
MS_NODIRATIME = 2048
MS_BIND = 4096
MS_REC = 16384
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_STRICTATIME = 1 << 24
MNT_DETACH = 2

# <linux/openat2.h>: how openat2 resolves a path.
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10
O_PATH = 0o10000000

# statfs(2), f_type: what kind of file system a directory is on.
CGROUP2_SUPER_MAGIC = 0x63677270
CGROUP_SUPER_MAGIC = 0x27E0EB

PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_OPENAT2 = 437
_BY_MACHINE = {  # the calls that glibc 2.36 does not wrap
    "x86_64": {"pivot_root": 155, "keyctl": 250, "capget": 125, "capset": 126, "bpf": 321},
    "aarch64": {"pivot_root": 41, "keyctl": 219, "capget": 90, "capset": 91, "bpf": 280},
}
_KEYCTL_JOIN_SESSION_KEYRING = 1
_CAPABILITY_VERSION_3 = 0x20080522


_foreign: ModuleType | None = None


def foreign() -> ModuleType:
    """Return syscalls_foreign, which many a command never needs."""
    global _foreign
    if _foreign is None:
        from mini_docker import syscalls_foreign

        _foreign = syscalls_foreign
    return _foreign


def _call(name: str, *arguments: int | bytes | Array[Any] | None) -> int:
    """Call the C function *name*; None is a null pointer. Its errno is for _check to read."""
    return int((_foreign or foreign()).call(name, *arguments))


def _check(result: int, *names: str | None) -> int:
    """Return *result*, or raise OSError(errno) with the first of *names* as its file."""
    if result < 0:
        error = foreign().errno()
        raise OSError(error, os.strerror(error), *(name for name in names[:1] if name))
    return result


def checked(name: str, *arguments: int | bytes | None) -> int:
    """Call the C function *name* for a module beside this one; OSError if it returns -1."""
    return _check(_call(name, *arguments))


def _number(name: str) -> int:
    machine = os.uname().machine
    try:
        return _BY_MACHINE[machine][name]
    except KeyError:
        raise OSError(38, f"{name} has no known number on {machine}") from None


def _bytes(text: str | None) -> bytes | None:
    """Return *text* for the kernel; it would read no further than a null byte, so refuse one."""
    if text is not None and "\0" in text:
        raise OSError(22, "Invalid argument: embedded null byte", text)
    return None if text is None else os.fsencode(text)


def clone(flags: int) -> int:
    """Fork; the child starts in a new namespace for each CLONE_NEW* bit of *flags*.

    Return 0 in the child and its pid in the parent, as os.fork does. clone3(2).
    """
    from mini_docker import syscalls_clone

    return syscalls_clone.clone(flags)


def unshare(flags: int) -> None:
    """Move the caller into new namespaces; CLONE_NEWPID and _NEWTIME count for its next children.

    unshare(2).
    """
    _check(_call("unshare", flags))


def setns(descriptor: int, flags: int = 0) -> None:
    """Enter the namespace that *descriptor*, an open /proc/PID/ns file, stands for. setns(2)."""
    _check(_call("setns", descriptor, flags))


def mount(
    source: str | None, target: str, fstype: str | None = None, flags: int = 0, data: str = ""
) -> None:
    """Attach a file system at *target*, or change what is there. mount(2)."""
    names = _bytes(source), _bytes(target), _bytes(fstype)
    _check(_call("mount", *names, flags, _bytes(data) or None), target)


def umount(target: str, flags: int = 0) -> None:
    """Detach what is mounted at *target*. umount2(2)."""
    _check(_call("umount2", _bytes(target), flags), target)


def pivot_root(new_root: str, put_old: str) -> None:
    """Make the mount *new_root* the root; the old root appears at *put_old*. pivot_root(2)."""
    _check(_call("syscall", _number("pivot_root"), _bytes(new_root), _bytes(put_old)), new_root)


def openat2(directory: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
    """Open *path* below the descriptor *directory* as *resolve* allows. openat2(2)."""
    how = struct.pack("3Q", flags | os.O_CLOEXEC, mode, resolve)
    return _check(_call("syscall", _OPENAT2, directory, _bytes(path), how, len(how)), path)


def filesystem_type(place: str | int) -> int:
    """Return the magic number of the file system of *place*, path or descriptor. statfs(2)."""
    buffer = foreign().longs(bytes(256))
    name, it = ("fstatfs", place) if isinstance(place, int) else ("statfs", _bytes(place))
    _check(_call(name, it, buffer), str(place))
    return int(buffer[0]) & 0xFFFFFFFF


def prctl(option: int, *arguments: int) -> int:
    """Ask for or change a property of the calling process. prctl(2)."""
    return _check(_call("prctl", option, *[*arguments, 0, 0, 0, 0][:4]))


def capget() -> tuple[int, int, int]:
    """Return the caller's effective, permitted and inheritable sets as bit masks. capget(2)."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    data = foreign().longs(bytes(24))
    _check(_call("syscall", _number("capget"), header, data))
    low = struct.unpack("6I", bytes(data))
    return low[0] | low[3] << 32, low[1] | low[4] << 32, low[2] | low[5] << 32


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set the caller's effective, permitted and inheritable sets. capset(2)."""
    sets = effective, permitted, inheritable
    words = [part & 0xFFFFFFFF for shift in (0, 32) for part in (s >> shift for s in sets)]
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_call("syscall", _number("capset"), header, struct.pack("6I", *words)))


def sethostname(name: str) -> None:
    """Set the host name of the caller's UTS namespace. sethostname(2)."""
    encoded = os.fsencode(name)
    _check(_call("sethostname", encoded, len(encoded)), name)


def setdomainname(name: str) -> None:
    """Set the NIS domain name of the caller's UTS namespace. setdomainname(2)."""
    encoded = os.fsencode(name)
    _check(_call("setdomainname", encoded, len(encoded)), name)


def join_session_keyring(name: str) -> None:
    """Give the caller a new session keyring called *name*. keyctl(2)."""
    number = _number("keyctl")
    _check(_call("syscall", number, _KEYCTL_JOIN_SESSION_KEYRING, _bytes(name)), name)


def bpf(command: int, attributes: bytes) -> int:
    """Load or attach a BPF program; *attributes* is the packed union bpf_attr. bpf(2)."""
    return _check(_call("syscall", _number("bpf"), command, attributes, len(attributes)))
