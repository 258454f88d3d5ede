"""Control groups: how much of the machine a container may use.

A control group is a directory. The kernel shows the tree of all groups as a file
system, and ordinary file operations do all the work:

    mkdir                               makes a group
    write "+memory" to the parent's     hands a controller down: only then does the
      cgroup.subtree_control            group have memory.max and its kin
    write to memory.max                 sets a limit
    write a pid to cgroup.procs         moves a process in; its children are born there
    write 1 to cgroup.freeze            stops everything in the group
    rmdir                               removes an empty group

This is version 2, one tree for all controllers. Version 1, a tree for each, is in
cgroups_v1.py with the same functions; cgroups_present.py finds out which one is here.

Chapter: chapters/04-cgroups.md
Lab:     labs/04_cgroups/
"""

from __future__ import annotations

import os
import time

from mini_docker import cgroups_limits
from mini_docker.errors import CgroupError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CONTROLLERS = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes; the kernel rounds memory limits down to pages
FREEZE_DEADLINE = 10.0  # seconds
REMOVE_DEADLINE = 2.0  # seconds


def create(root: str, path: str) -> str:
    """Make the group *path*, such as "mini-docker/4fa6", below *root*, and return its directory.

    *root* is the mount of the cgroup file system; *path* may begin with a slash. A group
    has the files of a controller only if its parent hands that one down. So before each
    step into a child, write the names of all controllers of CONTROLLERS that the parent's
    cgroup.controllers lists to the parent's cgroup.subtree_control, each with "+" before it,
    in one write such as "+cpu +memory": the kernel takes all of them or none, so a parent
    that may hand nothing down stays as it was. The new group itself hands nothing down: no
    process could enter it then. A group that exists already is used as it is: a repeated
    create does no harm.

    Raises CgroupError, naming the directory or file and the kernel's reason.
    cgroups(7), "Cgroups v2 subtree control" and "no internal processes rule".
    """
    group = root
    for name in path.strip("/").split("/"):
        offered = read(group, "cgroup.controllers").split()
        if wanted := [f"+{controller}" for controller in CONTROLLERS if controller in offered]:
            write(group, "cgroup.subtree_control", " ".join(wanted))
        group = f"{group}/{name}"
        try:
            os.mkdir(group, 0o755)
        except FileExistsError:
            pass
        except OSError as error:
            raise CgroupError(f"cannot make the group {group}: {reason(error)}") from error
    return group


def apply(group: str, limits: Iterable[tuple[str, str]]) -> list[str]:
    """Write each of *limits*, a file's name and its text, and say what does not hold.

    A file may not exist at all, because this kernel was built without that controller:
    cgroups_limits.discarded(name) is the sentence for that, and the other limits are set
    all the same. After each write read the file again, for the kernel may keep another
    value than it was told; holds(wanted, kept) compares. The answer is one sentence for
    each limit that does not hold, naming the file and what it holds; it is an empty list
    when all of them do.

    Raises CgroupError, naming file and value, if the kernel refuses a write. A limit
    that is not held is for the caller to report, one that is refused is an error.
    cgroup-v2.rst in the kernel's documentation, "Conventions".
    """
    warnings = []
    for name, wanted in limits:
        if not os.path.exists(f"{group}/{name}"):
            warnings.append(cgroups_limits.discarded(name))
            continue
        write(group, name, wanted)
        kept = read(group, name)
        if not holds(wanted, kept):
            warnings.append(f"{group}/{name} holds {kept!r} where {wanted!r} was asked for")
    return warnings


def freeze(group: str, frozen: bool = True) -> None:
    """Stop every process of *group*, or let them run again; return when that is so.

    Write 1 or 0 to cgroup.freeze. The write only starts it: each process stops at its
    next safe place. The line "frozen 1" or "frozen 0" in cgroup.events tells when the
    last one has. A process that cannot stop, waiting for a dead disk, would keep us
    for ever: give up after FREEZE_DEADLINE seconds, and undo the write.

    Raises CgroupError if the deadline passes. cgroups(7), "cgroup.events".
    """
    state = str(int(frozen))
    write(group, "cgroup.freeze", state)
    give_up = time.monotonic() + FREEZE_DEADLINE
    while table(group, "cgroup.events").get("frozen") != int(state):
        if time.monotonic() > give_up:
            write(group, "cgroup.freeze", str(int(not frozen)))
            verb = "freeze" if frozen else "thaw"
            raise CgroupError(f"cannot {verb} {group}: not done after {FREEZE_DEADLINE:g} s")
        time.sleep(0.001)


def statistics(group: str) -> dict[str, int]:
    """Return what *group* uses, as numbers.

        cpu       nanoseconds of processor time (usage_usec of cpu.stat is in microseconds)
        memory    bytes in use, without the page cache that can be dropped at once:
                  memory.current less inactive_file of memory.stat, as Docker counts
        limit     memory.max in bytes; 0 for no limit
        pids      processes and threads
        read      bytes read from all block devices: rbytes of io.stat, summed
        written   bytes written to them: wbytes

    A controller that is not here counts as 0. cgroup-v2.rst in the kernel's documentation.
    """
    used = number(group, "memory.current")
    io = [pair for line in text(group, "io.stat").splitlines() for pair in line.split()[1:]]
    return {
        "cpu": table(group, "cpu.stat").get("usage_usec", 0) * 1000,
        "memory": max(0, used - table(group, "memory.stat").get("inactive_file", 0)),
        "limit": number(group, "memory.max"),
        "pids": number(group, "pids.current"),
        "read": sum(int(pair[7:]) for pair in io if pair.startswith("rbytes=")),
        "written": sum(int(pair[7:]) for pair in io if pair.startswith("wbytes=")),
    }


def join(group: str) -> None:
    """Move the calling process into *group*; its future children are born there."""
    write(group, "cgroup.procs", "0")  # 0 stands for the writer itself


def processes(group: str) -> list[int]:
    """Return the pids of all processes in *group* and the groups below it."""
    pids = []
    for directory, _, _ in os.walk(group):
        pids += [int(pid) for pid in text(directory, "cgroup.procs").split()]
    return pids


def remove(group: str) -> None:
    """Remove *group* and the groups below it, which have no processes any more. rmdir(2).

    A group stays busy for a moment after its last process has ended.
    """
    try:
        os.rmdir(group)  # most often it has none below it
        return
    except OSError:
        pass
    give_up = time.monotonic() + REMOVE_DEADLINE
    below = [directory for directory, _, _ in os.walk(group)]
    for directory in reversed(below):
        while True:
            try:
                os.rmdir(directory)
                break
            except FileNotFoundError:
                break
            except OSError as error:
                if time.monotonic() > give_up:
                    why = reason(error)
                    raise CgroupError(f"cannot remove the group {directory}: {why}") from error
                time.sleep(0.001)


def holds(wanted: str, kept: str) -> bool:
    """Say whether a file that shows *kept* holds the limit *wanted*.

    Memory is kept in whole pages; a line of io.max has the keys that nobody set as well.
    """
    if wanted == kept or wanted.split() == kept.split():
        return True
    if wanted.isdecimal() and kept.isdecimal():
        return int(kept) == int(wanted) // PAGE * PAGE
    device, *limits = wanted.split() or [""]
    lines = [line.split() for line in kept.splitlines()]
    if any({device, *limits} <= set(line) for line in lines):
        return True
    # A device without any limit has no line.
    unlimited = bool(limits) and all(limit.endswith("=max") for limit in limits)
    return unlimited and not any(line[:1] == [device] for line in lines)


def write(group: str, name: str, value: str) -> None:
    """Write *value* to the file *name* of *group*; CgroupError, naming all three."""
    try:
        descriptor = os.open(f"{group}/{name}", os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        why = reason(error)
        if error.errno == 16 and name == "cgroup.subtree_control":  # EBUSY
            why = "it has processes of its own, and a group has processes or children, never both"
        elif error.errno == 95 and name.startswith("io."):  # EOPNOTSUPP
            why = "no scheduler of this disk shares it out (neither bfq nor io.cost)"
        elif error.errno == 16 and name.startswith("memory."):
            why = "more than that is in use, and the kernel cannot free enough of it"
        elif error.errno == 1 and os.geteuid() == 0:  # EPERM
            why = "not permitted, and that to root: see `lab doctor`"
        raise CgroupError(f"cannot write {value!r} to {group}/{name}: {why}") from error


def read(group: str, name: str) -> str:
    """Return the text of the file *name* of *group*, stripped; CgroupError, naming the file."""
    try:
        with open(f"{group}/{name}") as file:
            return file.read().strip()
    except OSError as error:
        raise CgroupError(f"cannot read {group}/{name}: {reason(error)}") from error


def text(group: str, name: str) -> str:
    """Return the text of the file *name* of *group*, or "" if there is no such file."""
    return read(group, name) if os.path.exists(f"{group}/{name}") else ""


def number(group: str, name: str) -> int:
    """Return the number in the file *name* of *group*; 0 for "max" or no such file."""
    found = text(group, name)
    return int(found) if found.isdecimal() else 0


def table(group: str, name: str) -> dict[str, int]:
    """Return the lines "key number" of the file *name* of *group*; {} if there is none."""
    pairs = [line.split() for line in text(group, name).splitlines()]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
