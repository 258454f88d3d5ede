"""Values as Go's encoding/json writes them, on one line and without HTML escapes."""

from __future__ import annotations

import math
from typing import Any

from mini_docker.gotemplate.floats import format_float
from mini_docker.gotemplate.values import ABSENT, NILS, Method, Record, Sink, Struct

_NAMED = {
    '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
    "\u2028": "\\u2028", "\u2029": "\\u2029",
}  # fmt: skip


def encode(value: Any) -> str:
    """Return *value* as JSON: a map's keys sorted, a record's as they are, no blanks.

    Raises ValueError for what JSON cannot hold, and for a text that grows too long.
    """
    sink = Sink()
    _write(value, sink)
    return sink.text()


def _write(value: Any, sink: Sink) -> None:
    if value is None or value is ABSENT or isinstance(value, NILS):
        sink.write("null")
    elif isinstance(value, bool):
        sink.write("true" if value else "false")
    elif isinstance(value, int):
        sink.write(int.__repr__(value))
    elif isinstance(value, float):
        sink.write(_number(value))
    elif isinstance(value, str):
        sink.write(_string(value))
    elif isinstance(value, dict):
        _write_object(value, sink)
    elif isinstance(value, list | tuple):
        _write_array(value, sink)
    else:
        raise ValueError(f"json: unsupported type: {type(value).__name__}")


def _write_array(value: list[Any] | tuple[Any, ...], sink: Sink) -> None:
    for index, item in enumerate(value):
        sink.write("," if index else "[")
        _write(item, sink)
    sink.write("]" if value else "[]")


def _write_object(value: dict[str, Any], sink: Sink) -> None:
    fields = value.items()
    if isinstance(value, Struct):
        shown = [(key, item) for key, item in fields if not isinstance(item, Method)]
    else:
        shown = list(fields)
    if isinstance(value, Record):
        shown = [(key, item) for key, item in value.whole().items() if key in value]
    else:
        shown.sort(key=lambda field: str(field[0]))
    for index, (key, item) in enumerate(shown):
        sink.write("," if index else "{")
        sink.write(_string(str(key)) + ":")
        _write(item, sink)
    sink.write("}" if shown else "{}")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"json: unsupported value: {format_float(value, 'g')}")
    if value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = format_float(value, "e").partition("e")
        return f"{mantissa}e{exponent.replace('-0', '-')}"
    return format_float(value, "f")


def _string(text: str) -> str:
    return '"' + "".join(_NAMED.get(char) or _plain(char) for char in text) + '"'


def _plain(char: str) -> str:
    if "\ud800" <= char <= "\udfff":  # a byte that was no UTF-8
        return "\\ufffd"
    return f"\\u{ord(char):04x}" if char < " " else char
