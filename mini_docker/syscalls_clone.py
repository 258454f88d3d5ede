"""clone3(2): a fork into new namespaces, also from a process with several threads."""

from __future__ import annotations

import _thread
import os
import struct

from mini_docker import syscalls_foreign

SIGCHLD = 17
CLONE_PARENT = 0x00008000  # <linux/sched.h>: the child is its maker's sibling
_CLONE3 = 435
_EAGAIN = 11


def clone(flags: int) -> int:
    """Do what syscalls.clone() promises.

    The C library does not know of a child that its own fork() has not made. In a process with
    several threads that can be the child's end: it waits for threads that it does not have, as
    when it changes its user (nptl(7), "NPTL and process credential changes"). So there a fork
    comes first; what it has made is alone, and makes the child as its sibling.
    """
    return _from_alone(flags) if _thread._count() else _clone(flags, SIGCHLD)


def _clone(flags: int, exit_signal: int) -> int:
    arguments = struct.pack("11Q", flags, 0, 0, 0, exit_signal, 0, 0, 0, 0, 0, 0)
    # What os.fork does around its own fork: locks are taken, and renewed in the child.
    syscalls_foreign.call("PyOS_BeforeFork")
    pid = syscalls_foreign.call("syscall", _CLONE3, arguments, len(arguments))
    error = syscalls_foreign.errno()
    if pid == 0:
        syscalls_foreign.call("PyOS_AfterFork_Child")
        return 0
    syscalls_foreign.call("PyOS_AfterFork_Parent")
    if pid < 0:
        raise OSError(error, os.strerror(error))
    return pid


def _from_alone(flags: int) -> int:
    """Fork, and clone from there: return as clone() does, in the caller and in the new child."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            pid = _clone(flags | CLONE_PARENT, 0)  # its end is told as that of middle would be
        except OSError as error:
            pid = -int(error.errno or _EAGAIN)
        if pid == 0:
            os.close(reader)
            os.close(writer)
            return 0
        os.write(writer, struct.pack("i", pid))
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        told = pipe.read()
    os.waitpid(middle, 0)
    pid = struct.unpack("i", told)[0] if told else -_EAGAIN
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return int(pid)
