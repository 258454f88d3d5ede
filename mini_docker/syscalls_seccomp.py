"""seccomp(2): the call that puts a filter on a thread. See syscalls.py."""

from __future__ import annotations

import os
import struct

from mini_docker import syscalls

# <linux/seccomp.h>: the flags that an OCI configuration may name, and their bits.
FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1 << 0,  # all threads of the process get the filter
    "SECCOMP_FILTER_FLAG_LOG": 1 << 1,  # what is not allowed may be logged
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 1 << 2,  # do not slow the process down against Spectre 4
}
_SET_MODE_FILTER = 1
_NUMBER = {"x86_64": 317, "aarch64": 277}


def set_filter(program: bytes, flags: int) -> None:
    """Add the filter *program*, an array of struct sock_filter, to the calling thread's.

    *flags* is a sum of bits of FLAGS. OSError as the kernel has it; ESRCH if TSYNC was
    asked for and another thread has filters that this one lacks. seccomp(2).
    """
    machine = os.uname().machine
    if machine not in _NUMBER:
        raise OSError(38, f"seccomp has no known number on {machine}")
    foreign = syscalls.foreign()
    array = foreign.longs(program)
    described = struct.pack("@HP", len(array), foreign.address(array))  # struct sock_fprog
    thread = syscalls.checked("syscall", _NUMBER[machine], _SET_MODE_FILTER, flags, described)
    if thread:
        raise OSError(3, f"thread {thread} cannot take the filter")
