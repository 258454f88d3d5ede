"""Docker's seccomp profiles: what is taken, what is refused and how, and what they resolve to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import capabilities_names, seccomp, seccomp_default, seccomp_profile
from mini_docker.errors import ConfigError
from tests import bpf

ENTRY = {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}
ARG = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}


def profile(*entries: object, **more: object) -> dict[str, Any]:
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(entries), **more}


def entry(**more: object) -> dict[str, Any]:
    return {**ENTRY, **more}


WRONG = [
    ("", "it is not JSON: Expecting value"),
    ("{", "it is not JSON"),
    ('{"defaultAction": "SCMP_ACT_ALLOW"} {}', "it is not JSON: Extra data"),
    ("[" * 200_000, "it is not JSON: nested too deeply"),
    ('{"defaultErrnoRet": ' + "9" * 5000 + "}", "it is not JSON"),
    (" " * (2**20 + 1), "larger than 1048576 bytes"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "comment": "\\ud800"}', "it is not JSON"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "comment": "\ud800"}', "it is not JSON"),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "comment": 1e999}', "it is not JSON"),
    ('{"x": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"),
    ([], "the profile: list is not an object"),
    ({}, "defaultAction: missing"),
    ({"defaultAction": 1}, "defaultAction: 1 is not a text"),
    (
        {"defaultAction": "SCMP_ACT_ALOW"},
        'defaultAction: unknown action "SCMP_ACT_ALOW", did you mean SCMP_ACT_ALLOW?',
    ),
    ({"defaultAction": "SCMP_ACT_NOTIFY"}, "defaultAction: SCMP_ACT_NOTIFY is not supported"),
    (profile(defaultErrnoRet=-1), "defaultErrnoRet: -0x1 is not between 0 and 0xffe"),
    (profile(defaultErrnoRet=True), "defaultErrnoRet: true is not a whole number"),
    (profile(flags="LOG"), 'flags: "LOG" is not a list'),
    (profile(flags=["SECCOMP_FILTER_FLAG_LOOG"]), "flags[0]: unknown flag"),
    (profile(architectures=["SCMP_ARCH_X8664"]), "architectures[0]: unknown architecture"),
    (profile(archMap=[{}]), "archMap[0].architecture: missing"),
    (
        profile(archMap=[{"architecture": "SCMP_ARCH_X86", "subArchitectures": ["x32"]}]),
        "archMap[0].subArchitectures[0]: unknown architecture",
    ),
    (
        profile(architectures=["SCMP_ARCH_X86"], archMap=[{"architecture": "SCMP_ARCH_X86"}]),
        "'architectures' and 'archMap' are both given",
    ),
    ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": {}}, "syscalls: dict is not a list"),
    (profile(1), "syscalls[0]: 1 is not an object"),
    (profile({"action": "SCMP_ACT_ERRNO"}), "syscalls[0].names: missing"),
    (profile(entry(name="mkdir")), "syscalls[0]: 'name' and 'names' are both given"),
    (
        profile(ENTRY, entry(names=["rmdir", "mkdirr"])),
        'syscalls[1].names[1]: unknown system call "mkdirr", did you mean mkdir?',
    ),
    (profile(entry(names=["x" * 9000])), "syscalls[0].names[0]: unknown system call"),
    (profile(entry(names=["mk\ndir"])), 'unknown system call "mk\\ndir", did you mean mkdir?'),
    (profile({"names": ["mkdir"]}), "syscalls[0].action: missing"),
    (profile(entry(action="SCMP_ACT_NOTIFY")), "syscalls[0].action: SCMP_ACT_NOTIFY is not"),
    (profile(entry(errnoRet="EPERM")), 'syscalls[0].errnoRet: "EPERM" is not a whole number'),
    (profile(entry(errnoRet=4095)), "syscalls[0].errnoRet: 0xfff is not between 0 and 0xffe"),
    (profile(entry(args=[None])), "syscalls[0].args[0]: NoneType is not an object"),
    (profile(entry(args=[{**ARG, "index": 6}])), "syscalls[0].args[0].index: 0x6 is not between"),
    (profile(entry(args=[ARG, {**ARG, "value": 2**64}])), "syscalls[0].args[1].value: 0x1"),
    (profile(entry(args=[{**ARG, "value": 1.0}])), "syscalls[0].args[0].value: 1.0 is not a whole"),
    (profile(entry(args=[{**ARG, "valueTwo": -1}])), "syscalls[0].args[0].valueTwo: -0x1 is not"),
    (
        profile(entry(), entry(), entry(), entry(args=[{**ARG, "op": "SCMP_CMP_LTE"}])),
        'syscalls[3].args[0].op: unknown operator "SCMP_CMP_LTE", did you mean SCMP_CMP_LT?',
    ),
    (profile(entry(args=[{"index": 0, "value": 0}])), "syscalls[0].args[0].op: missing"),
    (
        profile(entry(excludes={"caps": ["CAP_SYS_ADMN"]})),
        "syscalls[0].excludes.caps[0]: unknown capability",
    ),
    (profile(entry(includes=[])), "syscalls[0].includes: list is not an object"),
    (profile(entry(includes={"arches": [1]})), "syscalls[0].includes.arches[0]: 1 is not a text"),
    (
        profile(entry(includes={"minKernel": "4"})),
        'syscalls[0].includes.minKernel: "4" is no kernel version',
    ),
    (profile(entry(comment=5)), "syscalls[0].comment: 5 is not a text"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG, ids=[message[:50] for _, message in WRONG])
def test_a_mistake_is_said_with_its_place_in_one_line(wrong: object, message: str) -> None:
    text = wrong if isinstance(wrong, str) else json.dumps(wrong)
    with pytest.raises(ConfigError) as caught:
        seccomp_profile.read(text, "/p.json")
    said = str(caught.value)
    assert said.startswith(f"seccomp profile /p.json: {message}") or message in said
    assert "\n" not in said and len(said) < 250


KEYS = "defaultAction syscalls names action args includes caps op index value archMap"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["profile", "syscalls", "args", "includes", "archMap", "flags"]))
def test_whatever_is_in_it_the_answer_is_a_profile_or_one_line(value: Any, where: str) -> None:
    document = {
        "profile": value,
        "syscalls": profile(value),
        "args": profile(entry(args=value)),
        "includes": profile(entry(includes=value)),
        "archMap": profile(archMap=value),
        "flags": profile(flags=value),
    }[where]
    try:
        found = seccomp_profile.read(json.dumps(document), "it")
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        seccomp.compile(seccomp_profile.resolve(found, [], "6.1", "x86_64"), "x86_64")


def test_names_of_other_machines_are_taken_and_passed_over() -> None:
    made = profile(
        entry(names=["s390_pci_mmio_read", "swapcontext", "set_tls", "mkdir"]), unknown=1
    )
    resolved = seccomp_profile.resolve(
        seccomp_profile.read(json.dumps(made), "p"), [], "6.1", "x86_64"
    )
    assert bpf.run(seccomp.compile(resolved, "x86_64"), bpf.AUDIT["x86_64"], 83) == 0x00050001


def test_an_old_profile_with_single_names_works() -> None:
    old = profile({"name": "mkdir", "action": "SCMP_ACT_ERRNO", "args": None, "includes": {}})
    resolved = seccomp_profile.resolve(
        seccomp_profile.read(json.dumps(old), "p"), [], "6.1", "x86_64"
    )
    assert resolved["syscalls"] == [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]


def resolved_names(filters: dict[str, Any], **given: Any) -> bool:
    """Say whether an entry with *filters* stays."""
    where = {"capabilities": ["CAP_CHOWN"], "kernel": "5.10.0-8", "machine": "x86_64", **given}
    found = seccomp_profile.resolve(profile(entry(**filters)), **where)
    return bool(found["syscalls"])


def test_includes_and_excludes_decide_by_capability_kernel_and_architecture() -> None:
    chown, both = {"caps": ["CAP_CHOWN"]}, {"caps": ["CAP_CHOWN", "CAP_KILL"]}
    assert resolved_names({"includes": chown}) and not resolved_names({"includes": both})
    assert not resolved_names({"excludes": chown}) and not resolved_names({"excludes": both})
    assert resolved_names({"excludes": {"caps": ["CAP_KILL"]}})
    for version, stays in (("4.8", True), ("5.9", True), ("5.10", True), ("5.11", False)):
        assert resolved_names({"includes": {"minKernel": version}}) == stays
        assert resolved_names({"excludes": {"minKernel": version}}) != stays
    assert resolved_names({"includes": {"minKernel": "5.9"}}, kernel="6") is True
    amd64 = {"arches": ["amd64", "x32"]}
    assert resolved_names({"includes": amd64}) and not resolved_names({"excludes": amd64})
    assert not resolved_names({"includes": amd64}, machine="aarch64")
    assert resolved_names({"includes": {"arches": ["arm64"]}}, machine="aarch64")
    assert resolved_names({"includes": {"caps": [], "arches": []}, "excludes": {}})


def test_the_machines_family_is_taken_from_the_map() -> None:
    def architectures(machine: str) -> list[str]:
        found = seccomp_profile.resolve(seccomp_profile.default(), [], "6.1", machine)
        return [name.removeprefix("SCMP_ARCH_") for name in found["architectures"]]

    assert architectures("x86_64") == ["X86_64", "X86", "X32"]
    assert architectures("aarch64") == ["AARCH64", "ARM"]


def test_flags_are_runcs_unless_the_profile_has_its_own() -> None:
    def flags(**more: object) -> Any:
        return seccomp_profile.resolve(profile(**more), [], "6.1", "x86_64")["flags"]

    assert flags() == flags(flags=None) == ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]
    assert flags(flags=[]) == []
    assert flags(flags=["SECCOMP_FILTER_FLAG_LOG"]) == ["SECCOMP_FILTER_FLAG_LOG"]


def test_the_built_in_profile_passes_its_own_check() -> None:
    made = seccomp_default.profile()
    assert seccomp_profile.read(json.dumps(made), "built in") == made


@pytest.mark.parametrize(
    ("call", "number", "args", "capability"),
    [
        ("mount", 165, (), "CAP_SYS_ADMIN"),
        ("unshare", 272, (0x10000000,), "CAP_SYS_ADMIN"),
        ("clone into a namespace", 56, (0x10000000,), "CAP_SYS_ADMIN"),
        ("reboot", 169, (), "CAP_SYS_BOOT"),
        ("finit_module", 313, (), "CAP_SYS_MODULE"),
        ("open_by_handle_at", 304, (), "CAP_DAC_READ_SEARCH"),
        ("bpf", 321, (), "CAP_BPF"),
        ("perf_event_open", 298, (), "CAP_PERFMON"),
        ("settimeofday", 164, (), "CAP_SYS_TIME"),
        ("keyctl", 250, (), None),
        ("io_uring_setup", 425, (), None),
        ("userfaultfd", 323, (), None),
        ("pivot_root", 155, (), None),
        ("kexec_load", 246, (), None),
        ("socket of AF_VSOCK", 41, (40,), None),
        ("personality ADDR_NO_RANDOMIZE", 135, (0x40000,), None),
    ],
)
def test_the_default_profile_forbids_what_docker_forbids(
    call: str, number: int, args: tuple[int, ...], capability: str | None
) -> None:
    def answer(names: list[str]) -> int:
        made = seccomp_profile.resolve(seccomp_profile.default(), names, "6.1", "x86_64")
        return bpf.run(seccomp.compile(made, "x86_64"), bpf.AUDIT["x86_64"], number, args)

    assert answer(capabilities_names.DEFAULT) == 0x00050001
    everything = list(capabilities_names.NAMES)
    assert answer(everything) == (0x7FFF0000 if capability else 0x00050001)
    if capability:
        assert answer([capability]) == 0x7FFF0000


def test_clone3_does_not_exist_so_that_a_c_library_takes_clone() -> None:
    made = seccomp_profile.resolve(seccomp_profile.default(), [], "6.1", "x86_64")
    assert bpf.run(seccomp.compile(made, "x86_64"), bpf.AUDIT["x86_64"], 435) == 0x00050026


def test_an_option_brings_its_file_along(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(json.dumps(profile(ENTRY, comment="é"), indent=4))
    found = seccomp_profile.option(f"seccomp={file}")
    assert found == seccomp_profile.option(f"seccomp:{file}")
    assert found.startswith('seccomp={"defaultAction":"SCMP_ACT_ALLOW",') and "\n" not in found
    for word in ("unconfined", "builtin"):
        assert seccomp_profile.option(f"seccomp={word}") == f"seccomp={word}"


def test_an_option_without_a_profile_is_said_in_one_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin"
    latin.write_bytes(b'{"defaultAction": "\xe9"}')
    wrong = {
        "/no/such": "opening seccomp profile (/no/such) failed: no such file or directory",
        str(tmp_path): f"opening seccomp profile ({tmp_path}) failed: is a directory",
        "": "opening seccomp profile () failed: no such file or directory",
        "a\0b": "failed: embedded null byte",
        str(latin): f"seccomp profile {latin}: it is not UTF-8",
        "/dev/zero": "seccomp profile /dev/zero: larger than 1048576 bytes",
    }
    for value, message in wrong.items():
        with pytest.raises(ConfigError) as caught:
            seccomp_profile.option(f"seccomp={value}")
        assert message in str(caught.value)
