"""What a seccomp profile must look like: each mistake is said with its place.

A mistake in a profile that is passed over is a hole: a misspelt name forbids nothing.
Docker passes over the names that its libseccomp does not know, because a profile may be
newer; here a name that no architecture has is refused, and one of another architecture
or capability that is not here is passed over.
"""

from __future__ import annotations

from mini_docker import capabilities_names, seccomp_numbers, syscalls_seccomp
from mini_docker.seccomp_rules import ACTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

_MACHINES = (
    "X86 X86_64 X32 ARM AARCH64 LOONGARCH64 M68K MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 "
    "MIPSEL64N32 PARISC PARISC64 PPC PPC64 PPC64LE RISCV64 S390 S390X SH SHEB"
)
_ARCHITECTURES = [f"SCMP_ARCH_{name}" for name in _MACHINES.split()]
_COMPARISONS = "NE LT LE EQ GE GT MASKED_EQ"
_OPERATORS = [f"SCMP_CMP_{name}" for name in _COMPARISONS.split()]
_ACTIONS = [*ACTIONS, "SCMP_ACT_NOTIFY"]
_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def check(profile: Any) -> None:
    """Raise ValueError, which begins with the place, for what is wrong with *profile*."""
    _of(dict, profile, "the profile")
    _one(_ACTIONS, "action")(_needed(profile, "defaultAction", ""), "defaultAction")
    _if_given(profile, "defaultErrnoRet", "", _number(_highest(profile["defaultAction"])))
    _if_given(profile, "flags", "", _each(_one(syscalls_seccomp.FLAGS, "flag")))
    _if_given(profile, "architectures", "", _each(_one(_ARCHITECTURES, "architecture")))
    _if_given(profile, "archMap", "", _each(_family))
    if profile.get("architectures") and profile.get("archMap"):
        raise ValueError("'architectures' and 'archMap' are both given, use one of them")
    known = seccomp_numbers.known() if profile.get("syscalls") else set()
    _if_given(profile, "syscalls", "", _each(lambda entry, place: _entry(entry, place, known)))


def _family(row: Any, place: str) -> None:
    _of(dict, row, place)
    one = _one(_ARCHITECTURES, "architecture")
    one(_needed(row, "architecture", place), f"{place}.architecture")
    _if_given(row, "subArchitectures", place, _each(one))


def _entry(entry: Any, place: str, known: Collection[str]) -> None:
    """Check one of the syscalls; *known* are all names that there are."""
    _of(dict, entry, place)
    one = _one(known, "system call")
    if entry.get("name") and entry.get("names"):
        raise ValueError(f"{place}: 'name' and 'names' are both given, use one of them")
    if entry.get("names"):
        _if_given(entry, "names", place, _each(one))
    else:
        one(_needed(entry, "name", place, "names"), f"{place}.name")
    _one(_ACTIONS, "action")(_needed(entry, "action", place), f"{place}.action")
    _if_given(entry, "errnoRet", place, _number(_highest(entry["action"])))
    _if_given(entry, "args", place, _each(_argument))
    _if_given(entry, "comment", place, lambda it, where: _of(str, it, where))
    _if_given(entry, "includes", place, _filter)
    _if_given(entry, "excludes", place, _filter)


def _highest(action: str) -> int:
    """Return the highest number that *action* may carry: 16 bits for a tracer, or an errno."""
    return 0xFFFF if action == "SCMP_ACT_TRACE" else 4094  # as libseccomp has it


def _argument(arg: Any, place: str) -> None:
    _of(dict, arg, place)
    for key, limit in (("index", 5), ("value", 2**64 - 1)):
        _number(limit)(_needed(arg, key, place), f"{place}.{key}")
    _if_given(arg, "valueTwo", place, _number(2**64 - 1))
    _one(_OPERATORS, "operator")(_needed(arg, "op", place), f"{place}.op")


def _filter(wanted: Any, place: str) -> None:
    """Check the includes or excludes of an entry."""
    _of(dict, wanted, place)
    _if_given(wanted, "caps", place, _each(_one(capabilities_names.NAMES, "capability")))
    _if_given(wanted, "arches", place, _each(lambda it, where: _of(str, it, where)))
    _if_given(wanted, "minKernel", place, _kernel)


def _kernel(version: Any, place: str) -> None:
    _of(str, version, place)
    numbers = version.split(".")
    if len(numbers) != 2 or not all(
        it.isascii() and it.isdigit() and it[3:] == "" for it in numbers
    ):
        raise ValueError(f"{place}: {_shown(version)} is no kernel version, such as 4.8")


def _of(kind: type, value: Any, place: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"{place}: {_shown(value)} is not {_KINDS[kind]}")


def _needed(row: dict[str, Any], key: str, place: str, called: str = "") -> Any:
    if row.get(key) is None:
        raise ValueError(f"{place}{'.' * bool(place)}{called or key}: missing")
    return row[key]


def _if_given(row: dict[str, Any], key: str, place: str, test: Callable[[Any, str], None]) -> None:
    """Apply *test* to row[key] unless it is absent or null, which Docker takes for absent."""
    if row.get(key) is not None:
        test(row[key], f"{place}{'.' * bool(place)}{key}")


def _each(test: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    """Return a test of a list that applies *test* to each of its elements."""

    def apply(row: Any, place: str) -> None:
        _of(list, row, place)
        for number, value in enumerate(row):
            test(value, f"{place}[{number}]")

    return apply


def _number(limit: int) -> Callable[[Any, str], None]:
    """Return a test for a whole number from 0 to *limit*."""

    def apply(value: Any, place: str) -> None:
        _of(int, value, place)
        if not 0 <= value <= limit:
            raise ValueError(f"{place}: {value:#x} is not between 0 and {limit:#x}")

    return apply


def _one(names: Collection[str], what: str) -> Callable[[Any, str], None]:
    """Return a test for one of *names*; the message names the nearest one."""

    def apply(value: Any, place: str) -> None:
        _of(str, value, place)
        if value == "SCMP_ACT_NOTIFY":
            raise ValueError(f"{place}: SCMP_ACT_NOTIFY is not supported: nobody would answer")
        if value not in names:
            import difflib  # slow to import, and only a mistake needs it

            near = difflib.get_close_matches(value[:60], names, 1, 0.6)
            hint = f", did you mean {near[0]}?" if near else ""
            raise ValueError(f"{place}: unknown {what} {_shown(value)}{hint}")

    return apply


def _shown(value: Any) -> str:
    """Return *value* as JSON has it, cut short; nothing in it can end the line."""
    from mini_docker import records

    text = records.dump(value) if isinstance(value, (str, int, float)) else type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."
