"""Records: small JSON files that are whole at any moment, whoever is killed.

A record is written to a temporary name beside it and renamed into place, so a
reader sees the old text or the new one, never half of one (rename(2)).

The standard json module would do; its import costs a third of a container's
start, because it brings the regular expressions. The parser inside it is C code
of its own, ``_json``, and that is what this module calls; writing is a page.
"""

from __future__ import annotations

import _thread
import os
from _json import encode_basestring, make_scanner

from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FULL = (28, 122)  # ENOSPC, EDQUOT; the module errno would cost as much as this one
LIMIT = 16 * 2**20  # bytes; no record of ours comes near, a hostile one is refused


class _Settings:
    """What ``_json.make_scanner`` wants to know: strict, plain Python objects."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012  (the scanner's own scratch table)


class Written(str):
    """JSON text, for dump() to take as it is: what has been written once is not written again."""

    __slots__ = ()


_scan = make_scanner(_Settings())  # type: ignore[arg-type]  # any object with these fields
_BLANK = " \t\r\n"


def parse(text: str) -> Any:
    """Return the object that the JSON document *text* describes; ValueError if it is not one."""
    start = len(text) - len(text.lstrip(_BLANK))
    try:
        found, end = _scan(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (StopIteration, SystemError):  # the second where json.decoder is not imported
        return _explain(text)
    return found if not text[end:].strip(_BLANK) else _explain(text)


def _explain(text: str) -> Any:
    """Let the json module say, with line and column, what is wrong with *text*."""
    import json

    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump(value: object, indent: str | None = None, level: str = "\n") -> str:
    """Return *value*, made of dict, list, str, int, float, bool and None, as JSON.

    *indent* is the white space of one level, such as four blanks, or None for one
    line without blanks.

    >>> dump({"a": [1, True, None]})
    '{"a":[1,true,null]}'
    """
    if isinstance(value, str):
        return value if type(value) is Written else str(encode_basestring(value))
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    deeper = level if indent is None else level + indent
    if isinstance(value, dict):
        colon = ":" if indent is None else ": "
        parts = [
            f"{encode_basestring(str(key))}{colon}{dump(item, indent, deeper)}"
            for key, item in value.items()
        ]
        opening, closing = "{}"
    elif isinstance(value, (list, tuple)):
        parts = [dump(item, indent, deeper) for item in value]
        opening, closing = "[]"
    else:
        raise TypeError(f"cannot write a {type(value).__name__} as JSON")
    if not parts or indent is None:
        return opening + ",".join(parts) + closing
    return opening + deeper + ("," + deeper).join(parts) + level + closing


def read(path: str) -> Any:
    """Return the record at *path*.

    Raises FileNotFoundError if there is none, and ConfigError, naming the file and
    the place in it, if it cannot be read or is not JSON.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            # As much as there is, and a little: the room for LIMIT would cost more than the text.
            data = file.read(min(os.fstat(file.fileno()).st_size, LIMIT) + 1) or b""
        if len(data) > LIMIT:
            raise ValueError(f"larger than {LIMIT} bytes")
        return parse(data.decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    except ValueError as error:
        raise ConfigError(f"cannot read {path}: it is not a JSON record: {error}") from error


def demand(found: dict[str, Any], fields: Mapping[str, type], path: str) -> None:
    """Refuse a record *found* at *path* that lacks one of *fields*, or has it of a wrong type."""
    for name, kind in fields.items():
        if not isinstance(found.get(name), kind):
            raise ConfigError(f"cannot use {path}: {name} is missing or of a wrong type")


def write(path: str, value: object) -> None:
    """Put *value* at *path* in one step; ConfigError, and the old record, if that fails."""
    write_text(path, dump(value, "  ") + "\n")


def write_anyhow(path: str, value: object) -> None:
    """Put *value* at *path* as write() does; where no space is left, over what is there.

    A full disk must not keep anybody from writing down the end of what has filled it. The old
    record has blocks of its own: what fits into them takes no new one. It is one write(2) then,
    with blanks up to the old end: whole as long as it is within one page, as a state is.
    """
    text = dump(value, "  ") + "\n"
    try:
        write_text(path, text)
    except ConfigError as error:
        why = error.__cause__
        full = isinstance(why, OSError) and why.errno in FULL
        if not full or not _overwrite(path, text.encode("utf-8", "surrogateescape")):
            raise


def _overwrite(path: str, data: bytes) -> bool:
    """Write *data* over what is at *path*; False if there is none, or no room in it."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = os.fstat(file)
        if len(data) > max(found.st_size, found.st_blocks * 512):
            return False
        data = data.ljust(found.st_size)
        return os.pwrite(file, data, 0) == len(data)
    except OSError:
        return False
    finally:
        os.close(file)


def write_text(path: str, text: str, mode: int = 0o600) -> None:
    """Put *text* at *path* in one step: whole, or not at all."""
    # The thread's number: two of one process may write one record. gettid(2); /proc knows it too.
    temporary = f"{path}.{_thread.get_native_id()}.tmp"
    data = text.encode("utf-8", "surrogateescape")
    if len(data) > LIMIT:  # read() would refuse it
        raise ConfigError(f"cannot write {path}: larger than {LIMIT} bytes")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(temporary, flags, mode), "wb", buffering=0) as file:
            if file.write(data) != len(data):
                raise OSError(FULL[0], os.strerror(FULL[0]))
        os.rename(temporary, path)
    except OSError as error:
        if os.path.lexists(temporary):
            os.unlink(temporary)
        raise ConfigError(f"cannot write {path}: {reason(error)}") from error
