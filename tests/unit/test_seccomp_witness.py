"""A filter decides what runc with libseccomp decides: for Docker's profile, and any other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from mini_docker import capabilities_names, seccomp, seccomp_profile
from tests import bpf, libseccomp

Case = tuple[int, int, tuple[int, ...]]  # an architecture, a number and arguments

X32 = 1 << 30
NUMBERS = [
    *range(480),
    *range(X32, X32 + 560),
    *range(983040, 983047),  # ARM's own
    *(X32 - 1, 1 << 31, (1 << 31) + 59, 3 << 30, (3 << 30) + 59, (1 << 32) - 1),
]
ARCHES = {**bpf.AUDIT, "none of ours": 0x12345}
WORDS = [0, 1, 2, 5, 8, 17, 40, 0x20008, 0x7E020000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
VALUES = [*WORDS, *(1 << 32 | word for word in WORDS), 1 << 63, (1 << 64) - 1]
CONDITIONAL = ("socket", "personality", "clone", "socketcall", "ipc")


def differences(profile: dict[str, Any], machine: str, cases: list[Case]) -> list[str]:
    """Return how our filter and the witness's differ in *cases*: arch, number, arguments."""
    ours = bpf.disassemble(seccomp.compile(profile, machine))
    theirs = libseccomp.Witness(profile, machine)
    found = []
    for arch, number, args in cases:
        mine, other = bpf.run(ours, arch, number, args), theirs.decide(arch, number, args)
        if mine != other:
            found.append(f"{arch:#x} {number:#x}{args}: {mine:#x}, libseccomp {other:#x}")
    return found


def dockers(capabilities: list[str], machine: str) -> dict[str, Any]:
    """Return Docker's profile, without the names that are newer than the witness."""
    resolved = seccomp_profile.resolve(
        seccomp_profile.default(), capabilities, "6.1.0-18-amd64", machine
    )
    for entry in resolved["syscalls"]:
        entry["names"] = [name for name in entry["names"] if libseccomp.knows(name)]
    return resolved


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize(
    "capabilities",
    [capabilities_names.DEFAULT, [], list(capabilities_names.NAMES), ["CAP_SYS_ADMIN"]],
    ids=["fourteen", "none", "all", "admin"],
)
def test_dockers_profile_decides_as_libseccomp_does(machine: str, capabilities: list[str]) -> None:
    profile = dockers(capabilities, machine)
    cases: list[Case] = [(arch, number, (0,)) for arch in ARCHES.values() for number in NUMBERS]
    for name, architecture in zip(bpf.AUDIT, ("X86_64", "X86", "AARCH64", "ARM"), strict=True):
        for call in CONDITIONAL:
            number = libseccomp.number(call, f"SCMP_ARCH_{architecture}")
            if number is not None:
                cases += [(bpf.AUDIT[name], number, (value,) * 6) for value in VALUES]
    for call in CONDITIONAL[:3]:
        number = libseccomp.number(call, "SCMP_ARCH_X32")
        assert number is not None and number > X32
        cases += [(bpf.AUDIT["x86_64"], number, (value,) * 6) for value in VALUES]
    assert differences(profile, machine, cases) == []


NAMES = [
    *("read", "getpid", "mkdir", "personality", "clone", "ioctl", "writev", "process_vm_readv"),
    *("socket", "accept", "accept4", "send", "sendto", "recvmmsg"),
    *("msgget", "semtimedop", "shmat", "ipc", "socketcall"),
    *("set_tls", "arm_fadvise64_64", "waitpid", "open_tree", "cachestat", "futex_requeue"),
    *("no_such_call", "s390_pci_mmio_read"),
]
ACTIONS = [
    *("ALLOW", "ERRNO", "ERRNO", "LOG", "TRAP", "TRACE", "KILL", "KILL_THREAD", "KILL_PROCESS")
]
ERRNOS = st.sampled_from([None, 0, 1, 13, 38, 4094])
ARGUMENT = st.fixed_dictionaries(
    {
        "index": st.integers(0, 5),
        "op": st.sampled_from([f"SCMP_CMP_{name}" for name in libseccomp.OPERATORS]),
        "value": st.sampled_from(VALUES) | st.integers(0, (1 << 64) - 1),
        "valueTwo": st.sampled_from(VALUES),
    }
)
ENTRY = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
        "action": st.sampled_from([f"SCMP_ACT_{name}" for name in ACTIONS]),
        "errnoRet": ERRNOS,
        "args": st.just([]) | st.lists(ARGUMENT, max_size=3),
    }
)
FAMILIES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}


@st.composite
def profiles(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    machine = draw(st.sampled_from(sorted(FAMILIES)))
    profile = {
        "defaultAction": draw(st.sampled_from([f"SCMP_ACT_{name}" for name in ACTIONS])),
        "defaultErrnoRet": draw(ERRNOS),
        "architectures": draw(st.lists(st.sampled_from(FAMILIES[machine]), unique=True)),
        "syscalls": draw(st.lists(ENTRY, max_size=8)),
    }
    return machine, profile


def comparable(profile: dict[str, Any]) -> bool:
    """Say whether libseccomp keeps its own promise for *profile*.

    With two rules about the same call whose conditions overlap it does not: it sorts and
    merges conditions, so that "below 0" and "below 2**32" together let 1 pass in 2.5.4. What
    must hold for those is for the test after this one. Conditions for equality do not merge.
    """
    rules: dict[str, list[Any]] = {}
    for entry in profile["syscalls"]:
        for name in entry["names"]:
            rules.setdefault(name, []).extend(entry["args"] and [entry])
    for name, entries in rules.items():
        args = [arg for entry in entries for arg in entry["args"]]
        single = len(entries) == 1 and len({arg["index"] for arg in args}) == len(args)
        same = len({(it["action"], it["errnoRet"]) for it in entries}) <= 1
        equal = all(arg["op"] == "SCMP_CMP_EQ" for arg in args)
        if name in ("socketcall", "ipc") and args:
            return False  # others add conditions to these
        if not (single or not args or (equal and same)):
            return False
    return True


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(profiles())
def test_any_profile_decides_as_libseccomp_does(case: tuple[str, dict[str, Any]]) -> None:
    machine, profile = case
    assume(comparable(profile))
    values = [0, 1, 40, 0xFFFFFFFF, 1 << 32, (1 << 64) - 1]
    for entry in profile["syscalls"]:
        for arg in entry["args"]:
            values += [arg["value"], (arg["value"] + 1) % (1 << 64), arg["valueTwo"]]
            values += [(arg["value"] - 1) % (1 << 64), arg["value"] & 0xFFFFFFFF]
    named = {name for entry in profile["syscalls"] for name in entry["names"]}
    cases: list[Case] = []
    for architecture in [*FAMILIES["x86_64"], *FAMILIES["aarch64"]]:
        arch = libseccomp.NATIVE["x86_64"]
        if architecture != "SCMP_ARCH_X32":
            arch = libseccomp._token(architecture)
        base = X32 if architecture == "SCMP_ARCH_X32" else 0
        numbers = {base, base + 39, base + 456, base + 457, base + 600, 102, 117, 0xFFFFFFFF}
        numbers |= {libseccomp.number(name, architecture) or base for name in named}
        cases += [(arch, number, (value,) * 6) for number in numbers for value in values]
    try:
        assert differences(profile, machine, cases) == []
    except (libseccomp.Refused, libseccomp.Broken):
        reject()
