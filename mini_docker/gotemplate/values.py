"""The values of templates: what came from JSON, and how Go calls it.

Python's dict, list, str, int, float, bool and None stand for Go's
map[string]interface {}, []interface {}, string, int, float64, bool and nil.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 1 << 23  # characters of a text that a template makes


class Absent:
    """The type of ABSENT."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()  # no value at all, such as the field of a map without that key


class Byte(int):
    """An element of a string: Go's uint8."""


class Duration(int):
    """Go's time.Duration: a number of nanoseconds in JSON, and printed its *text*, "1m30s"."""

    text: str

    def __new__(cls, nanoseconds: int, text: str) -> Duration:
        made = super().__new__(cls, nanoseconds)
        made.text = text
        return made


class Time(str):
    """Go's time.Time: RFC 3339 in JSON, and printed its *text*, "2024-01-02 03:04:05 +0000 UTC"."""

    text: str

    def __new__(cls, moment: str, text: str) -> Time:
        made = super().__new__(cls, moment)
        made.text = text
        return made


class Strings(list[str]):
    """Go's []string, as split returns it."""


class NilSlice(list[Any]):
    """Go's nil of a slice's type: prints as [], is null in JSON."""


class NilMap(dict[str, Any]):
    """Go's nil of a map's type: prints as map[], is null in JSON."""


class NilPointer:
    """Go's nil of a pointer's type: prints as <nil>, is null in JSON, and false.

    *absent* is the field's name if JSON leaves it out: then to go further names that key.
    """

    def __init__(self, absent: str = "") -> None:
        self.absent = absent

    def __bool__(self) -> bool:
        return False

    def refusal(self, name: str) -> str:
        """Return what a template is told that asks for the field *name* of it."""
        if self.absent:
            return f'map has no entry for key "{self.absent}"'
        return f"nil pointer evaluating interface {{}}.{name}"


NILS = (NilSlice, NilMap, NilPointer)


class Record(dict[str, Any]):
    """A record out of JSON; *empty* has the values of the fields that JSON leaves out.

    Unlike a map's its fields are not sorted: they keep their order, in JSON and printed.
    """

    def __init__(self, fields: dict[str, Any], empty: dict[str, Any]) -> None:
        super().__init__(fields)
        self.empty = empty

    def whole(self) -> dict[str, Any]:
        """Return all fields in order: that of *empty* if it names them all, else their own."""
        if self.keys() <= self.empty.keys():
            return {**self.empty, **self}
        return {**self, **{name: self.empty[name] for name in self.empty if name not in self}}


class Struct(dict[str, Any]):
    """A record whose fields are fixed: an unknown one is an error in any mode.

    *type* is the name that the error shows, as ``*formatter.ContainerContext``.
    A value that is a Method takes the arguments that follow it in the template.
    """

    def __init__(self, type: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.type = type


@dataclass(frozen=True, slots=True)
class Method:
    """A function of templates: the kinds of its arguments, and what it does.

    Kinds are "any", "value" (like any, but ABSENT stays what it is), "string",
    "int" and "[]string". With *variadic* the last kind stands for any number of
    arguments, none included. *function* raises ValueError with its reason.
    """

    function: Callable[..., Any]
    kinds: tuple[str, ...] = ()
    variadic: bool = False


class Sink:
    """A text that is being put together, and that may not grow without bound."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def write(self, text: str) -> None:
        """Append *text*; ValueError if the whole grows beyond LONGEST."""
        self.size += len(text)
        if self.size > LONGEST:
            raise ValueError(f"text longer than {LONGEST} characters")
        self.parts.append(text)

    def text(self) -> str:
        """Return what was written."""
        return "".join(self.parts)


def bounded(parts: Iterable[str]) -> str:
    """Return *parts* together; ValueError if that is longer than LONGEST."""
    sink = Sink()
    for part in parts:
        sink.write(part)
    return sink.text()


def type_name(value: Any) -> str:
    """Return the name of the value's Go type.

    >>> type_name({"a": [1]})
    'map[string]interface {}'
    """
    if isinstance(value, Struct):
        return value.type
    for kind, name in (
        (bool, "bool"),
        (Byte, "uint8"),
        (int, "int"),
        (float, "float64"),
        (str, "string"),
        (Strings, "[]string"),
        (list, "[]interface {}"),
        (dict, "map[string]interface {}"),
    ):
        if isinstance(value, kind):
            return name
    if value is None or value is ABSENT:
        return "interface {}"
    return "func()" if isinstance(value, Method) else f"*{type(value).__name__}"


def is_true(value: Any) -> bool:
    """Say whether if and and take *value* for true: not zero, not empty, not nil."""
    return value is not ABSENT and bool(value)


def to_bytes(text: str) -> bytes:
    """Return the UTF-8 of *text*; bytes that were no UTF-8 (\\udc80 to \\udcff) as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        mended = "".join(c if not "\ud800" <= c <= "\udbff" else "\ufffd" for c in text)
        mended = "".join(c if not "\udc00" <= c < "\udc80" else "\ufffd" for c in mended)
        mended = "".join(c if not "\udd00" <= c <= "\udfff" else "\ufffd" for c in mended)
        return mended.encode("utf-8", "surrogateescape")


def from_bytes(data: bytes) -> str:
    """Return *data* as text; what is no UTF-8 becomes surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")
