"""eq, ne, lt, le, gt and ge of templates."""

from __future__ import annotations

from typing import Any

from mini_docker.gotemplate.printf import sprintf
from mini_docker.gotemplate.printing import show
from mini_docker.gotemplate.values import ABSENT, NilPointer, to_bytes, type_name

INCOMPATIBLE = "incompatible types for comparison"
INVALID = "invalid type for comparison"


def equal(first: Any, *others: Any) -> bool:
    """Say whether *first* equals one of *others*; ValueError for types that do not compare."""
    if not others:
        raise ValueError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def unequal(first: Any, second: Any) -> bool:
    """Say whether the two differ."""
    return not _equal(first, second)


def less(first: Any, second: Any) -> bool:
    """Say whether *first* < *second*: two integers, floats or strings."""
    kind = _kind(first)
    other = _kind(second)
    if not kind or not other:
        raise ValueError(INVALID)
    if kind != other:
        raise ValueError(INCOMPATIBLE)
    if kind == "bool":
        raise ValueError(INVALID)
    if kind == "string":
        return to_bytes(first) < to_bytes(second)
    return bool(first < second)


def less_or_equal(first: Any, second: Any) -> bool:
    """Say whether *first* <= *second*."""
    return less(first, second) or _equal(first, second)


def greater(first: Any, second: Any) -> bool:
    """Say whether *first* > *second*."""
    return not less_or_equal(first, second)


def greater_or_equal(first: Any, second: Any) -> bool:
    """Say whether *first* >= *second*."""
    return not less(first, second)


def _kind(value: Any) -> str:
    """Return which values *value* compares with; "" for lists, maps and nil."""
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(value, kind):
            return name
    return ""


def _is_nil(value: Any) -> bool:
    return value is None or value is ABSENT or isinstance(value, NilPointer)


def _equal(first: Any, second: Any) -> bool:
    kind, other = _kind(first), _kind(second)
    if kind != other:
        if _is_nil(first) or _is_nil(second):
            return False
        raise ValueError(INCOMPATIBLE)
    if kind:
        return bool(first == second)
    if _is_nil(first) or _is_nil(second):
        return _is_nil(first) and _is_nil(second)
    if isinstance(first, list) != isinstance(second, list):
        raise ValueError(
            f"non-comparable types {sprintf('%s', first)}: {type_name(first)}, "
            f"{type_name(second)}: {show(second)}"
        )
    raise ValueError(f"non-comparable type {sprintf('%s', second)}: {type_name(second)}")
