"""From linux.seccomp of an OCI configuration to the numbers of one machine.

Names become numbers, and the rules for each number come into the order in which they
count. This is what runc and libseccomp make of a profile, with its surprises:

  - a rule whose action is the default one is dropped, so another rule for the same call
    counts even if it comes later;
  - a rule without conditions wins over all rules with conditions for the same call, and
    the first such rule over the next;
  - the conditions of a rule must all hold; but if two of them are about the same argument,
    each is a rule of its own, and one of them is enough;
  - a 32-bit architecture (x32 as well) compares the lower half of an argument only;
  - on i386 a rule for a socket or System V call also counts for socketcall(2) and ipc(2).

runc's libcontainer/seccomp; libseccomp's src/db.c and src/arch-x86.c.
"""

from __future__ import annotations

from mini_docker import seccomp_numbers
from mini_docker.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What a filter returns, <linux/seccomp.h>; the last two take a number in their lower half.
ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
}
_PERMISSIVE = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE")
_EPERM, _ENOSYS = 1, 38

# The machine's own architecture first, and those that its kernel also runs.
FAMILIES = {
    "x86_64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
    "aarch64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"),
}
_AUDIT = {  # <linux/audit.h>
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X32": 0xC000003E,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_ARM": 0x40000028,
}
_WIDE = ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")
_ALL = 0xFFFFFFFFFFFFFFFF


class Condition:
    """What an argument must be; see seccomp.compare."""

    __slots__ = ("bits", "index", "mask", "operator", "value")

    def __init__(self, index: int, operator: str, value: int, mask: int, bits: int) -> None:
        self.index = index
        self.operator = operator
        self.value = value
        self.mask = mask
        self.bits = bits


class Rule:
    """The value that a filter returns for a call whose arguments meet all conditions."""

    __slots__ = ("action", "conditions")

    def __init__(self, action: int, conditions: list[Condition]) -> None:
        self.action = action
        self.conditions = conditions


class Table:
    """What a profile says about the calls of one architecture.

    audit    the architecture's number in struct seccomp_data
    first    the lowest number that a call can have: 0, on x32 0x40000000
    calls    the rules for each number that a rule is about, in the order to try them
    newest   the highest number that the profile names, whatever it says about it; None if
             numbers above it are to get the default action as well
    """

    __slots__ = ("audit", "calls", "first", "newest")

    def __init__(self, audit: int, first: int) -> None:
        self.audit = audit
        self.first = first
        self.calls: dict[int, list[Rule]] = {}
        self.newest: int | None = None


def action(profile: dict[str, Any]) -> int:
    """Return the value for the calls that no rule of *profile* is about."""
    return value(profile["defaultAction"], profile.get("defaultErrnoRet"))


def value(name: str, number: int | None) -> int:
    """Return what a filter returns for the action *name*; *number* is its errno, EPERM if None."""
    if name not in ACTIONS:
        raise ConfigError(f"seccomp action {name!r} is not supported")
    if name in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"):
        return ACTIONS[name] | (_EPERM if number is None else number) & 0xFFFF
    return ACTIONS[name]


def tables(profile: dict[str, Any], machine: str) -> list[Table]:
    """Return a table for each architecture that *profile* allows on *machine*.

    The machine's own comes first and is allowed even if the profile does not list it, but
    then without a newest number: runc knows the newest of listed architectures only. An
    architecture that the machine's kernel never reports needs no table.
    """
    if machine not in FAMILIES:
        raise ConfigError(f"seccomp: no numbers of system calls for {machine}")
    own, *others = FAMILIES[machine]
    listed = profile.get("architectures") or ()
    return [_table(profile, name) for name in (own, *others) if name == own or name in listed]


def _table(profile: dict[str, Any], architecture: str) -> Table:
    numbers = seccomp_numbers.table(architecture)
    x32 = architecture == "SCMP_ARCH_X32"
    table = Table(_AUDIT[architecture], seccomp_numbers.X32_BIT if x32 else 0)
    bits = 64 if architecture in _WIDE else 32
    default = action(profile)
    muxed = seccomp_numbers.MULTIPLEXED if architecture == "SCMP_ARCH_X86" else {}
    named: set[str] = set()
    for entry in profile.get("syscalls") or ():
        named.update(entry["names"])
        chosen = value(entry["action"], entry.get("errnoRet"))
        if chosen == default:
            continue
        for conditions in _alternatives(entry.get("args") or (), bits):
            rule = Rule(chosen, conditions)
            for name in entry["names"]:
                if name in numbers:
                    _insert(table, numbers[name], rule)
                if name in muxed:
                    number, which = muxed[name]
                    first = Condition(0, "EQ", which, _ALL, bits)
                    rest = [it for it in conditions if it.index != 0]
                    _insert(table, numbers[number], Rule(chosen, [first, *rest]))
    table.newest = _newest(profile, architecture, named - set(muxed), numbers)
    return table


def _insert(table: Table, number: int, rule: Rule) -> None:
    """Add *rule* to those for *number*; nothing counts beside one without conditions."""
    rules = table.calls.setdefault(number, [])
    if rules and not rules[0].conditions:
        return
    if not rule.conditions:
        rules.clear()
    rules.append(rule)


def _newest(
    profile: dict[str, Any], architecture: str, named: set[str], numbers: dict[str, int]
) -> int | None:
    """Return the highest number that *profile* names, if the ones above it are to get ENOSYS."""
    if architecture not in (profile.get("architectures") or ()):
        return None
    if profile["defaultAction"] in _PERMISSIVE or profile.get("defaultErrnoRet") == _ENOSYS:
        return None
    return max((numbers[name] for name in named if name in numbers), default=0) or None


def _alternatives(args: Any, bits: int) -> list[list[Condition]]:
    """Return the lists of conditions that stand for *args* of a rule; one must hold."""
    conditions = [_condition(arg, bits) for arg in args]
    together = len({condition.index for condition in conditions}) == len(conditions)
    groups = [conditions] if together else [[condition] for condition in conditions]
    # What looks at no bit of its argument always holds.
    return [[condition for condition in group if condition.mask] for group in groups]


def _condition(arg: dict[str, Any], bits: int) -> Condition:
    operator, value, mask = arg["op"].removeprefix("SCMP_CMP_"), arg["value"], _ALL
    if operator == "MASKED_EQ":
        operator, value, mask = "EQ", arg.get("valueTwo", 0) & value, value
    if bits == 32:
        value, mask = value & 0xFFFFFFFF, mask & 0xFFFFFFFF
    return Condition(arg["index"], operator, value, mask, bits)
