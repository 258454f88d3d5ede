"""seccomp: which system calls a process may make.

A filter is a small program for the kernel's BPF machine. Before every system call the
kernel runs it over 64 bytes that describe the call, and what it returns is done:

    offset  0   the number of the call            struct seccomp_data, seccomp(2)
    offset  4   the architecture it was made for (AUDIT_ARCH_*)
    offset  8   the address of the calling instruction, 8 bytes
    offset 16   six arguments of 8 bytes each, the lower half first

The machine has one register of 32 bits, A. It loads a word into A, compares A with a
number and jumps, or returns a value: allow the call, let it fail, kill the caller. A
filter cannot follow a pointer and it is never taken off; a child and a new program
inherit it.

Docker's profiles name calls and conditions. seccomp_profile.py reads them,
seccomp_rules.py looks the numbers up, compile() here makes the filter; how one is
written, from its end to its start, is the docstring of seccomp_program.Program.

Chapter: chapters/07-seccomp.md
Lab:     labs/07_seccomp/
"""

from __future__ import annotations

from mini_docker import seccomp_rules, syscalls_seccomp
from mini_docker.errors import ConfigError, KernelError, reason
from mini_docker.seccomp_program import EQUAL, GREATER, GREATER_OR_EQUAL, LONGEST, Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from mini_docker.seccomp_rules import Condition, Rule, Table

# struct seccomp_data, <linux/seccomp.h>: offsets in bytes.
NUMBER = 0
ARCHITECTURE = 4
ARGUMENTS = 16

KILL_THREAD = 0x00000000
FAIL_WITH_ENOSYS = 0x00050026  # SECCOMP_RET_ERRNO | 38: "there is no such call"
X86_64 = 0xC000003E  # AUDIT_ARCH_X86_64
X32_BIT = 0x40000000  # set in the number of each call of the x32 architecture
SKIPPED = 0xFFFFFFFF  # -1, the number of no call at all


def compare(program: Program, condition: Condition, yes: int, no: int) -> int:
    """Add code that goes on at *yes* if an argument meets *condition*, and at *no* if not.

    Return the label where it begins. *condition* has

        index      which argument, 0 to 5
        operator   "EQ", "NE", "LT", "LE", "GE" or "GT": the argument, this, the value
        value      a number of 64 bits without a sign
        mask       64 bits: only those of the argument that are set here count
        bits       64; or 32, on an architecture where the argument is its lower half

    A holds 32 bits, so an argument is compared in two halves: the upper one decides, and
    the lower one only if the upper ones are equal. The lower half is at ARGUMENTS +
    8 * index, the upper one 4 bytes further; program.keep() applies a half of the mask.
    There are only three comparisons. The other operators are their opposites: "NE" is "EQ"
    with *yes* and *no* exchanged, "LT" is "GE", and "LE" is "GT".

    Written from the end, the lower half comes first. seccomp_rule_add(3).
    """
    opposites = {"NE": "EQ", "LT": "GE", "LE": "GT"}
    operator = condition.operator
    if operator in opposites:
        operator, yes, no = opposites[operator], no, yes
    comparison = {"EQ": EQUAL, "GT": GREATER, "GE": GREATER_OR_EQUAL}[operator]

    lower, upper = condition.value & 0xFFFFFFFF, condition.value >> 32
    offset = ARGUMENTS + 8 * condition.index
    start = program.test(comparison, lower, yes, no)
    start = program.load(offset, program.keep(condition.mask & 0xFFFFFFFF, start))
    if condition.bits == 32:
        return start
    start = program.test(EQUAL, upper, start, no)
    if operator != "EQ":
        start = program.test(GREATER, upper, yes, start)
    return program.load(offset + 4, program.keep(condition.mask >> 32, start))


def search(program: Program, steps: Sequence[tuple[int, int]]) -> int:
    """Add code that finds the number in A among *steps* and goes on where that one says.

    Return the label where it begins. *steps* are pairs (first, label) with rising firsts:
    the numbers from *first* to the one before the next *first* go on at *label*. The first
    step begins at 0, so there is an answer for every number; the last one has no end.

    Every system call of the container pays for this. A list of comparisons takes hundreds
    of instructions; halve the steps with one GREATER_OR_EQUAL, search each half, and no
    number needs more comparisons than log2(len(steps)), rounded up. One step alone needs
    no code: its label is the answer.

        search(program, [(0, allow), (39, kill), (40, allow)])   two tests
    """
    if len(steps) == 1:
        return steps[0][1]
    middle = len(steps) // 2
    above = search(program, steps[middle:])
    below = search(program, steps[:middle])
    return program.test(GREATER_OR_EQUAL, steps[middle][0], above, below)


def compile(profile: dict[str, Any], machine: str) -> bytes:
    """Return the filter that does what *profile* says, for the kernel of *machine*.

    *profile* is linux.seccomp of an OCI configuration, *machine* "x86_64" or "aarch64".
    The same number is another call on another architecture: 11 is munmap on x86_64 and
    execve on i386, and a process may switch. So a filter looks at the architecture first.
    seccomp_rules.tables(profile, machine) returns a table for each one that the profile
    allows, this machine's own first, with its AUDIT_ARCH number in `audit`. A call that
    was made for any other one: KILL_THREAD.

    Then comes the number. seccomp_rules.action(profile) is the value for calls that no rule
    is about. ranges() turns a table into steps for search(); numbers above all that the
    profile knows go to FAIL_WITH_ENOSYS: a C library that tries a call newer than the
    profile then takes an older one, where "not permitted" would make it give up.

    x86_64 and x32 are two tables with the same `audit`: a call is x32's if X32_BIT is set
    in its number, and x32's steps follow those of x86_64. If the profile allows x86_64
    without x32, the numbers from X32_BIT on belong to an architecture that is not allowed:
    a filter that forgets them allows through x32 what it forbids on x86_64. Only SKIPPED,
    which a debugger writes over the number of a call to skip it, gets the default action.

    Raises ConfigError if the program is longer than the kernel takes. seccomp(2).
    """
    program = Program()
    default = program.give(seccomp_rules.action(profile))
    enosys = program.give(FAIL_WITH_ENOSYS)
    start = foreign = program.give(KILL_THREAD)
    steps: dict[int, list[tuple[int, int]]] = {}
    for table in seccomp_rules.tables(profile, machine):
        steps.setdefault(table.audit, []).extend(ranges(program, table, default, enosys))
    if X86_64 in steps and steps[X86_64][-1][0] < X32_BIT:
        steps[X86_64] += [(X32_BIT, foreign), (SKIPPED, default)]
    for audit in reversed(steps):  # written from the end: what comes last is asked first
        numbers = program.load(NUMBER, search(program, steps[audit]))
        start = program.test(EQUAL, audit, numbers, start)
    return program.bytes(program.load(ARCHITECTURE, start))


def install(program: bytes, flags: Iterable[str] = ()) -> None:
    """Put the filter *program* on the calling thread, for good. seccomp(2).

    *flags* are names as in an OCI configuration: "SECCOMP_FILTER_FLAG_LOG" and others of
    syscalls_seccomp.FLAGS, which has their bits; hand their sum to
    syscalls_seccomp.set_filter(program, bits). Look at both before the kernel does, whose
    word for everything is "Invalid argument": ConfigError names a flag that is not in the
    table, and a program that is empty, not made of whole instructions of 8 bytes, or longer
    than LONGEST of them.

    Raises KernelError, with the reason, if the kernel refuses the filter. It refuses
    (EACCES) one from a thread that has neither CAP_SYS_ADMIN nor the promise of
    PR_SET_NO_NEW_PRIVS: a setuid program under a filter of its caller's choice could be
    made to do harm. Say so in the message, for EACCES and for nothing else: name
    CAP_SYS_ADMIN and no_new_privs.
    """
    bits = 0
    for flag in flags:
        if flag not in syscalls_seccomp.FLAGS:
            raise ConfigError(f"unknown seccomp flag {flag!r}")
        bits |= syscalls_seccomp.FLAGS[flag]
    if not program or len(program) % 8 or len(program) > 8 * LONGEST:
        raise ConfigError(f"{len(program)} bytes are no seccomp filter")
    try:
        syscalls_seccomp.set_filter(program, bits)
    except OSError as error:
        why = reason(error)
        if error.errno == 13:  # EACCES
            why = "the thread has neither CAP_SYS_ADMIN nor no_new_privs"
        raise KernelError(f"cannot install the seccomp filter: {why}") from error


def decide(program: Program, rules: Sequence[Rule], otherwise: int) -> int:
    """Add code for one system call: the first of *rules* whose conditions all hold decides."""
    start = otherwise
    for rule in reversed(rules):
        no, start = start, program.give(rule.action)
        for condition in reversed(rule.conditions):
            start = compare(program, condition, start, no)
    return start


def ranges(program: Program, table: Table, default: int, beyond: int) -> list[tuple[int, int]]:
    """Return the steps of *table*; *beyond* is for the numbers above all that it knows."""
    steps = [(table.first, default)]
    for number, rules in sorted(table.calls.items()):
        label = decide(program, rules, default)
        steps += [(number, label), (number + 1, default)]
    if table.newest is not None:
        steps = [step for step in steps if step[0] <= table.newest]
        steps.append((table.newest + 1, beyond))
    # Of two steps with the same first the later one counts; one that changes nothing goes.
    distinct = sorted(dict(steps).items())
    return [it for n, it in enumerate(distinct) if n == 0 or it[1] != distinct[n - 1][1]]
