"""Namespaces: what a process sees of the machine.

Each process belongs to one namespace of every kind. The kernel shows them as
links in /proc/PID/ns; two processes share a namespace when their links hold the
same number.

    clone      a new process, born in new namespaces
    unshare    the caller moves into new ones
    setns      the caller moves into existing ones

A new pid namespace is for children: no process ever changes its own pid. Its
first process is number 1, and when that one ends the kernel kills all the rest.

What an engine needs besides stands in namespaces_join.py.

Chapter: chapters/02-namespaces.md
Lab:     labs/02_namespaces/
"""

from __future__ import annotations

import errno
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


def listing(pid: int | str) -> dict[str, int]:
    """Return the namespaces of process *pid*, or "self": a number for each kind of FLAGS.

    The link /proc/PID/ns/uts reads ``uts:[4026531838]``; the number in brackets is the
    namespace's inode number, the same for everybody inside. Other links stand beside
    these, such as pid_for_children: they are no kinds. A kind without a link, because
    this kernel does not have it, is left out.

    Raises NamespaceError, naming the pid and the reason (_why), if there is no such
    process or the caller may not look at it. namespaces(7), section "The /proc/pid/ns/
    directory".
    """
    found: dict[str, int] = {}
    try:
        links = os.listdir(f"/proc/{pid}/ns")
        for kind in FLAGS:
            if kind in links:
                text = os.readlink(f"/proc/{pid}/ns/{kind}")
                found[kind] = int(text.partition("[")[2].rstrip("]"))
    except OSError as error:
        message = f"cannot list the namespaces of process {pid}: {_why(error)}"
        raise NamespaceError(message) from error
    return found


def create(kinds: Iterable[str]) -> int:
    """Fork; the child is born in a new namespace of each of *kinds*, such as {"pid", "uts"}.

    Return 0 in the child and its pid in the parent, as os.fork does. The caller stays
    in the namespaces that it has. One syscalls.clone makes all of the new ones: its
    argument is the flags of the kinds, joined by ``|``. With "user" among them the
    kernel makes that one first, and the others belong to it. No kinds: a plain fork.

    Raises NamespaceError if a name is no kind (flag finds out), before anything is
    made; and if the kernel refuses, naming the kinds and the reason (_why). There is no
    child then: a program must not run with fewer walls than were asked for.
    clone(2), namespaces(7).
    """
    wanted = sorted(set(kinds))
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

    Open the files /proc/PID/ns/KIND of all kinds first: after the first step the
    caller's /proc may be another one, or the process may be gone. Then give each open
    file to syscalls.setns with the kind's flag, in the order of FLAGS, and close what
    was opened, also after a failure: an open file keeps its namespace alive.

    Leave out a namespace that the caller is in already: the kernel refuses to enter
    one's own user namespace again. listing("self") and listing(pid) tell; the number
    that os.getpid() gives may not be the one that /proc knows the caller by. Entering
    "pid" counts for the caller's next child, not for the caller.

    Raises NamespaceError if a name is no kind or there is no such process, before
    anything is entered; and if the kernel refuses, naming the kind, the pid and the
    reason (_why). setns(2), pid_namespaces(7).
    """
    wanted = set(kinds)
    for kind in wanted:
        flag(kind)  # refuses a name that is no kind
    mine, theirs = listing("self"), listing(pid)
    opened: dict[str, int] = {}
    try:
        for kind in FLAGS:
            if kind in wanted and theirs.get(kind) != mine.get(kind):
                opened[kind] = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
        for kind, descriptor in opened.items():
            syscalls.setns(descriptor, FLAGS[kind])
    except OSError as error:
        which = f"{kind} namespace of process {pid}"
        raise NamespaceError(f"cannot enter the {which}: {_why(error)}") from error
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def flag(kind: str) -> int:
    """Return the CLONE_NEW* bit of *kind*; NamespaceError if there is no such kind."""
    try:
        return FLAGS[kind]
    except KeyError:
        kinds = ", ".join(FLAGS)
        raise NamespaceError(f"there is no {kind!r} namespace: the kinds are {kinds}") from None


def _why(error: OSError, new: Iterable[str] = ()) -> str:
    """Say what the kernel's errno means, and what to do; *new* are the kinds to create.

    clone(2) and setns(2), ERRORS.
    """
    if error.errno in (errno.ENOENT, errno.ESRCH):
        return "there is no such process, or it has ended"
    if error.errno == errno.EPERM and "user" in new:
        return "not permitted: this system forbids user namespaces (see `lab doctor`)"
    if error.errno in (errno.EPERM, errno.EACCES):
        return "not permitted: run it as root (sudo)"
    if error.errno == errno.ENOSPC:
        return "too many namespaces: see /proc/sys/user/max_*_namespaces"
    if error.errno == errno.EINVAL and new:
        return "this kernel lacks one of these kinds: compare with ls /proc/self/ns"
    return reason(error)
