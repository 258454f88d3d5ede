"""cgroups_devices: the device list as files of version 1, and as a program for version 2."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_docker import cgroups_devices, spec
from mini_docker.cgroups_devices import ANY, MKNOD, READ, WRITE, Rule
from mini_docker.errors import CgroupError, ConfigError

TYPES = {"b": 1, "c": 2}


def rules(*rows: dict[str, Any]) -> list[Rule]:
    return [rule for row in rows for rule in cgroups_devices.parse(row)]


def allowed(code: bytes, kind: str, major: int, minor: int, access: int) -> bool:
    """Run *code* as the kernel would: the few instructions that we use, told in Python."""
    context = {0: access << 16 | TYPES[kind], 4: major, 8: minor}
    registers = [0] * 11
    lines = list(struct.iter_unpack("<BBhi", code))
    at = 0
    while lines[at][0] != 0x95:  # exit
        operation, pair, skip, value = lines[at]
        target, old = pair & 15, registers[pair & 15]
        jumps = {0x05: True, 0x55: old != value, 0x45: bool(old & value)}
        results = {
            0x61: context.get(skip, 0),
            0xBF: registers[pair >> 4],
            0xB7: value,
            0x57: old & value,
            0x77: old >> (value & 63),
        }
        assert (operation in jumps) != (operation in results)
        registers[target] = results.get(operation, old)
        at += 1 + (skip if jumps.get(operation) else 0)
    return bool(registers[0])


def test_dockers_list_lets_a_container_use_null_and_not_the_disk() -> None:
    code = cgroups_devices.program(rules(*spec.default_devices()))
    assert allowed(code, "c", 1, 3, READ | WRITE)
    assert allowed(code, "c", 136, 7, READ)
    assert allowed(code, "b", 254, 0, MKNOD)
    assert not allowed(code, "b", 254, 0, READ)
    assert not allowed(code, "b", 254, 0, READ | MKNOD)
    assert not allowed(code, "c", 1, 1, WRITE)


def test_what_no_rule_allows_is_denied() -> None:
    assert not allowed(cgroups_devices.program([]), "c", 1, 3, READ)


def test_the_last_rule_counts_for_each_access_by_itself() -> None:
    disk = {"type": "b", "major": 8, "minor": 0}
    code = cgroups_devices.program(
        rules(
            {"allow": True, **disk, "access": "rwm"},
            {"allow": False, **disk, "access": "w"},
        )
    )
    assert allowed(code, "b", 8, 0, READ | MKNOD)
    assert not allowed(code, "b", 8, 0, READ | WRITE)


def test_privileged_is_one_rule() -> None:
    everything = rules({"allow": True, "access": "rwm"})
    assert allowed(cgroups_devices.program(everything), "b", 8, 0, READ | WRITE | MKNOD)
    assert cgroups_devices.files_v1(everything) == [("devices.allow", "a")]


def test_version_1_gets_dockers_list() -> None:
    files = cgroups_devices.files_v1(rules(*spec.default_devices()))
    assert files[:4] == [
        ("devices.deny", "a"),
        ("devices.allow", "c *:* m"),
        ("devices.allow", "b *:* m"),
        ("devices.allow", "c 1:3 mrw"),
    ]


def test_version_1_takes_an_exception_back() -> None:
    disk = {"type": "b", "major": 8, "minor": 0}
    listed = rules(
        {"allow": False},
        {"allow": True, **disk, "access": "rw"},
        {"allow": False, "type": "b", "access": "w"},
    )
    assert cgroups_devices.files_v1(listed) == [
        ("devices.deny", "a"),
        ("devices.allow", "b 8:0 r"),
    ]


def test_version_1_refuses_what_needs_an_order() -> None:
    listed = rules(
        {"allow": True, "type": "b", "major": 8, "access": "rw"},
        {"allow": False, "type": "b", "major": 8, "minor": 1, "access": "w"},
    )
    with pytest.raises(CgroupError, match="cannot deny b 8:1 alone out of b 8:\\*"):
        cgroups_devices.files_v1(listed)


@pytest.mark.parametrize(
    "row",
    [
        {"allow": True, "type": "x"},
        {"allow": "yes"},
        {"access": "r"},
        {"allow": True, "access": "rx"},
        {"allow": True, "type": "c", "major": 4096},
        {"allow": True, "type": "c", "minor": -2},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="invalid device rule"):
        cgroups_devices.parse(row)


KINDS, NUMBERS = st.sampled_from("bc"), st.sampled_from([ANY, 1, 2])
ACCESSES = st.integers(1, 7)
RULE = st.builds(Rule, st.booleans(), st.tuples(KINDS, NUMBERS, NUMBERS), ACCESSES)
REQUEST = st.tuples(KINDS, st.sampled_from([1, 2]), st.sampled_from([1, 2]), ACCESSES)


def decided(listed: list[Rule], kind: str, major: int, minor: int, access: int) -> bool:
    """The rule in the words of the specification: the last match decides, bit by bit."""
    answers = {bit: False for bit in (MKNOD, READ, WRITE) if access & bit}
    for rule in listed:
        same = all(a in (ANY, b) for a, b in zip(rule.device, (kind, major, minor), strict=True))
        for bit in answers:
            if same and rule.access & bit:
                answers[bit] = rule.allow
    return all(answers.values())


@settings(max_examples=300, deadline=None)
@given(st.lists(RULE, max_size=6), REQUEST)
def test_the_program_decides_as_the_specification_says(
    listed: list[Rule], request: tuple[str, int, int, int]
) -> None:
    assert allowed(cgroups_devices.program(listed), *request) == decided(listed, *request)


@settings(max_examples=300, deadline=None)
@given(st.lists(RULE, max_size=6), REQUEST)
def test_version_1_decides_the_same_or_refuses(
    listed: list[Rule], request: tuple[str, int, int, int]
) -> None:
    try:
        files = cgroups_devices.files_v1(listed)
    except CgroupError:
        return
    assert files[0] == ("devices.deny", "a")
    exceptions = []
    for name, text in files[1:]:
        assert name == "devices.allow"
        kind, numbers, letters = text.split()
        major, minor = (ANY if n == "*" else int(n) for n in numbers.split(":"))
        access = sum(cgroups_devices.ACCESS[letter] for letter in letters)
        exceptions.append(Rule(True, (kind, major, minor), access))
    # The kernel asks whether one exception covers the whole request: it may refuse more.
    kernel = any(
        all(a in (ANY, b) for a, b in zip(rule.device, request[:3], strict=True))
        and request[3] & ~rule.access == 0
        for rule in exceptions
    )
    assert decided(listed, *request) or not kernel
