"""The functions that every Go template has (text/template's builtins)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import quote_plus

from mini_docker.gotemplate import comparing
from mini_docker.gotemplate.printf import sprint, sprintf, sprintln
from mini_docker.gotemplate.values import (
    ABSENT,
    Byte,
    Method,
    bounded,
    from_bytes,
    is_true,
    to_bytes,
    type_name,
)

_HTML = {
    "\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;",
}  # fmt: skip
_JAVASCRIPT = {
    "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026",
    "=": "\\u003D",
}  # fmt: skip


def index(item: Any, *keys: Any) -> Any:
    """Return item[key][key]...; a key that a map does not have gives nothing.

    Raises ValueError for an index out of range, a key of the wrong type, or an item
    that has no elements.
    """
    if item is None or item is ABSENT:
        raise ValueError("index of untyped nil")
    for key in keys:
        item = _element(item, key)
    return item


def _element(item: Any, key: Any) -> Any:
    if item is None or item is ABSENT:
        raise ValueError("index of nil pointer")
    if isinstance(item, dict):
        if key is None or key is ABSENT:
            raise ValueError("value is nil; should be of type string")
        if not isinstance(key, str):
            raise ValueError(f"value has type {type_name(key)}; should be string")
        return item.get(key)
    if not isinstance(item, str | list | tuple):
        raise ValueError(f"can't index item of type {type_name(item)}")
    elements = to_bytes(item) if isinstance(item, str) else item
    at = _position(key, len(elements))
    if at == len(elements):
        kind = "string" if isinstance(item, str) else "slice"
        raise ValueError(f"reflect: {kind} index out of range")
    return Byte(elements[at]) if isinstance(elements, bytes) else elements[at]


def _position(key: Any, end: int) -> int:
    """Return *key* as a position from 0 to *end*."""
    if key is None or key is ABSENT:
        raise ValueError("cannot index slice/array with nil")
    if isinstance(key, bool) or not isinstance(key, int):
        raise ValueError(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= end:
        raise ValueError(f"index out of range: {int(key)}")
    return int(key)


def cut(item: Any, *bounds: Any) -> Any:
    """Return item[i:j] of a list, or of the bytes of a string."""
    if item is None or item is ABSENT:
        raise ValueError("slice of untyped nil")
    if len(bounds) > 3:
        raise ValueError(f"too many slice indexes: {len(bounds)}")
    if isinstance(item, str) and len(bounds) == 3:
        raise ValueError("cannot 3-index slice a string")
    if not isinstance(item, str | list):
        raise ValueError(f"can't slice item of type {type_name(item)}")
    whole = to_bytes(item) if isinstance(item, str) else item
    ends = [_position(bound, len(whole)) for bound in bounds]
    limits = ends + [0, len(whole)][len(ends) :]
    for low, high in pairwise(limits):
        if low > high:
            raise ValueError(f"invalid slice index: {low} > {high}")
    part = whole[limits[0] : limits[1]]
    return from_bytes(part) if isinstance(part, bytes) else type(item)(part)


def length(item: Any) -> int:
    """Return the number of elements of a list or map, or of bytes of a string."""
    if item is None or item is ABSENT:
        raise ValueError("len of nil pointer")
    if isinstance(item, str):
        return len(to_bytes(item))
    if isinstance(item, dict | list | tuple):
        return len(item)
    raise ValueError(f"len of type {type_name(item)}")


def escape_html(*values: Any) -> str:
    """Return *values* as text that is safe in HTML."""
    return bounded(_HTML.get(char, char) for char in _text(values))


def escape_javascript(*values: Any) -> str:
    """Return *values* as text that is safe in a JavaScript string."""
    return bounded(_JAVASCRIPT.get(char) or _unprintable(char) for char in _text(values))


def escape_query(*values: Any) -> str:
    """Return *values* as text that is safe in the query of a URL."""
    return bounded([quote_plus(to_bytes(_text(values)))])


def call(function: Any, *arguments: Any) -> Any:
    """Refuse: the data of templates holds no functions."""
    if function is None or function is ABSENT:
        raise ValueError("call of nil")
    raise ValueError(f"non-function of type {type_name(function)}")


def _text(values: tuple[Any, ...]) -> str:
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return sprint(*("<no value>" if v is None or v is ABSENT else v for v in values))


def _unprintable(char: str) -> str:
    """Return *char*, or its code for JavaScript if it cannot be printed."""
    if char.isprintable() or char == "\x7f":
        return char
    code = 0xFFFD if "\ud800" <= char <= "\udfff" else ord(char)
    return f"\\u{code:04X}"


BUILTINS: dict[str, Method] = {
    "and": Method(lambda *values: values[-1], ("value", "value"), variadic=True),
    "or": Method(lambda *values: values[-1], ("value", "value"), variadic=True),
    "not": Method(lambda value: not is_true(value), ("value",)),
    "call": Method(call, ("value", "value"), variadic=True),
    "index": Method(index, ("value", "value"), variadic=True),
    "slice": Method(cut, ("value", "value"), variadic=True),
    "len": Method(length, ("value",)),
    "html": Method(escape_html, ("any",), variadic=True),
    "js": Method(escape_javascript, ("any",), variadic=True),
    "urlquery": Method(escape_query, ("any",), variadic=True),
    "print": Method(sprint, ("any",), variadic=True),
    "printf": Method(sprintf, ("string", "any"), variadic=True),
    "println": Method(sprintln, ("any",), variadic=True),
    "eq": Method(comparing.equal, ("value", "value"), variadic=True),
    "ne": Method(comparing.unequal, ("value", "value")),
    "lt": Method(comparing.less, ("value", "value")),
    "le": Method(comparing.less_or_equal, ("value", "value")),
    "gt": Method(comparing.greater, ("value", "value")),
    "ge": Method(comparing.greater_or_equal, ("value", "value")),
}
