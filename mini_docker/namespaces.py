"""Namespaces: what a process sees of the machine.

Each process belongs to one namespace of every kind. The kernel shows them as
links in /proc/PID/ns; two processes share a namespace when their links hold the
same number.

    clone      a new process, born in new namespaces
    unshare    the caller moves into new ones
    setns      the caller moves into existing ones

A new pid namespace is for children: no process ever changes its own pid. Its
first process is number 1, and when that one ends the kernel kills all the rest.

Chapter: chapters/02-namespaces.md
Lab:     labs/02_namespaces/
"""

from __future__ import annotations

import os

from mini_docker import syscalls
from mini_docker.errors import NamespaceError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# The names are those of /proc/PID/ns. The order is the one to enter them in: the user
# namespace first, because it brings the rights that the others ask for; mnt late,
# because from then on /proc is the other side's; time last, it is the rarest.
FLAGS = {
    "user": syscalls.CLONE_NEWUSER,
    "cgroup": syscalls.CLONE_NEWCGROUP,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "net": syscalls.CLONE_NEWNET,
    "pid": syscalls.CLONE_NEWPID,
    "mnt": syscalls.CLONE_NEWNS,
    "time": syscalls.CLONE_NEWTIME,
}


def create(kinds: Iterable[str]) -> int:
    """Fork; the child is born in a new namespace of each of *kinds*, such as {"pid", "uts"}.

    Return 0 in the child and its pid in the parent, as os.fork does. One call of
    clone makes all of them: with "user" among them the kernel makes that one first,
    and the others belong to it.

    Raises NamespaceError, naming the kinds, if the kernel refuses. clone(2),
    namespaces(7).
    """
    wanted = sorted(kinds)
    flags = 0
    for kind in wanted:
        flags |= flag(kind)
    try:
        return syscalls.clone(flags)
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot create namespaces {names}: {_why(error, wanted)}") from error


def enter(pid: int, kinds: Iterable[str]) -> None:
    """Move the caller into the namespaces of process *pid*, of each of *kinds*.

    Open all of /proc/PID/ns first: after the first step the caller's /proc may be
    another one, or the process may be gone. Then enter them in the order of FLAGS. A
    namespace that the caller is in already is left out: the kernel would refuse to
    enter its own user namespace again. Entering "pid" counts for the caller's next
    child, not for the caller.

    Raises NamespaceError, naming the kind and the pid. setns(2), pid_namespaces(7).
    """
    wanted = set(kinds)
    for kind in wanted:
        flag(kind)  # refuses a name that is no kind
    mine, theirs = listing(os.getpid()), listing(pid)
    wanted = {kind for kind in wanted if theirs.get(kind) != mine.get(kind)}
    opened: dict[str, int] = {}
    try:
        for kind in FLAGS:
            if kind in wanted:
                opened[kind] = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        for kind, descriptor in opened.items():
            syscalls.setns(descriptor, FLAGS[kind])
    except OSError as error:
        which = f"{kind} namespace of process {pid}"
        raise NamespaceError(f"cannot enter the {which}: {reason(error)}") from error
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def listing(pid: int) -> dict[str, int]:
    """Return the namespaces of process *pid*: a number for each kind of FLAGS.

    The link /proc/PID/ns/uts reads ``uts:[4026531838]``; the number in brackets is the
    namespace's inode number, the same for everybody inside. A kind that this kernel
    does not have is left out.

    Raises NamespaceError if there is no such process, or it may not be looked at.
    """
    found: dict[str, int] = {}
    for kind in FLAGS:
        try:
            text = os.readlink(f"/proc/{pid}/ns/{kind}")
        except OSError as error:
            if isinstance(error, FileNotFoundError) and os.path.exists(f"/proc/{pid}/ns"):
                continue
            raise NamespaceError(
                f"cannot list the namespaces of process {pid}: {reason(error)}"
            ) from error
        found[kind] = int(text.partition("[")[2].rstrip("]"))
    return found


def flag(kind: str) -> int:
    """Return the CLONE_NEW* bit of *kind*; NamespaceError if there is no such kind."""
    try:
        return FLAGS[kind]
    except KeyError:
        kinds = ", ".join(FLAGS)
        raise NamespaceError(f"there is no {kind!r} namespace: the kinds are {kinds}") from None


def unshare(kinds: Iterable[str]) -> None:
    """Move the caller itself into new namespaces of *kinds*. unshare(2).

    An engine needs this for one kind: a cgroup namespace has the caller's present
    group as its root, so it can only be made once the caller is in the right one.
    """
    wanted = sorted(kinds)
    try:
        syscalls.unshare(sum(flag(kind) for kind in wanted))
    except OSError as error:
        names = ", ".join(wanted)
        raise NamespaceError(f"cannot unshare {names}: {_why(error, wanted)}") from error


def _why(error: OSError, kinds: list[str]) -> str:
    """Say what the kernel's errno means here, and what to do about it. clone(2), ERRORS."""
    if isinstance(error, PermissionError):
        if "user" in kinds:
            return "not permitted: this system forbids user namespaces (see `lab doctor`)"
        return "not permitted: run it as root (sudo)"
    if error.errno == 28:  # ENOSPC
        return "too many namespaces: see /proc/sys/user/max_*_namespaces"
    if error.errno == 22:  # EINVAL
        return "this kernel lacks one of these kinds: compare with ls /proc/self/ns"
    return reason(error)
