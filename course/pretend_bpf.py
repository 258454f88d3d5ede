"""Lab 7's pretend kernel: a BPF machine that decides about a call, and tells how it came to it.

Like the kernel it refuses a program that could leave its own bounds (bpf_check_classic,
seccomp_check_filter), and reads words of struct seccomp_data only. It decides for any
architecture, also for one that this machine cannot run.
"""

from __future__ import annotations

import errno
import struct
from functools import lru_cache

from mini_docker import seccomp_rules

LOAD, AND, JUMP, RETURN = 0x20, 0x54, 0x05, 0x06
TESTS = {0x15: "equal to", 0x25: "greater than", 0x35: "greater than or equal to"}
ARCHITECTURES = {
    "x86_64": 0xC000003E,
    "i386": 0x40000003,
    "aarch64": 0xC00000B7,
    "arm": 0x40000028,
    "riscv64": 0xC00000F3,
}
LONGEST = 4096
ALLOW = 0x7FFF0000
Instruction = tuple[int, int, int, int]


class Call:
    """A system call, as struct seccomp_data describes it."""

    def __init__(self, number: int, architecture: str = "x86_64", *arguments: int) -> None:
        self.number = number
        self.architecture = architecture
        values = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
        data = struct.pack("<IIQ6Q", number, ARCHITECTURES[architecture], 0x7F00DEADBEEF, *values)
        self.words = struct.unpack("<16I", data)


class Answer:
    """What a program answered: *value*, after so many *tests* and *instructions*; *way* tells."""

    def __init__(self, value: int, tests: int, instructions: int, way: list[str]) -> None:
        self.value = value
        self.tests = tests
        self.instructions = instructions
        self._way = way

    @property
    def way(self) -> str:
        """The steps in words; of a long way its begin and its end."""
        steps = self._way
        if len(steps) > 9:
            steps = [*steps[:4], f"... {len(steps) - 8} more steps ...", *steps[-4:]]
        return "; ".join(steps)


class RefusedError(Exception):
    """A program that the kernel would not take, with the reason."""


@lru_cache(maxsize=8)
def read(program: bytes) -> list[Instruction]:
    """Return the instructions of *program*. RefusedError where the kernel says EINVAL."""
    if not program or len(program) % 8:
        raise RefusedError(f"{len(program)} bytes are not a number of whole instructions")
    code = list(struct.iter_unpack("<HBBI", program))
    if len(code) > LONGEST:
        raise RefusedError(f"it has {len(code)} instructions, more than {LONGEST}")
    for place, instruction in enumerate(code):
        if any(target >= len(code) for target in _targets(place, instruction)):
            raise RefusedError(f"instruction {place} leads past the end of the program")
    return code


def _targets(place: int, instruction: Instruction) -> list[int]:
    """Return where the program can go on after *instruction*, which stands at *place*."""
    operation, yes, no, number = instruction
    if operation == LOAD and (number % 4 or number >= 64):
        raise RefusedError(f"instruction {place} loads offset {number}, which is no word")
    if operation in TESTS:
        return [place + 1 + yes, place + 1 + no]
    if operation in (LOAD, AND):
        return [place + 1]
    if operation == JUMP:
        return [place + 1 + number]
    if operation == RETURN:
        return []
    raise RefusedError(f"instruction {place} has the unknown code {operation:#x}")


def decide(program: bytes, call: Call) -> Answer:
    """Return what *program* answers to *call*."""
    code = read(program)
    a = place = tests = count = 0
    way: list[str] = []
    while True:
        operation, yes, no, number = code[place]
        place += 1
        count += 1
        if operation == LOAD:
            a = call.words[number // 4]
            way.append(f"A = {field(number)}, {a:#x}")
        elif operation == AND:
            a &= number
            way.append(f"of A keep {number:#x}: {a:#x}")
        elif operation == JUMP:
            place += number
        elif operation == RETURN:
            way.append(f"the answer is: {action(number)}")
            return Answer(number, tests, count, way)
        else:
            tests += 1
            holds = _holds(operation, a, number)
            way.append(f"is A {TESTS[operation]} {number:#x}? {'yes' if holds else 'no'}")
            place += yes if holds else no


def _holds(operation: int, a: int, number: int) -> bool:
    if operation == 0x15:
        return a == number
    return a > number if operation == 0x25 else a >= number


def field(offset: int) -> str:
    """Say what stands at *offset* of struct seccomp_data."""
    if offset < 16:
        words = ("the number", "the architecture", "the lower half of the address")
        return (*words, "the upper half of the address")[offset // 4]
    half = "upper" if offset % 8 else "lower"
    return f"the {half} half of argument {(offset - 16) // 8}"


def action(value: int) -> str:
    """Say what the kernel does if a filter returns *value*."""
    number = value & 0xFFFF
    if value >> 16 == 0x0005:
        return f"fail with {errno.errorcode.get(number, str(number))}"
    words = {it: name for name, it in seccomp_rules.ACTIONS.items()}
    words |= {0x00000000: "kill the thread", 0x80000000: "kill the process", ALLOW: "allow"}
    return words.get(value, f"{value:#010x}")
