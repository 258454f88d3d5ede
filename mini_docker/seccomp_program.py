"""A BPF program for seccomp, put together instruction by instruction.

An instruction is a struct sock_filter of 8 bytes: what to do, how many instructions to
skip if a comparison holds and if it does not, and a number. <linux/filter.h>
"""

from __future__ import annotations

import struct

from mini_docker.errors import ConfigError

# The comparisons of A with a number, without a sign. <linux/bpf_common.h>
EQUAL = 0x15
GREATER = 0x25
GREATER_OR_EQUAL = 0x35

LONGEST = 4096  # instructions, BPF_MAXINSNS

_LOAD = 0x20
_AND = 0x54
_JUMP = 0x05
_RETURN = 0x06
_REACH = 250  # a test skips at most 255, and each of its two targets may cost a detour


class Program:
    """A BPF program, written from its last instruction to its first.

    BPF jumps forward only. Written from the end, each target is there before the jump to
    it. Every method adds an instruction in front of all others and returns its label: what
    an earlier instruction takes as the place to go on at. So `then`, `yes` and `no` are
    labels that were returned before. To allow getpid (39) and kill for all else:

        kill, allow = program.give(0x00000000), program.give(0x7FFF0000)
        start = program.load(NUMBER, program.test(EQUAL, 39, allow, kill))

    An instruction that is there already is used again. bytes() takes the label to start at.
    """

    __slots__ = ("_detours", "_instructions", "_labels")

    def __init__(self) -> None:
        self._instructions: list[bytes] = []  # a label is an index; 0 is the program's end
        self._labels: dict[tuple[int, ...], int] = {}
        self._detours: dict[int, int] = {}  # label: the last jump to it

    def give(self, value: int) -> int:
        """Return from the program with *value*."""
        return self._add((_RETURN, value))

    def load(self, offset: int, then: int) -> int:
        """Load the word at *offset* of the call's description into A."""
        return self._add((_LOAD, offset, then))

    def keep(self, mask: int, then: int) -> int:
        """Keep of A those bits that are set in *mask*."""
        return then if mask == 0xFFFFFFFF else self._add((_AND, mask, then))

    def test(self, comparison: int, number: int, yes: int, no: int) -> int:
        """Compare A with *number*: go on at *yes* if it holds, at *no* if not."""
        return yes if yes == no else self._add((comparison, number, yes, no))

    def bytes(self, start: int) -> bytes:
        """Return the program that begins at *start*: struct sock_filter, one after the other."""
        if start != len(self._instructions) - 1:
            self._jump(start)
        if (count := len(self._instructions)) > LONGEST:
            raise ConfigError(f"a seccomp filter has at most {LONGEST} instructions, not {count}")
        return b"".join(reversed(self._instructions))

    def _add(self, instruction: tuple[int, ...]) -> int:
        label = self._labels.get(instruction)
        if label is None:
            label = self._labels[instruction] = self._write(*instruction)
        return label

    def _write(self, code: int, number: int, yes: int = -1, no: int = -1) -> int:
        skip_yes = skip_no = 0
        if no >= 0:
            yes, no = self._near(yes), self._near(no)
            skip_yes, skip_no = (len(self._instructions) - 1 - label for label in (yes, no))
        elif 0 <= yes != len(self._instructions) - 1:
            self._jump(yes)  # load and keep go on at the next instruction, wherever that leads
        self._instructions.append(struct.pack("<HBBI", code, skip_yes, skip_no, number))
        return len(self._instructions) - 1

    def _near(self, label: int) -> int:
        """Return a label from which it goes on at *label*, and that a test can reach."""
        here = len(self._instructions)
        if here - label <= _REACH:
            return label
        if here - self._detours.get(label, -_REACH) > _REACH:
            self._detours[label] = self._jump(label)
        return self._detours[label]

    def _jump(self, label: int) -> int:
        return self._write(_JUMP, len(self._instructions) - 1 - label)
