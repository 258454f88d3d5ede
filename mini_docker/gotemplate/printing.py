"""Print values with Go's verbs: the part of package fmt that handles one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mini_docker.gotemplate.floats import format_float
from mini_docker.gotemplate.quoting import quote
from mini_docker.gotemplate.values import (
    ABSENT,
    Byte,
    Duration,
    NilPointer,
    Record,
    Sink,
    Time,
    to_bytes,
    type_name,
)

_BASES = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}


@dataclass(slots=True)
class Spec:
    """The flags, width and precision between % and the verb; -1 stands for none."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    syntax: bool = False  # %#v: Go syntax
    width: int = -1
    precision: int = -1

    def pad(self, text: str, fill: str = "") -> str:
        """Return *text* padded to the width, on the left unless the minus flag is set."""
        if self.minus:
            return text.ljust(self.width, fill or " ")
        return text.rjust(self.width, fill or ("0" if self.zero else " "))


def show(value: Any) -> str:
    """Return *value* as %v does: ``map[a:1]``, ``[x y]``, ``<nil>``, true, 1e+06."""
    sink = Sink()
    write(sink, value, "v", Spec())
    return sink.text()


def write(sink: Sink, value: Any, verb: str, spec: Spec) -> None:
    """Print *value*, an argument of printf, with *verb*."""
    if value is None or value is ABSENT:
        sink.write(spec.pad("<nil>") if verb in "vT" else f"%!{verb}(<nil>)")
    elif verb == "T":
        sink.write(_string(type_name(value), "s", spec))
    elif verb == "p":
        sink.write(_bad(value, verb, spec))
    else:
        _write(sink, value, verb, spec, 0)


def _write(sink: Sink, value: Any, verb: str, spec: Spec, depth: int) -> None:
    if value is None or value is ABSENT:
        sink.write("interface {}(nil)" if spec.syntax else "<nil>")
    elif isinstance(value, NilPointer):
        sink.write("<nil>")
    elif isinstance(value, Record) and not spec.syntax:
        _write_record(sink, value, verb, spec, depth)
    elif isinstance(value, dict):
        _write_map(sink, value, verb, spec, depth)
    elif isinstance(value, list | tuple):
        _write_list(sink, value, verb, spec, depth)
    else:
        sink.write(_scalar(value, verb, spec))


def _write_map(sink: Sink, value: dict[str, Any], verb: str, spec: Spec, depth: int) -> None:
    sink.write(type_name(value) + "{" if spec.syntax else "map[")
    for index, key in enumerate(sorted(value, key=str)):
        if index:
            sink.write(", " if spec.syntax else " ")
        _write(sink, key, verb, spec, depth + 1)
        sink.write(":")
        _write(sink, value[key], verb, spec, depth + 1)
    sink.write("}" if spec.syntax else "]")


def _write_record(sink: Sink, value: Record, verb: str, spec: Spec, depth: int) -> None:
    """Print a struct: {always 0}."""
    sink.write("{")
    for index, item in enumerate(value.whole().values()):
        sink.write(" " if index else "")
        _write(sink, item, verb, spec, depth + 1)
    sink.write("}")


def _write_list(
    sink: Sink, value: list[Any] | tuple[Any, ...], verb: str, spec: Spec, depth: int
) -> None:
    sink.write(type_name(value) + "{" if spec.syntax else "[")
    for index, item in enumerate(value):
        if index:
            sink.write(", " if spec.syntax else " ")
        _write(sink, item, verb, spec, depth + 1)
    sink.write("}" if spec.syntax else "]")


def _scalar(value: Any, verb: str, spec: Spec) -> str:
    if isinstance(value, bool):
        shown = "true" if value else "false"
        return spec.pad(shown) if verb in "tv" else _bad(value, verb, spec)
    if isinstance(value, Duration | Time) and verb in "vs" and not spec.syntax:
        return spec.pad(value.text)
    if isinstance(value, int):
        return _integer(value, verb, spec)
    if isinstance(value, float):
        return _float(value, verb, spec)
    if isinstance(value, str):
        return _string(value, verb, spec)
    return type_name(value)


def _bad(value: Any, verb: str, spec: Spec) -> str:
    """Return what Go prints for a verb that the value's type does not have."""
    sink = Sink()
    _write(sink, value, "v", spec, 0)
    return f"%!{verb}({type_name(value)}={sink.text()})"


def _integer(value: int, verb: str, spec: Spec) -> str:
    if verb in _BASES:
        if spec.syntax and isinstance(value, Byte):
            return _digits(value, "x", Spec(sharp=True, width=spec.width, minus=spec.minus))
        return _digits(value, verb, spec)
    if verb not in "cqU":
        return _bad(value, verb, spec)
    code = value if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else 0xFFFD
    if verb == "c":
        return spec.pad(chr(code))
    if verb == "q":
        return spec.pad(quote(chr(code), "'", spec.plus))
    unsigned = value & ((1 << 64) - 1)
    text = f"U+{unsigned:0{max(4, spec.precision)}X}"
    if spec.sharp and code == value and chr(code).isprintable():
        text += f" '{chr(code)}'"
    return spec.pad(text, " ")


def _digits(value: int, verb: str, spec: Spec) -> str:
    """Return an integer in the verb's base, with sign, prefix and leading zeros."""
    if spec.precision == 0 and value == 0:
        return " " * spec.width
    sign = "-" if value < 0 else "+" if spec.plus else " " if spec.space else ""
    wanted = spec.precision
    if wanted < 0 and spec.zero:
        wanted = spec.width - len(sign)
    digits = format(abs(int(value)), _BASES[verb]).rjust(wanted, "0")
    prefix = "0o" if verb == "O" else ""
    if spec.sharp:
        octal = "0" if digits[0] != "0" else ""
        prefix += {"b": "0b", "o": octal, "O": octal, "x": "0x", "X": "0X"}.get(verb, "")
    return spec.pad(sign + prefix + digits, " ")


def _float(value: float, verb: str, spec: Spec) -> str:
    if verb not in "vbgGxXfeEF":
        return _bad(value, verb, spec)
    form = {"v": "g", "F": "f"}.get(verb, verb)
    precision = spec.precision
    if precision < 0 and form in "feE":
        precision = 6
    text = format_float(value, form, precision)
    sign = text[0] if text[0] in "+-" else "+"
    text = text.lstrip("+-")
    if not text[0].isdigit():  # Inf and NaN are not padded with zeros
        shown = "-" if sign == "-" else "+" if spec.plus or not spec.space else " "
        if text == "NaN" and not spec.plus and not spec.space:
            shown = ""
        return spec.pad(("" if shown == "+" and not spec.plus else shown) + text, " ")
    if spec.sharp and form != "b":
        text = _pointed(text, form, precision)
    if sign == "+" and not spec.plus:
        sign = " " if spec.space else ""
    if spec.zero and sign:
        return sign + text.rjust(spec.width - 1, "0")
    return spec.pad(sign + text)


def _pointed(text: str, form: str, precision: int) -> str:
    """Return *text* with a decimal point, and with all digits that g and x may have."""
    missing = (6 if precision < 0 else precision) if form in "gGx" else 0
    mark = "p" if form in "xX" else "e"
    at = text.lower().find(mark)
    number, tail = (text[:at], text[at:]) if at >= 0 else (text, "")
    missing -= len(number.replace(".", "").lstrip("0"))
    if "." not in number:
        missing -= number == "0"
        number += "."
    return number + "0" * missing + tail


def _string(value: str, verb: str, spec: Spec) -> str:
    if verb in "xX":
        return _bytes(value, verb, spec)
    if verb not in "svq":
        return _bad(value, verb, spec)
    text = value if spec.precision < 0 else value[: spec.precision]
    if verb == "q" and spec.sharp and "`" not in text and _plain(text):
        return spec.pad(f"`{text}`")
    if verb == "q" or (verb == "v" and spec.syntax):
        return spec.pad(quote(text, '"', spec.plus))
    return spec.pad(text)


def _plain(text: str) -> bool:
    """Say whether Go can write *text* between backquotes."""
    return all((char >= " " or char == "\t") and char not in "\x7f\ufeff" for char in text)


def _bytes(value: str, verb: str, spec: Spec) -> str:
    """Return the bytes of a string in hexadecimal; the precision bounds their number."""
    data = to_bytes(value)
    if spec.precision >= 0:
        data = data[: spec.precision]
    prefix = f"0{verb}" if spec.sharp and data else ""
    pairs = [format(byte, f"02{verb}") for byte in data]
    return spec.pad(prefix + (f" {prefix}" if spec.space else "").join(pairs))
