"""The numbers of system calls are those of the kernel's headers and of libseccomp."""

from __future__ import annotations

import hashlib

import pytest

from mini_docker import seccomp_default, seccomp_numbers
from tests import libseccomp

ARCHITECTURES = [f"SCMP_ARCH_{name}" for name in ("X86_64", "X86", "X32", "AARCH64", "ARM")]
SAMPLES = {  # a few by heart, and the newest
    "X86_64": {
        "read": 0,
        "getpid": 39,
        "uretprobe": 335,
        "uprobe": 336,
        "clone3": 435,
        "listns": 470,
    },
    "X86": {"read": 3, "execve": 11, "socketcall": 102, "socket": 359, "listns": 470},
    "X32": {"read": 1 << 30, "ioctl": (1 << 30) + 514, "removexattrat": (1 << 30) + 466},
    "AARCH64": {"read": 63, "seccomp": 277, "map_shadow_stack": 453, "listns": 470},
    "ARM": {"read": 3, "sync_file_range2": 341, "set_tls": 983045, "listns": 470},
}
NEWER_THAN_THE_WITNESS = 456  # what Debian 12's libseccomp 2.5.4 knows


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_number_is_libseccomps(architecture: str) -> None:
    table = seccomp_numbers.table(architecture)
    witness = {name: libseccomp.number(name, architecture) for name in table}
    muxed = seccomp_numbers.MULTIPLEXED if architecture == "SCMP_ARCH_X86" else {}
    compared = 0
    for name, number in table.items():
        if witness[name] is None:
            newer = number & ~seccomp_numbers.X32_BIT > NEWER_THAN_THE_WITNESS
            assert newer or name in {*muxed, "uretprobe", "uprobe", "sync_file_range2"}, name
            continue
        assert witness[name] == number, name
        compared += 1
    assert compared > 300


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_call_that_libseccomp_has_is_missing(architecture: str) -> None:
    names = seccomp_numbers.known()
    table = seccomp_numbers.table(architecture)
    numbers = [*range(500), *range(983040, 983050)]
    base = seccomp_numbers.X32_BIT if architecture == "SCMP_ARCH_X32" else 0
    numbers += range(500, 560) if base else ()
    for number in numbers:
        name = libseccomp.name(base + number, architecture)
        assert name is None or (name in names and table[name] == base + number)


@pytest.mark.parametrize("short", SAMPLES)
def test_a_few_by_heart(short: str) -> None:
    table = seccomp_numbers.table(f"SCMP_ARCH_{short}")
    assert {name: table[name] for name in SAMPLES[short]} == SAMPLES[short]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_two_names_share_a_number_only_on_arm(architecture: str) -> None:
    table = seccomp_numbers.table(architecture)
    twice = len(table) - len(set(table.values()))
    assert twice == (architecture == "SCMP_ARCH_ARM")


def test_multiplexed_calls_have_libseccomps_pseudo_numbers() -> None:
    for name, (call, which) in seccomp_numbers.MULTIPLEXED.items():
        pseudo = libseccomp.pseudo(name, "SCMP_ARCH_X86")
        assert pseudo == (-100 if call == "socketcall" else -200) - which, name


def test_every_name_of_dockers_profile_is_a_system_call() -> None:
    names = {name for entry in seccomp_default.profile()["syscalls"] for name in entry["names"]}
    assert names <= seccomp_numbers.known()
    # All names of seccomp/default.json in github.com/moby/profiles, tag seccomp/v0.1.0, sorted.
    assert hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:16] == "7d4f5ac516fd9a36"
