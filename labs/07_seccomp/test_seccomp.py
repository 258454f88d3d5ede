"""Lab 7: seccomp.

lab check 7                   every task, on a pretend BPF machine
lab check 7 -k task1          one task
sudo lab check 7              under real filters as well
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import seccomp

from course import pretend_bpf
from course.pretend_bpf import ALLOW, Call
from course.story import Story, ending
from mini_docker import seccomp_numbers, syscalls, syscalls_seccomp
from mini_docker.seccomp_program import GREATER_OR_EQUAL, Program
from mini_docker.seccomp_rules import Condition

YES, NO = ALLOW, 0x00050001  # what a filter of task 1 answers: allow, or EPERM
ENOSYS, EPERM, KILL = 0x00050026, 0x00050001, 0x00000000
ALL = 2**64 - 1
OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GE": lambda a, b: a >= b,
    "GT": lambda a, b: a > b,
}
SIGNS = {"EQ": "==", "NE": "!=", "LT": "<", "LE": "<=", "GE": ">=", "GT": ">"}


def built(story: Story, build: Callable[[Program], Any]) -> bytes:
    """Return the program that *build* writes, and that begins at the label it returns."""

    def write() -> str:
        program = Program()
        label = build(program)
        if not isinstance(label, int) or isinstance(label, bool):
            return f"!it returned {label!r}"
        if not 0 <= label < len(program._instructions):
            return f"!it returned {label!r}, and there is no instruction with that label"
        return program.bytes(label).hex()

    text = story.value(write)
    story.check(not text.startswith("!"), text[1:], "a label: what a method of program returned")
    return taken(story, bytes.fromhex(text))


def taken(story: Story, program: bytes) -> bytes:
    """Return *program*, if the kernel would take it."""
    try:
        pretend_bpf.read(program)
    except pretend_bpf.RefusedError as error:
        story.fail(f"a program that the kernel refuses: {error}", "a program that it takes")
    return program


# ---- task 1: compare --------------------------------------------------------------------------


def low(value: int) -> int:
    return value & 0xFFFFFFFF


def swapped(value: int) -> int:
    return low(value) << 32 | value >> 32


def halves(op: Callable[[int, int], bool], a: int, v: int) -> tuple[bool, bool]:
    return op(a >> 32, v >> 32), op(low(a), low(v))


# What a wrong comparison answers: by its answers we tell which one it is. op is the operator that
# it should have, a the argument without its mask's help, m the mask, v the value.
Model = Callable[[Callable[[int, int], bool], int, int, int], bool]
MODELS: list[tuple[str, Model]] = [
    (
        "the mask counts for the lower half only: its upper half was forgotten",
        lambda op, a, m, v: op(a & (m | ALL << 32), v),
    ),
    ("the mask is forgotten", lambda op, a, m, v: op(a, v)),
    (
        "only the lower half of the argument is compared: what is above 32 bits passes unseen",
        lambda op, a, m, v: op(low(a & m), low(v)),
    ),
    (
        "only the upper half of the argument is compared",
        lambda op, a, m, v: op(a >> 32, v >> 32),
    ),
    (
        "the halves are exchanged: the lower half of an argument is at the lower offset",
        lambda op, a, m, v: op(swapped(a & m), v),
    ),
    (
        "the lower half decides, and the upper one only if the lower ones are equal: it is the "
        "other way round",
        lambda op, a, m, v: op(swapped(a & m), swapped(v)),
    ),
    (
        "each half is compared by itself, and both must hold; the upper one alone decides, "
        "unless it is equal",
        lambda op, a, m, v: all(halves(op, a & m, v)),
    ),
    (
        "each half is compared by itself, and one is enough; the upper one alone decides, "
        "unless it is equal",
        lambda op, a, m, v: any(halves(op, a & m, v)),
    ),
    (
        "a greater upper half is not noticed: it decides, whatever the lower half is",
        lambda op, a, m, v: op(low(a & m), low(v)) if (a & m) >> 32 == v >> 32 else op(0, 1),
    ),
    (
        "equal upper halves decide already; then the lower half should",
        lambda op, a, m, v: op((a & m) >> 32, v >> 32) if (a & m) >> 32 != v >> 32 else op(1, 0),
    ),
    *(
        (
            f"it answers as {name} would",
            lambda op, a, m, v, other=other: op is not other and other(a & m, v),
        )
        for name, other in OPERATORS.items()
    ),
    ("it says no, whatever the argument", lambda op, a, m, v: False),
    ("it says yes, whatever the argument", lambda op, a, m, v: True),
]


def described(condition: Condition) -> str:
    masked = f" & {condition.mask:#x}" if condition.mask != ALL else ""
    text = f"argument {condition.index}{masked} {SIGNS[condition.operator]} {condition.value:#x}"
    return text if condition.bits == 64 else f"{text}, arguments of 32 bits"


def around(value: int) -> list[int]:
    """Return arguments that are *value*, or differ from it a little in one half or both."""
    upper, lower = value >> 32, low(value)
    uppers = {max(0, upper - 1), upper, min(0xFFFFFFFF, upper + 1)}
    lowers = {0, max(0, lower - 1), lower, min(0xFFFFFFFF, lower + 1), 0xFFFFFFFF}
    near = (a << 32 | b for a in uppers for b in lowers)
    return sorted({0, ALL, 2**63, swapped(value), swapped(value) + 1, *near})


def compared(condition: Condition, values: Sequence[int] = ()) -> None:
    """Check the code for *condition* with *values* for the argument, and tell what is wrong."""
    story = Story(
        f"compare(program, condition, yes, no), where condition is {described(condition)}"
    )
    program = built(story, lambda it: seccomp.compare(it, condition, it.give(YES), it.give(NO)))
    op, wrong, ways = OPERATORS[condition.operator], [], ""
    seen: dict[int, bool] = {}
    for value in values or around(condition.value):
        # The other arguments are never the same, so reading one of them gives other answers.
        arguments = [value ^ 0xA5A5_0000_5A5A << (place + 1) for place in range(6)]
        arguments[condition.index] = value
        answer = pretend_bpf.decide(program, Call(1, "x86_64", *arguments))
        counts = value if condition.bits == 64 else low(value)
        expected = op(counts & condition.mask, condition.value)
        seen[value] = answer.value == YES
        ways += answer.way
        if answer.value not in (YES, NO) or seen[value] != expected:
            wrong.append((value, expected, answer))
    if wrong:
        value, expected, answer = wrong[0]
        saw = f"for the argument {value:#x} it went on at {'no' if expected else 'yes'}: "
        words = f"yes: {value:#x} fulfils it" if expected else f"no: {value:#x} does not fulfil it"
        story.fail(saw + answer.way, words, diagnosis(condition, seen, ways))


def diagnosis(condition: Condition, seen: dict[int, bool], ways: str) -> str:
    """Name the mistake that reads what *ways* tell, or the only one that would answer *seen*."""
    if any(f"argument {other}," in ways for other in range(6) if other != condition.index):
        return "another argument is read: argument 0 is at ARGUMENTS, and each takes 8 bytes"
    if condition.bits == 32:
        upper = "the upper half is compared as well; on this architecture it is not part of it"
        return upper if "upper half" in ways else ""
    op, mask, value = OPERATORS[condition.operator], condition.mask, condition.value
    fitting = [
        words
        for words, model in MODELS
        if all(model(op, a, mask, value) == it for a, it in seen.items())
    ]
    return fitting[0] if len(fitting) == 1 else ""


# The first tells mistakes apart best: each of them answers in a way of its own.
VALUES = [0x5_0000_0007, 7, 0x5_0000_0000, 0x8000_0000_8000_0000]


def test_task1_equal_means_both_halves() -> None:
    compared(Condition(0, "EQ", 0x5_0000_0007, ALL, 64))


def test_task1_a_small_number_is_not_equal_to_one_with_the_same_lower_half() -> None:
    compared(Condition(0, "EQ", 7, ALL, 64), [7, 0x1_0000_0007, 8, 0, 0xFFFF_FFFF_0000_0007])


def test_task1_not_equal_is_the_opposite_of_equal() -> None:
    compared(Condition(0, "NE", 0x5_0000_0007, ALL, 64))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("operator", ["GT", "GE"])
def test_task1_greater_is_decided_by_the_upper_half_first(operator: str, value: int) -> None:
    compared(Condition(0, operator, value, ALL, 64))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("operator", ["LT", "LE"])
def test_task1_less_is_the_opposite_of_greater(operator: str, value: int) -> None:
    compared(Condition(0, operator, value, ALL, 64))


@pytest.mark.parametrize("index", range(6))
def test_task1_every_argument_can_be_asked(index: int) -> None:
    compared(Condition(index, "EQ", 0x1_0000_0002, ALL, 64))


def test_task1_a_mask_hides_bits_of_the_lower_half() -> None:
    # Docker's rule for clone: none of the flags that make a namespace.
    values = [0x11, 0x10000011, 0x1200011, 0x20000, 0x7E020000, 0x1_0000_0011]
    compared(Condition(0, "EQ", 0, 0x7E020000, 64), values)


def test_task1_a_mask_hides_bits_of_the_upper_half() -> None:
    values = [0x1_0000_0002, 0xF1_0000_0002, 0x1_0000_0F02, 0x2_0000_0002, 0x1_0000_0003]
    compared(Condition(1, "EQ", 0x1_0000_0002, 0xF_0000_00FF, 64), values)


def test_task1_a_mask_counts_for_greater_as_well() -> None:
    values = [0, 7, 8, 0x10, 0xF00000007, 0xF0000000F, ALL, 0x100000000]
    compared(Condition(0, "GE", 8, 0xF, 64), values)


@pytest.mark.parametrize("operator", OPERATORS)
def test_task1_on_a_32_bit_architecture_the_lower_half_is_all(operator: str) -> None:
    values = [6, 7, 8, 0x1_0000_0006, 0x1_0000_0007, 0x1_0000_0008, 0xFFFFFFFF]
    compared(Condition(2, operator, 7, ALL, 32), values)


def test_task1_two_conditions_in_a_row_must_both_hold() -> None:
    story = Story(
        "compare() for argument 1 == 2, with no further code at yes; in front of it compare() for "
        "argument 0 > 4, with the label of the first one as its yes"
    )

    def build(program: Program) -> Any:
        yes, no = program.give(YES), program.give(NO)
        inner = seccomp.compare(program, Condition(1, "EQ", 2, ALL, 64), yes, no)
        return seccomp.compare(program, Condition(0, "GT", 4, ALL, 64), inner, no)

    program = built(story, build)
    for first, second in (5, 2), (4, 2), (5, 3), (0x1_0000_0000, 2), (4, 3):
        answer = pretend_bpf.decide(program, Call(1, "x86_64", first, second))
        expected = YES if first > 4 and second == 2 else NO
        saw = f"for {first:#x} and {second:#x}: {answer.way}"
        story.check(answer.value == expected, saw, pretend_bpf.action(expected))


@pytest.mark.root
def test_task1_the_kernel_compares_like_this_as_well() -> None:
    story = Story(
        "a filter on the real kernel: lseek(2) fails with EPERM if its offset is 5, and offsets 5 "
        "and 0x100000005 are tried",
    )
    number = seccomp_numbers.table(f"SCMP_ARCH_{os.uname().machine.upper()}")["lseek"]

    def build(program: Program) -> Any:
        no = program.give(ALLOW)
        start = seccomp.compare(program, Condition(1, "EQ", 5, ALL, 64), program.give(EPERM), no)
        return program.load(0, program.test(0x15, number, start, no))

    program = built(story, build)

    def seek() -> list[int]:
        under(program)
        with os.fdopen(os.memfd_create("file"), "r") as file:
            return [called(number, file.fileno(), it, os.SEEK_SET) for it in (5, 2**32 + 5)]

    seen = story.value(seek)
    saw = f"errno {seen}, where 0 is success"
    story.check(seen == [errno.EPERM, 0], saw, "EPERM for 5, success for 0x100000005")


# ---- task 2: search ---------------------------------------------------------------------------


def searched(steps: Sequence[tuple[int, int]]) -> tuple[Story, bytes]:
    """Return the program that search() writes for *steps*: (first, what to answer) each."""
    shown = ", ".join(f"({first}, answer {value})" for first, value in steps[:4])
    shown += f", ... {len(steps) - 4} more" if len(steps) > 4 else ""
    story = Story(f"search(program, steps), where steps are [{shown}]")

    def build(program: Program) -> Any:
        labels = [(first, program.give(value)) for first, value in steps]
        start = seccomp.search(program, labels)
        return program.load(0, start) if type(start) is int else start

    return story, built(story, build)


def steps_of(count: int, width: int = 3) -> list[tuple[int, int]]:
    """Return *count* steps, each *width* numbers wide, whose answers are 1, 2, 3 and so on."""
    return [(place * width, place + 1) for place in range(count)]


def found(story: Story, program: bytes, steps: Sequence[tuple[int, int]]) -> None:
    """Check that *program* answers each number that lies at or beside a step with that step."""
    firsts = [first for first, _ in steps]
    numbers = {n for first in firsts for n in (first - 1, first, first + 1)} | {0, 2**32 - 1}
    for number in sorted(number for number in numbers if 0 <= number < 2**32):
        place = max(place for place, first in enumerate(firsts) if first <= number)
        answer = pretend_bpf.decide(program, Call(number))
        mistake = ""
        if place and number == firsts[place] and answer.value == steps[place - 1][1]:
            mistake = (
                "a step's first number was given to the step before: the comparison is greater or "
                "equal, not greater"
            )
        elif answer.value == steps[0][1] and number > firsts[place]:
            mistake = "only the first numbers of the steps are found: a step is a range"
        story.check(
            answer.value == steps[place][1],
            f"for the number {number}: {answer.way.replace('the answer is', 'answer')}",
            f"answer {steps[place][1]}: the step that begins at {firsts[place]} goes on to it",
            mistake,
        )


def test_task2_one_step_is_answered_without_code() -> None:
    story = Story("search(program, [(0, label)])")

    def ask() -> list[Any]:
        program = Program()
        program.give(1)
        label = program.give(2)
        program.give(3)
        return [seccomp.search(program, [(0, label)]), label, len(program._instructions)]

    value, label, count = story.value(ask)
    story.check(
        value == label and isinstance(value, int),
        f"it returned {value!r}, and added {count - 3} instructions",
        f"{label}, the label of the only step: every number goes on there",
        "code was written; one step needs no code" if count > 3 else "",
    )
    story.check(count == 3, f"it added {count - 3} instructions", "none: one step needs no code")


def test_task2_two_steps_are_told_apart() -> None:
    steps = [(0, 1), (39, 2)]
    found(*searched(steps), steps)


def test_task2_a_number_goes_on_at_the_last_step_that_begins_at_or_below_it() -> None:
    steps = [(0, 1), (39, 2), (40, 1)]
    found(*searched(steps), steps)


@pytest.mark.parametrize("count", [3, 4, 5, 7, 8, 9, 31, 100])
def test_task2_any_number_of_steps_is_searched(count: int) -> None:
    steps = steps_of(count)
    found(*searched(steps), steps)


def test_task2_numbers_up_to_32_bits_have_no_sign() -> None:
    steps = [(0, 1), (450, 2), (0x40000000, 3), (0x80000000, 4), (0xFFFFFFFF, 5)]
    found(*searched(steps), steps)


def test_task2_a_thousand_steps_are_still_one_program() -> None:
    steps = steps_of(1000, 1)
    found(*searched(steps), steps)


@pytest.mark.parametrize("count", [2, 3, 8, 9, 64, 400])
def test_task2_no_number_needs_more_tests_than_halving_takes(count: int) -> None:
    steps = steps_of(count)
    story, program = searched(steps)
    most = math.ceil(math.log2(count))
    tests = {first: pretend_bpf.decide(program, Call(first)).tests for first, _ in steps}
    worst = max(tests, key=lambda first: tests[first])
    mistake = "the two parts of the steps are not halves"
    if tests[worst] >= count - 1:
        mistake = "the steps are asked one after the other; halve them instead"
    saw = f"for the number {worst} it took {tests[worst]} tests"
    story.check(tests[worst] <= most, saw, f"at most {most}, log2({count}) rounded up", mistake)
    story.check(tests[worst] > 0, saw, "a test: there is more than one step")


def test_task2_the_steps_stay_as_they_were() -> None:
    story = Story("search(program, steps), with a list of five steps")

    def ask() -> Any:
        program = Program()
        steps = [(first, program.give(value)) for first, value in steps_of(5)]
        before = list(steps)
        label = seccomp.search(program, steps)
        return [isinstance(label, int), steps == before]

    returned, same = story.value(ask)
    story.check(returned, "it returned no label", "the label where the code begins")
    story.check(same, "the caller's list has changed", "the list as it was")


# ---- task 3: compile --------------------------------------------------------------------------

X86, X32, X64 = "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_X86_64"
MKDIR = {"x86_64": 83, "i386": 39, "x32": 0x40000000 | 83}
NEWER = (
    "a call newer than all that the profile names must fail with ENOSYS, not EPERM: a C "
    "library takes EPERM for the last word, and ENOSYS for a reason to try an older call"
)
HOLE = "a number at or above X32_BIT is x32's, an architecture of its own with the same AUDIT_ARCH"


def rule(names: str, action: str = "ALLOW", **more: Any) -> dict[str, Any]:
    return {"names": names.split(), "action": f"SCMP_ACT_{action}", **more}


def profile(*rules: dict[str, Any], default: str = "ERRNO", on: str = X64) -> dict[str, Any]:
    """Return linux.seccomp with *rules* for the architectures *on*."""
    return {
        "defaultAction": f"SCMP_ACT_{default}",
        "architectures": on.split(),
        "syscalls": list(rules),
    }


def simple_search(program: Program, steps: Sequence[tuple[int, int]]) -> int:
    """Stand in for task 2: slow, but task 3 is graded by itself."""
    label = steps[0][1]
    for first, after in steps[1:]:
        label = program.test(GREATER_OR_EQUAL, first, after, label)
    return label


class Filter:
    """What compile() made of a profile, and the story of it."""

    def __init__(self, told: str, given: dict[str, Any], machine: str = "x86_64") -> None:
        self.told = told
        story = self.story("")

        def write() -> Any:
            seccomp.search = simple_search
            made = seccomp.compile(given, machine)
            return made.hex() if isinstance(made, bytes) else f"!{type(made).__name__}"

        text = story.value(write)
        story.check(not text.startswith("!"), f"it returned {text[1:]}", "bytes, the program")
        self.program = taken(story, bytes.fromhex(text))

    def story(self, asked: str) -> Story:
        return Story(f"compile() for a profile that says: {self.told}{asked}")

    def answers(self, call: Call, what: str, expected: int, **mistakes: str) -> None:
        """Check the answer to *call*; *mistakes*: what each wrong answer means."""
        answer = pretend_bpf.decide(self.program, call)
        named = {"allow": ALLOW, "eperm": EPERM, "enosys": ENOSYS, "kill": KILL}
        story = self.story(f"; then the filter was asked about {what}")
        mistake = next((it for name, it in mistakes.items() if answer.value == named[name]), "")
        if "the architecture," not in answer.way:
            mistake = (
                "the architecture is never looked at, and the same number is another call on "
                "another one"
            )
        wanted = f"the answer: {pretend_bpf.action(expected)}"
        story.check(answer.value == expected, answer.way, wanted, mistake)


def test_task3_a_call_of_a_rule_gets_the_rules_action() -> None:
    it = Filter("allow read and getpid, all else EPERM", profile(rule("read getpid")))
    it.answers(Call(0), "read (0)", ALLOW)
    it.answers(Call(39), "getpid (39)", ALLOW)


def test_task3_any_other_call_gets_the_default() -> None:
    it = Filter("allow read and reboot, all else EPERM", profile(rule("read reboot")))
    beyond = "calls that the profile could know get the default action"
    for number, name in (1, "write"), (38, "setitimer"), (168, "swapoff"):
        it.answers(Call(number), f"{name} ({number})", EPERM, enosys=beyond)


def test_task3_a_rule_may_name_its_errno() -> None:
    rules = rule("read"), rule("mkdir", "ERRNO", errnoRet=errno.EROFS)
    it = Filter("allow read, mkdir fails with EROFS, all else EPERM", profile(*rules))
    it.answers(Call(83), "mkdir (83)", 0x00050000 | errno.EROFS)


def test_task3_the_first_instruction_reads_the_architecture() -> None:
    it = Filter("allow read, all else EPERM", profile(rule("read")))
    answer = pretend_bpf.decide(it.program, Call(0))
    first = answer.way.split(";")[0]
    it.story("").check(
        first.startswith("A = the architecture"),
        f"the filter begins with: {first}",
        "A = the architecture, before anything else",
        "a number means nothing before the architecture is known",
    )


def test_task3_a_call_made_for_another_architecture_is_killed() -> None:
    it = Filter("allow munmap (11 on x86_64), all else EPERM", profile(rule("munmap")))
    other = "a call made for an architecture that the profile does not allow is killed"
    wrong = {"allow": other, "eperm": other, "enosys": other}
    for name in "i386", "aarch64", "riscv64":
        it.answers(Call(11, name), f"number 11, made for {name}", KILL, **wrong)
    it.answers(Call(11), "number 11, made for x86_64", ALLOW)


def test_task3_nothing_is_allowed_for_another_architecture_by_default() -> None:
    it = Filter(
        "mkdir fails, all else is allowed", profile(rule("mkdir", "ERRNO"), default="ALLOW")
    )
    wrong = (
        "the default action was taken for an architecture that the profile does not allow: what is "
        "forbidden on x86_64 is open there"
    )
    it.answers(Call(39, "i386"), "mkdir of i386 (39)", KILL, allow=wrong)
    it.answers(Call(83), "mkdir (83)", EPERM)


def test_task3_each_architecture_has_its_own_numbers() -> None:
    it = Filter(
        "for x86_64 and i386, allow execve (59; on i386 11), all else EPERM",
        profile(rule("execve"), on=f"{X64} {X86}"),
    )
    one = "only the first table was used; tables() returns one for each architecture"
    wrong = {"eperm": NEWER, "kill": NEWER, "allow": NEWER}
    it.answers(Call(11, "i386"), "number 11, made for i386", ALLOW, kill=one)
    it.answers(Call(11), "number 11, made for x86_64", EPERM)
    it.answers(Call(59), "number 59, made for x86_64", ALLOW)
    it.answers(Call(59, "i386"), "number 59, made for i386", ENOSYS, **wrong)


def test_task3_arm64_is_a_machine_too() -> None:
    given = profile(rule("mkdirat"), on="SCMP_ARCH_AARCH64 SCMP_ARCH_ARM")
    it = Filter("for arm64 and arm, allow mkdirat (34; on arm 323)", given, "aarch64")
    it.answers(Call(34, "aarch64"), "number 34, made for aarch64", ALLOW)
    it.answers(Call(323, "arm"), "number 323, made for arm", ALLOW)
    it.answers(Call(34, "arm"), "number 34, made for arm", EPERM)
    it.answers(Call(34, "x86_64"), "number 34, made for x86_64", KILL)


def test_task3_a_call_newer_than_the_profile_does_not_exist() -> None:
    it = Filter("allow read and statx (332), all else EPERM", profile(rule("read statx")))
    wrong = {"eperm": NEWER, "kill": NEWER, "allow": NEWER}
    for number in 333, 435, 451, 2000:
        it.answers(Call(number), f"number {number}", ENOSYS, **wrong)
    it.answers(Call(331), "pkey_free (331), older than statx", EPERM)
    it.answers(Call(332), "statx (332)", ALLOW)


def test_task3_without_x32_its_calls_are_those_of_another_architecture() -> None:
    given = profile(rule("mkdir", "ERRNO"), default="ALLOW")
    it = Filter("mkdir fails, all else is allowed; only x86_64 is listed", given)
    wrong = {"allow": f"mkdir is open through x32: {HOLE}", "enosys": HOLE, "eperm": HOLE}
    for number in MKDIR["x32"], 0x40000000, 0x40000000 | 520, 0xFFFFFFFE:
        it.answers(Call(number), f"number {number:#x}", KILL, **wrong)


def test_task3_without_x32_its_calls_are_killed_whatever_the_default_is() -> None:
    it = Filter("allow mkdir, all else EPERM; only x86_64 is listed", profile(rule("mkdir")))
    wrong = {"allow": HOLE, "enosys": f"they are not newer calls: {HOLE}", "eperm": HOLE}
    it.answers(Call(MKDIR["x32"]), f"number {MKDIR['x32']:#x}", KILL, **wrong)
    it.answers(Call(0x3FFFFFFF), "number 0x3fffffff", ENOSYS, eperm=NEWER, kill=NEWER)


def test_task3_a_call_that_a_debugger_skips_gets_the_default() -> None:
    skipped = "the number -1 is no call of x32: a debugger has written it, to skip the call"
    for default, answer in ("ERRNO", EPERM), ("ALLOW", ALLOW):
        given = profile(rule("mkdir", "TRAP"), default=default)
        it = Filter(f"mkdir is a trap, the default is {default}; only x86_64 is listed", given)
        it.answers(Call(0xFFFFFFFF), "number 0xffffffff (SKIPPED)", answer, kill=skipped)


def test_task3_with_x32_both_kinds_of_numbers_are_known() -> None:
    given = profile(rule("mkdir execve"), on=f"{X64} {X32}")
    it = Filter("for x86_64 and x32, allow mkdir and execve, all else EPERM", given)
    lost = (
        "of two tables with the same audit the later one replaced the earlier; x32's steps follow "
        "those of x86_64"
    )
    wrong = {"kill": lost, "enosys": lost, "eperm": lost}
    it.answers(Call(83), "mkdir of x86_64 (83)", ALLOW, **wrong)
    it.answers(Call(59), "execve of x86_64 (59)", ALLOW, **wrong)
    it.answers(Call(MKDIR["x32"]), "mkdir of x32 (0x40000053)", ALLOW, **wrong)
    it.answers(Call(0x40000000 | 520), "execve of x32 (0x40000208)", ALLOW, **wrong)
    it.answers(Call(0x40000001), "write of x32 (0x40000001)", EPERM)
    it.answers(Call(0x40000000 | 900), "number 0x40000384", ENOSYS, eperm=NEWER, kill=NEWER)


def test_task3_i386_may_have_numbers_as_high_as_it_likes() -> None:
    given = profile(rule("read"), on=f"{X64} {X86}", default="ALLOW")
    it = Filter("for x86_64 and i386: everything is allowed", given)
    only = "x32 shares its AUDIT_ARCH with x86_64, and with nothing else"
    it.answers(Call(0x40000053, "i386"), "number 0x40000053, made for i386", ALLOW, kill=only)


def test_task3_a_condition_decides_by_the_argument() -> None:
    clone = rule("clone", args=[{"index": 0, "op": "SCMP_CMP_EQ", "value": 17}])
    it = Filter("allow clone if its flags are 17, all else EPERM", profile(clone))
    it.answers(Call(56, "x86_64", 17), "clone(17)", ALLOW)
    it.answers(Call(56, "x86_64", 0x10000011), "clone(CLONE_NEWUSER|17)", EPERM)


@pytest.mark.root
def test_task3_the_kernel_decides_like_this_as_well() -> None:
    machine = os.uname().machine
    name = f"SCMP_ARCH_{machine.upper()}"
    given = profile(rule("getppid", "ERRNO", errnoRet=99), default="ALLOW", on=name)
    it = Filter("getppid fails with errno 99, all else is allowed", given, machine)
    number = seccomp_numbers.table(name)["getppid"]

    def ask() -> list[int]:
        under(it.program)
        os.getpid()
        return [called(number)]

    story = it.story("; then a process on the real kernel called getppid under this filter")
    seen = story.value(ask)
    story.check(seen == [99], f"errno {seen[0]}, where 0 is success", "errno 99")


# ---- task 4: install --------------------------------------------------------------------------


class PretendKernel:
    """What set_filter was called with: the right program or not, flags. It may refuse."""

    def __init__(self, program: bytes, refusal: int) -> None:
        self.program = program
        self.refusal = refusal
        self.calls: list[tuple[bool, int]] = []

    def set_filter(self, program: bytes, flags: int) -> None:
        self.calls.append((bytes(program) == self.program, flags))
        if self.refusal:
            raise OSError(self.refusal, os.strerror(self.refusal))


GOOD = struct.pack("<HBBI", 0x06, 0, 0, ALLOW)


def installed(story: Story, program: bytes, *flags: str, refusal: int = 0) -> Any:
    """Call install on a pretend kernel; return the outcome with what the kernel was asked."""

    def call() -> list[Any]:
        kernel = PretendKernel(program, refusal)
        vars(syscalls_seccomp)["set_filter"] = kernel.set_filter
        told = ["", ""]
        try:
            seccomp.install(program, iter(flags)) if flags else seccomp.install(program)
        except NotImplementedError:
            raise
        except Exception as error:
            told = [type(error).__name__, str(error)]
        return [*told, kernel.calls]

    return story.value(call)


def goes_through(story: Story, program: bytes, bits: int, *flags: str) -> None:
    kind, message, calls = installed(story, program, *flags)
    story.check(not kind, f"{kind}: {message}", "no exception")
    story.check(len(calls) == 1, f"set_filter was called {len(calls)} times", "once")
    story.check(calls[0][0], "it got another program", "the program as it came")
    story.check(calls[0][1] == bits, f"it got the bits {calls[0][1]}", f"{bits}")


def is_refused(story: Story, program: bytes, words: str, mistake: str, *flags: str) -> None:
    kind, message, calls = installed(story, program, *flags)
    saw = f"{kind}: {message}" if kind else "no exception"
    saw += "; the kernel was asked" if calls else "; the kernel was not asked"
    story.check(
        kind == "ConfigError" and not calls, saw, "ConfigError, before the kernel is asked", mistake
    )
    story.check(words in message, saw, f"a message that names {words}")


def test_task4_the_program_goes_to_the_kernel_as_it_is() -> None:
    story = Story("install(program), with a program of two instructions")
    goes_through(story, GOOD * 2, 0)


def test_task4_flags_become_bits() -> None:
    names = ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"]
    story = Story(f"install(program, {names})")
    goes_through(story, GOOD, 3, *names)
    story = Story(f"install(program, {names[1:]})")
    goes_through(story, GOOD, 2, names[1])


def test_task4_an_unknown_flag_is_named() -> None:
    story = Story('install(program, ["SECCOMP_FILTER_FLAG_FAST"])')
    mistake = "a flag that is not in the table is skipped, or reaches the caller as another error"
    is_refused(story, GOOD, "SECCOMP_FILTER_FLAG_FAST", mistake, "SECCOMP_FILTER_FLAG_FAST")


@pytest.mark.parametrize("count", [0, 1, 7, 12, 8 * 4096 + 8])
def test_task4_what_is_no_program_is_not_given_to_the_kernel(count: int) -> None:
    story = Story(f"install(program), with a program of {count} bytes")
    mistake = "a program of impossible length went to the kernel, which says Invalid argument"
    is_refused(story, b"\6" * count, "", mistake)


def test_task4_the_longest_program_is_one() -> None:
    story = Story("install(program), with 4096 instructions, as many as the kernel takes")
    goes_through(story, GOOD * 4096, 0)


MISSING = "CAP_SYS_ADMIN", "no_new_privs"  # one of these lets a thread have a filter


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ESRCH, errno.ENOSYS, errno.ENOMEM])
def test_task4_a_refusal_is_a_kernel_error_with_the_reason(number: int) -> None:
    why = os.strerror(number)
    story = Story(f"install(program), and the kernel says: {why}")
    kind, message, _ = installed(story, GOOD, refusal=number)
    saw = f"{kind}: {message}" if kind else "no exception"
    swallowed = "" if kind else "the kernel's refusal is swallowed: nothing is filtered"
    story.check(kind == "KernelError", saw, "KernelError", swallowed)
    story.check(why.lower() in message.lower(), saw, f"a message with the reason: {why}")
    blamed = [word for word in MISSING if word.lower() in message.lower()]
    always = "what EACCES means was said of another refusal, and sends whoever reads it astray"
    expected = f"the reason, and nothing of {' and '.join(MISSING)}: that is not what is missing"
    story.check(not blamed, saw, expected, always)


def test_task4_without_the_right_to_filter_the_message_says_what_is_missing() -> None:
    story = Story(
        "install(program), and the kernel says: Permission denied (EACCES)",
        "the chapter, By hand: leave prctl(38, 1, 0, 0, 0) out of `under`, and run it as nobody",
    )
    kind, message, _ = installed(story, GOOD, refusal=errno.EACCES)
    saw = f"{kind}: {message}" if kind else "no exception"
    swallowed = "" if kind else "the kernel's refusal is swallowed: nothing is filtered"
    story.check(kind == "KernelError", saw, "KernelError", swallowed)
    named = [word for word in MISSING if word.lower() in message.lower()]
    words = "Permission denied does not help whoever reads it: say what is missing"
    if named:
        words = f"{named[0]} is named, and is one of two ways to the right"
    expected = "a message that names CAP_SYS_ADMIN and no_new_privs"
    story.check(len(named) == len(MISSING), saw, expected, words)


@pytest.mark.root
def test_task4_the_filter_holds_for_this_process_and_its_children() -> None:
    story = Story(
        "install() of a filter by which getppid fails with errno 99, on the real kernel; then "
        "getppid was called by this process and by a child",
        "grep Seccomp /proc/self/status",
    )
    number, program = refusing("getppid")

    def ask() -> list[Any]:
        seccomp.install(program)
        pid = os.fork()
        if pid == 0:
            os._exit(called(number))
        _, status = os.waitpid(pid, 0)
        with open("/proc/self/status") as file:
            mode = next(line.split()[1] for line in file if line.startswith("Seccomp:"))
        return [called(number), status >> 8, mode]

    seen = story.value(ask)
    saw = f"errno {seen[0]} and {seen[1]}, where 0 is success; Seccomp: {seen[2]}"
    story.check(seen == [99, 99, "2"], saw, "errno 99 for both, and Seccomp: 2 in the status")


@pytest.mark.root
def test_task4_who_may_not_filter_is_told_so_by_the_real_kernel() -> None:
    story = Story(
        "install() on the real kernel, by a process without capabilities and without no_new_privs"
    )
    _, program = refusing("getppid")

    def ask() -> str:
        syscalls.capset(0, 0, 0)
        seccomp.install(program)
        return "no exception"

    outcome = story.run(ask)
    if outcome.raised is None:
        saw = str(outcome.value) if outcome.noted else ending(outcome)
        story.fail(saw, "KernelError", "the kernel's refusal is swallowed: nothing is filtered")
    story.check(outcome.raised.kind == "KernelError", str(outcome.raised), "KernelError")


def refusing(name: str) -> tuple[int, bytes]:
    """Return the number of the call *name*, and a filter by which it fails with errno 99."""
    number = seccomp_numbers.table(f"SCMP_ARCH_{os.uname().machine.upper()}")[name]
    program = Program()
    wrong, right = program.give(0x00050000 | 99), program.give(ALLOW)
    return number, program.bytes(program.load(0, program.test(0x15, number, wrong, right)))


def under(program: bytes) -> None:
    """Put this process under *program*, without the function that is graded."""
    syscalls_seccomp.set_filter(program, 0)


def called(number: int, *arguments: int) -> int:
    """Make the system call *number* and return its errno, 0 for success."""
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    failed = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(it) for it in arguments)) == -1
    return ctypes.get_errno() if failed else 0
