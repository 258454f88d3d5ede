"""Which devices the processes of a group may open for reading or writing, or make with mknod.

A device is a type, "c" or "b", and two numbers. Version 1 keeps a list in files:
devices.deny and devices.allow change it. Version 2 has no file for this. The kernel
runs a program of ours instead, each time somebody in the group opens or makes a
device: eBPF code that sees type, access and numbers, and answers 1 or 0.

The rules are those of config-linux.md, "Allowed Device List": of all rules that
match a request the last one counts, for each access (r, w, m) by itself. What no
rule allows is denied.
"""

from __future__ import annotations

import os
import struct

from mini_docker import cgroups, syscalls
from mini_docker.errors import CgroupError, ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mini_docker.cgroups_tree import Group

    Device = tuple[str, int, int]

ANY = -1  # in the place of a number
MKNOD, READ, WRITE = 1, 2, 4  # <linux/bpf.h>, BPF_DEVCG_ACC_*
EVERYTHING = MKNOD | READ | WRITE
ACCESS = {"m": MKNOD, "r": READ, "w": WRITE}
TYPES = {"b": 1, "c": 2}  # BPF_DEVCG_DEV_*
MOST_RULES = 1024
MOST_MAJOR, MOST_MINOR = 2**12, 2**20

# bpf(2): two commands, one type of program, one place to attach it.
_PROG_LOAD, _PROG_ATTACH = 5, 8
_TYPE_CGROUP_DEVICE, _ATTACH_CGROUP_DEVICE = 15, 6
_ALLOW_MULTI = 2  # programs of the groups above and below are asked as well; all must agree

# Instructions, from the kernel's Documentation/bpf/standardization/instruction-set.rst.
_LOAD, _COPY, _SET, _AND, _SHIFT_RIGHT = 0x61, 0xBF, 0xB7, 0x57, 0x77
_JUMP, _IF_NOT, _IF_ANY, _EXIT = 0x05, 0x55, 0x45, 0x95
# Registers: what the program returns, its argument, and what it keeps.
_RESULT, _REQUEST, _KIND, _WANTED, _MAJOR, _MINOR = range(6)


class Rule:
    """One entry of the device list. *kind* "a" matches everything, and is not limited further."""

    __slots__ = ("access", "allow", "device")

    def __init__(self, allow: bool, device: Device, access: int) -> None:
        self.allow = allow
        self.device = device  # type, major, minor
        self.access = access  # a mask


def restrict(group: Group, rules: Sequence[dict[str, Any]]) -> None:
    """Let the processes of *group* use the devices that *rules* allow, and no others.

    *rules* is linux.resources.devices of config.json. Call it once for a group.

    Raises ConfigError for a rule that makes no sense, CgroupError if the kernel refuses,
    or if this machine has no way to keep *group* from a device: no silence about that.
    """
    parsed = [rule for row in rules for rule in parse(row)]
    if len(parsed) > MOST_RULES:
        raise ConfigError(f"{len(parsed)} device rules are too many: at most {MOST_RULES}")
    if group.tree.version == "v2":
        _attach(group.directory, program(parsed))
        return
    if "devices" not in group.tree.trees:
        raise CgroupError("cannot restrict devices: the devices controller is not mounted")
    directory = f"{group.tree.trees['devices']}/{group.path.strip('/')}"
    for name, text in files_v1(parsed):
        cgroups.write(directory, name, text)


def parse(row: dict[str, Any]) -> list[Rule]:
    """Return the rules that *row* of config.json stands for: two where it has no type.

    >>> [rule.device for rule in parse({"allow": True, "major": 1, "access": "r"})]
    [('b', 1, -1), ('c', 1, -1)]
    """
    kind = {"u": "c", None: "a"}.get(row.get("type"), row.get("type"))
    text = row.get("access") or "rwm"
    numbers = [ANY if row.get(key) is None else row[key] for key in ("major", "minor")]
    limits = MOST_MAJOR, MOST_MINOR
    if (
        kind not in ("a", *TYPES)
        or not isinstance(row.get("allow"), bool)
        or not set(text) <= ACCESS.keys()
        or not all(ANY <= n < most for n, most in zip(numbers, limits, strict=True))
    ):
        raise ConfigError(f"invalid device rule {row}")
    access = sum(ACCESS[letter] for letter in set(text))
    if kind == "a" and (access, numbers) == (EVERYTHING, [ANY, ANY]):
        return [Rule(row["allow"], ("a", ANY, ANY), access)]
    kinds = TYPES if kind == "a" else (kind,)
    return [Rule(row["allow"], (each, numbers[0], numbers[1]), access) for each in kinds]


def files_v1(rules: Sequence[Rule]) -> list[tuple[str, str]]:
    """Return (file, text) for each write that makes version 1's list say what *rules* say.

    That list is one answer for everything and exceptions from it, without an order:
    CgroupError for rules that need an order.
    """
    answer = False
    exceptions: dict[Device, int] = {}
    for rule in rules:
        if rule.device[0] == "a":
            answer, exceptions = rule.allow, {}
        elif rule.allow != answer:
            exceptions[rule.device] = exceptions.get(rule.device, 0) | rule.access
        else:
            _take_back(exceptions, rule)
    found = [("devices.allow" if answer else "devices.deny", "a")]
    for device, access in exceptions.items():
        if access:
            name = "devices.deny" if answer else "devices.allow"
            found.append((name, f"{_name(device)} {_letters(access)}"))
    return found


def _take_back(exceptions: dict[Device, int], rule: Rule) -> None:
    """Remove from *exceptions* what *rule* says is no exception after all."""
    kind, *numbers = rule.device
    for device, access in exceptions.items():
        pairs = list(zip(numbers, device[1:], strict=True))
        if device[0] != kind or any(ANY not in pair and pair[0] != pair[1] for pair in pairs):
            continue
        if all(mine in (ANY, other) for mine, other in pairs):
            exceptions[device] &= ~rule.access
        elif access & rule.access:
            verb = "allow" if rule.allow else "deny"
            raise CgroupError(
                f"cannot {verb} {_name(rule.device)} alone out of {_name(device)}: "
                "the device list of cgroup v1 knows no order; write the rules without overlap"
            )


def _name(device: Device) -> str:
    kind, *numbers = device
    return f"{kind} {':'.join('*' if number == ANY else str(number) for number in numbers)}"


def _letters(access: int) -> str:
    return "".join(letter for letter, bit in ACCESS.items() if access & bit)


def program(rules: Sequence[Rule]) -> bytes:
    """Return *rules* as eBPF code, for a program of type BPF_PROG_TYPE_CGROUP_DEVICE.

    It goes through the rules from the last to the first and keeps in one register
    the accesses that no rule has decided yet. A rule that allows takes its own out,
    and when none is left the answer is 1. A rule that denies one of them ends it with 0.
    """
    code = [
        _instruction(_LOAD, _KIND, _REQUEST, 0),  # access in the upper half, type in the lower
        _instruction(_LOAD, _MAJOR, _REQUEST, 4),
        _instruction(_LOAD, _MINOR, _REQUEST, 8),
        _instruction(_COPY, _WANTED, _KIND),
        _instruction(_SHIFT_RIGHT, _WANTED, value=16),
        _instruction(_AND, _KIND, value=0xFFFF),
    ]
    for rule in reversed(rules):
        code += _rule(rule)
    return b"".join([*code, *_answer(0)])


def _rule(rule: Rule) -> list[bytes]:
    if rule.allow:
        decide = [
            _instruction(_AND, _WANTED, value=EVERYTHING & ~rule.access),
            _instruction(_IF_NOT, _WANTED, skip=2, value=0),
            *_answer(1),
        ]
    else:
        decide = [
            _instruction(_IF_ANY, _WANTED, skip=1, value=rule.access),
            _instruction(_JUMP, skip=2),
            *_answer(0),
        ]
    kind, major, minor = rule.device
    tests = [(_KIND, TYPES.get(kind, ANY)), (_MAJOR, major), (_MINOR, minor)]
    for register, number in reversed(tests):
        if number != ANY:
            # Not this device: skip what follows, the next rule begins there.
            decide.insert(0, _instruction(_IF_NOT, register, skip=len(decide), value=number))
    return decide


def _answer(value: int) -> list[bytes]:
    return [_instruction(_SET, _RESULT, value=value), _instruction(_EXIT)]


def _instruction(
    code: int, target: int = 0, source: int = 0, skip: int = 0, value: int = 0
) -> bytes:
    """Return one instruction; *skip* is a distance in instructions, or in bytes for a load."""
    return struct.pack("<BBhi", code, source << 4 | target, skip, value)


def _attach(directory: str, code: bytes) -> None:
    """Load *code* and make the kernel ask it for the group *directory*. bpf(2)."""
    from array import array  # it tells the address of its bytes, which bpf(2) wants

    buffer, license = array("B", code), array("B", b"Apache-2.0\0")
    addresses = buffer.buffer_info()[0], license.buffer_info()[0]
    load = struct.pack("=IIQQ", _TYPE_CGROUP_DEVICE, len(code) // 8, *addresses)
    descriptors = []
    try:
        descriptors.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        descriptors.append(syscalls.bpf(_PROG_LOAD, load))
        attach = struct.pack("=IIII", *descriptors, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI)
        syscalls.bpf(_PROG_ATTACH, attach)  # from here on the group keeps the program
    except OSError as error:
        raise CgroupError(
            f"cannot restrict the devices of {directory}: {reason(error)} "
            "(it needs a kernel with CONFIG_CGROUP_BPF, and CAP_BPF or root)"
        ) from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
