"""seccomp: a compiled filter decides what the profile says, on every architecture."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_docker import seccomp, seccomp_rules, syscalls_seccomp
from mini_docker.errors import ConfigError, KernelError
from mini_docker.seccomp_program import EQUAL, GREATER, GREATER_OR_EQUAL, LONGEST, Program
from tests import bpf

ALLOW, KILL, KILL_PROCESS = 0x7FFF0000, 0, 0x80000000
EPERM, ENOSYS, EACCES = 0x00050001, 0x00050026, 0x0005000D
X86, X32 = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "SCMP_ARCH_X32"
EDGES = [
    0,
    1,
    2,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 32,
    (1 << 32) + 1,
    1 << 63,
    (1 << 64) - 1,
]
WORD = st.sampled_from(EDGES) | st.integers(0, (1 << 64) - 1)
HOLDS = {
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GE": lambda a, b: a >= b,
    "GT": lambda a, b: a > b,
}


def profile(*entries: dict[str, Any], **more: object) -> dict[str, Any]:
    """Return a profile that allows what *entries* do not name."""
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(entries), **more}


def deny(*names: str, **more: object) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ERRNO", **more}


def allow(*names: str, **more: object) -> dict[str, Any]:
    return {"names": list(names), "action": "SCMP_ACT_ALLOW", **more}


def argument(index: int, op: str, value: int, two: int = 0) -> dict[str, Any]:
    return {"index": index, "op": f"SCMP_CMP_{op}", "value": value, "valueTwo": two}


def decide(
    made: dict[str, Any], arch: str, number: int, *args: int, machine: str = "x86_64"
) -> int:
    return bpf.run(seccomp.compile(made, machine), bpf.AUDIT.get(arch, 0x12345), number, args)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(HOLDS)), WORD, WORD, st.integers(0, 5), st.sampled_from([32, 64]), WORD
)
def test_task1_compare_decides_like_arithmetic(
    operator: str, value: int, given: int, index: int, bits: int, mask: int
) -> None:
    mask = mask if operator == "EQ" else (1 << 64) - 1
    value &= mask
    program = Program()
    yes, no = program.give(1), program.give(2)
    condition = seccomp_rules.Condition(index, operator, value, mask, bits)
    code = program.bytes(seccomp.compare(program, condition, yes, no))
    args = [given ^ 0x5555555555555555] * 6
    args[index] = given
    cut = (1 << bits) - 1
    wanted = 1 if HOLDS[operator](given & mask & cut, value & cut) else 2
    assert bpf.run(code, 0, 0, tuple(args)) == wanted


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(1, (1 << 32) - 1), max_size=60), st.lists(st.integers(0, (1 << 32) - 1)))
def test_task2_search_finds_the_step_and_takes_few_comparisons(
    firsts: set[int], numbers: list[int]
) -> None:
    starts = [0, *sorted(firsts)]
    program = Program()
    steps = [(first, program.give(n)) for n, first in enumerate(starts)]
    code = program.bytes(program.load(seccomp.NUMBER, seccomp.search(program, steps)))
    depth = (len(starts) - 1).bit_length()
    for number in [*numbers, *starts, *(first - 1 for first in firsts)]:
        found, count = bpf.trace(code, 0, number)
        assert found == max(n for n, first in enumerate(starts) if first <= number)
        assert count <= 1 + depth + 2  # load, comparisons, perhaps a detour, return


def test_task3_the_same_number_is_another_call_on_another_architecture() -> None:
    made = profile(deny("execve"), architectures=X86)
    assert decide(made, "x86_64", 59) == EPERM and decide(made, "x86_64", 11) == ALLOW
    assert decide(made, "i386", 11) == EPERM and decide(made, "i386", 59) == ALLOW


def test_task3_an_architecture_that_is_not_allowed_is_killed() -> None:
    made = profile(deny("mkdir"), architectures=["SCMP_ARCH_X86_64"])
    assert decide(made, "i386", 20) == decide(made, "arm", 20) == decide(made, "other", 20) == KILL
    assert decide(made, "x86_64", 20) == ALLOW


def test_task3_x32_is_another_architecture_with_the_same_name() -> None:
    without = profile(deny("mkdir"), architectures=X86)
    assert decide(without, "x86_64", 0x40000000 + 83) == KILL
    assert decide(without, "x86_64", 0x40000000) == KILL
    allowed = profile(deny("mkdir", "ioctl"), architectures=[*X86, X32])
    assert decide(allowed, "x86_64", 0x40000000 + 83) == EPERM
    assert decide(allowed, "x86_64", 0x40000000) == ALLOW
    assert decide(allowed, "x86_64", 16) == decide(allowed, "x86_64", 0x40000000 + 514) == EPERM
    assert decide(allowed, "x86_64", 0x40000000 + 16) == ALLOW  # x32 has an ioctl of its own


def test_task3_a_skipped_call_gets_the_default_action() -> None:
    assert decide(profile(architectures=X86), "x86_64", 0xFFFFFFFF) == ALLOW
    assert decide(profile(deny("read")), "x86_64", 0xFFFFFFFF) == ALLOW


def test_task3_what_is_newer_than_the_profile_does_not_exist() -> None:
    strict = {
        **profile(allow("mkdir"), architectures=[*X86, X32]),
        "defaultAction": "SCMP_ACT_TRAP",
    }
    assert decide(strict, "x86_64", 82) == 0x00030000
    assert decide(strict, "x86_64", 83) == ALLOW
    assert decide(strict, "x86_64", 84) == decide(strict, "x86_64", 0x3FFFFFFF) == ENOSYS
    assert decide(strict, "x86_64", 0x40000000 + 82) == 0x00030000
    assert decide(strict, "x86_64", 0x40000000 + 84) == ENOSYS
    assert decide(strict, "i386", 40) == ENOSYS
    loose = profile(deny("mkdir"), architectures=X86)
    assert decide(loose, "x86_64", 84) == decide(loose, "x86_64", 500) == ALLOW


def test_a_profile_without_architectures_is_for_the_machine_alone() -> None:
    made = {**profile(allow("mkdir")), "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13}
    assert decide(made, "x86_64", 83) == ALLOW
    assert decide(made, "x86_64", 84) == decide(made, "x86_64", 900) == EACCES  # as in runc
    assert decide(made, "i386", 39) == KILL
    assert decide(made, "aarch64", 34, machine="aarch64") == EACCES
    made["syscalls"][0]["names"] = ["mkdirat"]
    assert decide(made, "aarch64", 34, machine="aarch64") == ALLOW


@pytest.mark.parametrize(
    ("action", "errno", "value"),
    [
        ("KILL", None, 0),
        ("KILL_THREAD", None, 0),
        ("KILL_PROCESS", None, KILL_PROCESS),
        ("TRAP", 5, 0x00030000),
        ("LOG", None, 0x7FFC0000),
        ("ERRNO", None, EPERM),
        ("ERRNO", 0, 0x00050000),
        ("ERRNO", 38, ENOSYS),
        ("TRACE", None, 0x7FF00001),
        ("TRACE", 7, 0x7FF00007),
    ],
)
def test_every_action_has_the_kernels_value(action: str, errno: int | None, value: int) -> None:
    entry = {"names": ["mkdir"], "action": f"SCMP_ACT_{action}", "errnoRet": errno}
    assert decide(profile(entry), "x86_64", 83) == value
    assert (
        decide(
            {**profile(), "defaultAction": entry["action"], "defaultErrnoRet": errno}, "x86_64", 5
        )
        == value
    )


def test_rules_count_in_the_order_in_which_runc_has_them() -> None:
    # All conditions of a rule must hold.
    both = deny("mkdir", args=[argument(0, "EQ", 1), argument(1, "EQ", 2)])
    assert decide(profile(both), "x86_64", 83, 1, 2) == EPERM
    assert decide(profile(both), "x86_64", 83, 1, 3) == ALLOW
    # Two about the same argument are two rules.
    either = deny("mkdir", args=[argument(0, "EQ", 1), argument(0, "EQ", 2)])
    assert decide(profile(either), "x86_64", 83, 2) == EPERM
    # Without conditions wins over with, wherever it stands, and the first over the next.
    when = deny("mkdir", args=[argument(0, "EQ", 1)])
    always = deny("mkdir", errnoRet=13)
    assert decide(profile(when, always), "x86_64", 83, 1) == EACCES
    assert decide(profile(always, deny("mkdir")), "x86_64", 83) == EACCES
    # A rule that says what happens anyway is no rule.
    assert decide(profile(allow("mkdir"), always), "x86_64", 83) == EACCES
    # Of two rules with conditions that hold, the first decides.
    first = deny("mkdir", errnoRet=13, args=[argument(0, "LT", 5)])
    assert decide(profile(first, when), "x86_64", 83, 1) == EACCES
    assert decide(profile(when, first), "x86_64", 83, 1) == EPERM


def test_a_socket_call_of_i386_is_also_reached_through_socketcall() -> None:
    made = profile(deny("connect", "shmat"), architectures=X86)
    assert decide(made, "i386", 362) == decide(made, "i386", 102, 3) == EPERM
    assert decide(made, "i386", 102, 2) == ALLOW
    assert decide(made, "i386", 397) == decide(made, "i386", 117, 21) == EPERM


def test_a_program_longer_than_a_test_can_jump_takes_detours() -> None:
    program = Program()
    yes, no = program.give(1), program.give(2)
    start = no
    for number in range(3000):
        start = program.test(EQUAL, number, yes, start)
    code = program.bytes(program.load(seccomp.NUMBER, start))
    assert [bpf.run(code, 0, number) for number in (0, 1, 1500, 2999, 3000)] == [1, 1, 1, 1, 2]
    assert 3003 < len(code) // 8 < 3100
    far = Program()
    labels = [far.give(value) for value in range(600)]
    code = far.bytes(far.test(GREATER, 7, labels[0], labels[1]))  # A is 0 at the start
    assert bpf.run(code, 0, 9) == 1
    code = far.bytes(far.test(GREATER_OR_EQUAL, 0, labels[0], labels[1]))
    assert bpf.run(code, 0, 9) == 0


def test_a_program_that_the_kernel_would_not_take_is_refused() -> None:
    names = [f"SCMP_CMP_{op}" for op in ("EQ", "NE", "GT")]
    entries = [
        deny(
            "mkdir",
            errnoRet=n % 4000,
            args=[{"index": n % 6, "op": names[n % 3], "value": n << 31}],
        )
        for n in range(2000)
    ]
    with pytest.raises(ConfigError, match=f"at most {LONGEST} instructions"):
        seccomp.compile(profile(*entries), "x86_64")


def test_an_unknown_machine_is_said() -> None:
    with pytest.raises(ConfigError, match="no numbers of system calls for s390x"):
        seccomp.compile(profile(), "s390x")


@pytest.mark.parametrize("program", [b"", bytes(7), bytes(8 * 4097)], ids=["empty", "half", "long"])
def test_task4_what_is_no_filter_is_not_installed(
    program: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(syscalls_seccomp, "set_filter")
    with pytest.raises(ConfigError, match=f"{len(program)} bytes are no seccomp filter"):
        seccomp.install(program)


def test_task4_flags_become_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bytes, int]] = []
    monkeypatch.setattr(syscalls_seccomp, "set_filter", lambda *given: seen.append(given))
    program = struct.pack("<HBBI", 6, 0, 0, ALLOW)
    seccomp.install(program)
    seccomp.install(program, ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
    assert seen == [(program, 0), (program, 6)]
    with pytest.raises(ConfigError, match="unknown seccomp flag 'LOG'"):
        seccomp.install(program, ["LOG"])


@pytest.mark.parametrize(
    ("number", "why"),
    [(13, "neither CAP_SYS_ADMIN nor no_new_privs"), (22, "Invalid argument")],
)
def test_task4_a_refusal_says_what_is_missing(
    number: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "")

    monkeypatch.setattr(syscalls_seccomp, "set_filter", refuse)
    with pytest.raises(KernelError, match=f"cannot install the seccomp filter: .*{why}"):
        seccomp.install(struct.pack("<HBBI", 6, 0, 0, ALLOW))


NAMES = ("mkdir", "rmdir", "getpid", "io_uring_setup")
ARGUMENT = st.builds(
    argument, st.integers(0, 2), st.sampled_from([*HOLDS, "MASKED_EQ"]), WORD, WORD
)
ENTRY = st.builds(
    lambda names, action, args: {"names": names, "action": f"SCMP_ACT_{action}", "args": args},
    st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    st.sampled_from(["ALLOW", "ERRNO", "LOG", "TRAP", "KILL_PROCESS"]),
    st.lists(ARGUMENT, max_size=3),
)


def holds(arg: dict[str, Any], args: list[int]) -> bool:
    given, value = args[arg["index"]], arg["value"]
    if arg["op"] == "SCMP_CMP_MASKED_EQ":
        return bool(given & value == arg["valueTwo"] & value)
    return bool(HOLDS[arg["op"].removeprefix("SCMP_CMP_")](given, value))


def plainly(made: dict[str, Any], name: str, args: list[int]) -> str:
    """Return the action for a call as a reader of the profile works it out."""
    alternatives: list[tuple[str, list[dict[str, Any]]]] = []
    for it in made["syscalls"]:
        if name in it["names"] and it["action"] != made["defaultAction"]:
            several = len({arg["index"] for arg in it["args"]}) < len(it["args"])
            groups = [[arg] for arg in it["args"]] if several else [it["args"]]
            for group in groups:
                seen = [
                    arg for arg in group if (arg["op"], arg["value"]) != ("SCMP_CMP_MASKED_EQ", 0)
                ]
                alternatives.append((it["action"], seen))
    for action, group in alternatives:
        if not group:
            return action
    for action, group in alternatives:
        if all(holds(arg, args) for arg in group):
            return action
    return str(made["defaultAction"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(ENTRY, max_size=6),
    st.sampled_from(["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]),
    st.lists(st.lists(WORD, min_size=3, max_size=3), min_size=1, max_size=6),
)
def test_any_rules_decide_in_their_order(
    entries: list[dict[str, Any]], default: str, given: list[list[int]]
) -> None:
    made = {**profile(*entries, architectures=X86), "defaultAction": default}
    filtered = seccomp.compile(made, "x86_64")
    values = [arg["value"] for it in entries for arg in it["args"]][:20]
    for args in [*given, *([value] * 3 for value in values)]:
        for name, number in zip(NAMES, (83, 84, 39, 425), strict=True):
            wanted = seccomp_rules.ACTIONS[plainly(made, name, args)]
            wanted |= wanted == 0x00050000  # EPERM
            assert bpf.run(filtered, bpf.AUDIT["x86_64"], number, tuple(args)) == wanted
