"""The system's libseccomp as a witness: it makes its own filter of the same OCI rules.

What is done here is what runc does with a profile (libcontainer/seccomp/seccomp_linux.go):
the same calls of the library, in the same order, and the stub that runc puts in front for
calls newer than the profile (patchbpf/enosys_linux.go) as plain Python in Witness.decide().
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

from tests import bpf

LIBRARY = "libseccomp.so.2"  # Debian: libseccomp2
NATIVE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
OPERATORS = {"NE": 1, "LT": 2, "LE": 3, "EQ": 4, "GE": 5, "GT": 6, "MASKED_EQ": 7}
ACTIONS = {
    "KILL": 0,
    "KILL_THREAD": 0,
    "KILL_PROCESS": 0x80000000,
    "TRAP": 0x00030000,
    "LOG": 0x7FFC0000,
    "ALLOW": 0x7FFF0000,
}
X32_BIT = 1 << 30
_OPTIMIZE = 8  # SCMP_FLTATR_CTL_OPTIMIZE
ENOSYS = 0x00050000 | 38


class _Compare(ctypes.Structure):
    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    ]


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    for name in ("seccomp_arch_add", "seccomp_arch_remove"):
        getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_void_p,
    ]
    library.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_release.restype = None
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    library.seccomp_syscall_resolve_num_arch.argtypes = [ctypes.c_uint32, ctypes.c_int]
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p
    library.seccomp_arch_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    return library


library = _library()  # a missing library is an error of the set-up, and no reason to skip


def number(name: str, architecture: str) -> int | None:
    """Return the number of *name*; None if the call is unknown, or is another call's business."""
    found = pseudo(name, architecture)
    return found if found >= 0 else None


def pseudo(name: str, architecture: str) -> int:
    """Return the number of *name*, a negative one if it has none of its own there."""
    return int(library.seccomp_syscall_resolve_name_arch(_token(architecture), name.encode()))


def name(called: int, architecture: str) -> str | None:
    """Return the name of the call with the number *called*; None if there is none."""
    found = library.seccomp_syscall_resolve_num_arch(_token(architecture), called)
    return None if found is None else str(found.decode())


def knows(name: str) -> bool:
    """Say whether the library has heard of *name* on any architecture."""
    return int(library.seccomp_syscall_resolve_name(name.encode())) != -1


def _token(architecture: str) -> int:
    name = architecture.removeprefix("SCMP_ARCH_").lower()
    return int(library.seccomp_arch_resolve_name(name.encode()))


def _action(name: str, number: int | None) -> int:
    word = name.removeprefix("SCMP_ACT_")
    if word in ("ERRNO", "TRACE"):
        base = 0x00050000 if word == "ERRNO" else 0x7FF00000
        return base | (1 if number is None else number)
    return ACTIONS[word]


class Refused(Exception):
    """Two rules of a profile contradict each other: runc does not start such a container."""


class Broken(Exception):
    """libseccomp 2.5 compared the architecture where it should have compared the number.

    It does so where the first call of a profile is none of the architecture: it leaves out
    to load the number then.
    """


class Witness:
    """What runc and libseccomp make of linux.seccomp *profile* on *machine*."""

    def __init__(self, profile: dict[str, Any], machine: str) -> None:
        self.profile = profile
        self.default = _action(profile["defaultAction"], profile.get("defaultErrnoRet"))
        self.code = bpf.disassemble(self.export(machine))
        for place, (operation, yes, _, number) in enumerate(self.code):
            if operation == bpf.EQUAL and number in bpf.AUDIT.values():
                first = self.code[place + 1 + yes]
                if first[0] == bpf.JUMP:
                    first = self.code[place + 2 + yes + first[3]]
                if first[0] in bpf.TESTS:
                    raise Broken

    def decide(self, arch: int, called: int, args: tuple[int, ...] = ()) -> int:
        """Return the answer to the call *called* of the architecture *arch*."""
        last = self._last(arch, called)
        if last is not None and called > last:
            return ENOSYS
        return bpf.run(self.code, arch, called, args)

    def export(self, machine: str) -> bytes:
        context = library.seccomp_init(self.default)
        native = _token("SCMP_ARCH_NATIVE")
        own = NATIVE[machine]
        listed = [_token(name) for name in self.profile.get("architectures") or ()]
        for token in {own: None, **dict.fromkeys(listed)}:
            library.seccomp_arch_add(context, token)  # EEXIST for the one that is there
        if own != NATIVE[os.uname().machine]:
            assert library.seccomp_arch_remove(context, native) == 0
        if sum(len(entry["names"]) for entry in self.profile["syscalls"]) > 32:
            assert library.seccomp_attr_set(context, _OPTIMIZE, 2) == 0  # a binary tree
        for entry in self.profile["syscalls"]:
            self._add(context, entry)
        file = os.memfd_create("bpf")
        try:
            assert library.seccomp_export_bpf(context, file) == 0
            library.seccomp_release(context)
            return os.pread(file, 1 << 20, 0)
        finally:
            os.close(file)

    def _add(self, context: int, entry: dict[str, Any]) -> None:
        action = _action(entry["action"], entry.get("errnoRet"))
        if action == self.default:
            return
        args = [
            _Compare(
                it["index"],
                OPERATORS[it["op"].removeprefix("SCMP_CMP_")],
                it["value"],
                it.get("valueTwo", 0),
            )
            for it in entry.get("args") or ()
        ]
        repeated = len({it.arg for it in args}) < len(args)
        rules = [[it] for it in args] if repeated else [args]
        for name in entry["names"]:
            called = library.seccomp_syscall_resolve_name(name.encode())
            if called == -1:
                continue
            for rule in rules:
                array = (_Compare * len(rule))(*rule)
                done = library.seccomp_rule_add_array(context, action, called, len(rule), array)
                if done == -errno.EEXIST:
                    raise Refused(name)
                assert done == 0, (name, done)

    def _last(self, arch: int, called: int) -> int | None:
        """Return the highest number that the profile names for the architecture of a call."""
        profile = self.profile
        if profile["defaultAction"] in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"):
            return None
        if profile.get("defaultErrnoRet") == 38:
            return None
        for architecture in profile.get("architectures") or ():
            token = _token(architecture)
            x32 = architecture == "SCMP_ARCH_X32"
            if (NATIVE["x86_64"] if x32 else token) != arch:
                continue
            if arch == NATIVE["x86_64"] and bool(called & X32_BIT) != x32:
                continue
            names = [name for entry in profile["syscalls"] for name in entry["names"]]
            return max((number(name, architecture) or 0 for name in names), default=0) or None
        return None


def export(profile: dict[str, Any], machine: str) -> bytes:
    """Return libseccomp's own program for *profile*."""
    return Witness(profile, machine).export(machine)
