"""Whether a function of templates takes what it is given: Go's rules and messages."""

from __future__ import annotations

from typing import Any

from mini_docker.gotemplate.nodes import Constant
from mini_docker.gotemplate.values import ABSENT, Method, type_name


def check_count(name: str, method: Method, words: int, piped: bool) -> None:
    """Raise ValueError unless *method* takes so many words, and a piped value if there is one."""
    count, wanted = words + piped, len(method.kinds)
    if method.variadic and count < wanted - 1:
        least = f"want at least {wanted - 1} got {words}"
        raise ValueError(f"wrong number of args for {name}: {least}")
    if not method.variadic and count != wanted:
        raise ValueError(f"wrong number of args for {name}: want {wanted} got {count}")


def constant(kind: str, node: Constant) -> str | int:
    """Return the constant for a parameter of *kind*: string, int or []string.

    A float without a fraction is an integer here. ValueError if it does not fit.
    """
    value = node.value
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "int" and not isinstance(value, bool | str) and _whole(value):
        return int(value)
    if kind == "[]string":
        raise ValueError(f"can't handle {node} for arg of type []string")
    raise ValueError(f"expected {'integer' if kind == 'int' else kind}; found {node}")


def _whole(value: float) -> bool:
    return abs(value) < 1 << 63 and value == int(value)


def fitting(kind: str, value: Any) -> Any:
    """Return *value* for a parameter of *kind*; ValueError if it does not fit."""
    if kind == "value" or (kind == "any" and value is not ABSENT):
        return value
    if value is ABSENT and kind in ("any", "[]string"):
        return None if kind == "any" else []
    if value is ABSENT:
        raise ValueError(f"invalid value; expected {kind}")
    if kind == "[]string":
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
    else:
        fits = type_name(value) == kind
    if not fits:
        raise ValueError(f"wrong type for value; expected {kind}; got {type_name(value)}")
    return value
