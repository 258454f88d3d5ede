"""A machine for BPF programs, as seccomp runs them: what a filter decides about a call.

It refuses what the kernel refuses (seccomp_check_filter, bpf_check_classic): a jump past
the end, an offset that is no word of struct seccomp_data, a program that does not return.
"""

from __future__ import annotations

import struct

AUDIT = {
    "x86_64": 0xC000003E,
    "i386": 0x40000003,
    "aarch64": 0xC00000B7,
    "arm": 0x40000028,
}
LOAD, AND, JUMP, RETURN = 0x20, 0x54, 0x05, 0x06
EQUAL = 0x15
TESTS = {
    EQUAL: lambda a, k: a == k,
    0x25: lambda a, k: a > k,
    0x35: lambda a, k: a >= k,
    0x45: lambda a, k: a & k != 0,
}
Instruction = tuple[int, int, int, int]


def disassemble(program: bytes) -> list[Instruction]:
    """Return the instructions of *program*; ValueError for one that the kernel would refuse."""
    if not program or len(program) % 8:
        raise ValueError(f"{len(program)} bytes are no program")
    code = list(struct.iter_unpack("<HBBI", program))
    if len(code) > 4096:
        raise ValueError(f"{len(code)} instructions")
    for place, instruction in enumerate(code):
        if any(target >= len(code) for target in _targets(place, instruction)):
            raise ValueError(f"instruction {place} leads past the end")
    return code


def _targets(place: int, instruction: Instruction) -> list[int]:
    """Return where the program can go on after *instruction*, which stands at *place*."""
    operation, yes, no, number = instruction
    if operation in TESTS:
        return [place + 1 + yes, place + 1 + no]
    if operation == JUMP:
        return [place + 1 + number]
    if operation == AND or (operation == LOAD and number % 4 == 0 and number < 64):
        return [place + 1]
    if operation == RETURN:
        return []
    raise ValueError(f"instruction {place}: {operation:#x} {number:#x}")


def run(
    program: bytes | list[Instruction], arch: int, number: int, args: tuple[int, ...] = ()
) -> int:
    """Return what *program* answers to the call *number*(*args*), made for *arch*."""
    return trace(program, arch, number, args)[0]


def trace(
    program: bytes | list[Instruction], arch: int, number: int, args: tuple[int, ...] = ()
) -> tuple[int, int]:
    """Return that answer, and how many instructions it took."""
    code = disassemble(program) if isinstance(program, bytes) else program
    data = struct.pack("<IIQ6Q", number, arch, 0, *(*args, 0, 0, 0, 0, 0, 0)[:6])
    words = struct.unpack("<16I", data)
    a = place = count = 0
    while True:
        operation, yes, no, k = code[place]
        place += 1
        count += 1
        if operation == RETURN:
            return k, count
        if operation == LOAD:
            a = words[k // 4]
        elif operation == AND:
            a &= k
        elif operation == JUMP:
            place += k
        else:
            place += yes if TESTS[operation](a, k) else no
