"""The kinds of values that flags take, converted by Docker's rules.

Each kind has the word that the help shows for it, says whether the flag collects
its values in a list, and names its converter. A converter takes the text and
returns the value or raises ValueError with the reason in Docker's words.

A converter outside this module is named "module:function" and imported when a
flag of its kind is given: a start without limits pays for none of them.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def load(where: str) -> Any:
    """Return the object that *where*, "module:name", names."""
    module, _, name = where.partition(":")
    return getattr(__import__(module, None, None, [name]), name)


def convert(kind: str, text: str) -> Any:
    """Return *text* as a value of *kind*; ValueError says in Docker's words why not."""
    converter = KINDS[kind][2]
    if isinstance(converter, str):
        converter = load(converter)
    return converter(text)


def collects(kind: str) -> bool:
    """Say whether a flag of this kind collects its values in a list."""
    return KINDS[kind][1]


def zero(kind: str) -> Any:
    """Return the value of a flag of this kind that was not given and has no default."""
    if KINDS[kind][1]:
        return []
    return {"bool": False, "string": "", "float": 0.0}.get(kind, 0)


def memory_swap(text: str) -> int:
    """Return memory and swap together in bytes; -1 stands for no limit on swap."""
    return -1 if text == "-1" else int(load("mini_docker.sizes:ram_in_bytes")(text))


def pair(text: str) -> tuple[str, str]:
    """Return the name and the value of NAME=VALUE; a bare NAME has the value ""."""
    name, _, value = text.partition("=")
    return name, value


def variable(text: str) -> str:
    """Return NAME=VALUE; a bare NAME takes its value from our own environment, if set.

    A bare name that is not set here stays bare: it removes the image's variable.
    """
    name, equals, _ = text.partition("=")
    if not name:
        raise ValueError(f"invalid environment variable: {text}")
    if not equals and name in os.environ:
        return f"{name}={os.environ[name]}"
    return text


def label(text: str) -> str:
    """Return KEY=VALUE or KEY; the key must hold more than blanks."""
    if not text.partition("=")[0].strip():
        raise ValueError(f"invalid label '{text}': empty name")
    return text


def stream(text: str) -> str:
    """Return stdin, stdout or stderr, in lower case."""
    if text.lower() not in ("stdin", "stdout", "stderr"):
        raise ValueError("valid streams are STDIN, STDOUT and STDERR")
    return text.lower()


def criterion(text: str) -> tuple[str, str]:
    """Return a filter, NAME=VALUE, as two words; the name in lower case."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("bad format of filter (expected name=value)")
    return name.strip().lower(), value.strip()


def byte_rate(text: str) -> tuple[str, int]:
    """Return /dev/PATH:SIZE as the device's path and bytes per second."""
    path, rate = _device(text)
    try:
        return path, int(load("mini_docker.sizes:ram_in_bytes")(rate))
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is "
            "<device-path>:<number>[<unit>]. Number must be a positive integer. "
            "Unit is optional and can be kb, mb, or gb"
        ) from None


def operation_rate(text: str) -> tuple[str, int]:
    """Return /dev/PATH:NUMBER as the device's path and operations per second."""
    path, rate = _device(text)
    try:
        return path, int(load("mini_docker.strconv:decimal")(rate))
    except ValueError:
        raise ValueError(
            f"invalid rate for device: {text}. The correct format is "
            "<device-path>:<number>. Number must be a positive integer"
        ) from None


def weight(text: str) -> tuple[str, int]:
    """Return /dev/PATH:WEIGHT; the weight is 0 (take it away) or 10 to 1000."""
    path, number = _device(text)
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise ValueError(f"invalid weight for device: {text}")
    if int(number) and not 10 <= int(number) <= 1000:
        raise ValueError(f"invalid weight for device: {text}")
    return path, int(number)


KINDS: dict[str, tuple[str, bool, Callable[[str], Any] | str]] = {
    "bool": ("", False, "mini_docker.strconv:boolean"),
    "string": ("string", False, str),
    "int": ("int", False, "mini_docker.strconv:integer"),
    "uint16": ("uint16", False, "mini_docker.strconv:uint16"),
    "float": ("float", False, "mini_docker.strconv:real"),
    "cpus": ("decimal", False, "mini_docker.strconv:cpus"),
    "size": ("bytes", False, "mini_docker.sizes:ram_in_bytes"),
    "swap": ("bytes", False, memory_swap),
    "duration": ("duration", False, "mini_docker.durations:parse"),
    "list": ("list", True, str),
    "env": ("list", True, variable),
    "label": ("list", True, label),
    "stream": ("list", True, stream),
    "filter": ("filter", True, criterion),
    "rate": ("list", True, byte_rate),
    "iops": ("list", True, operation_rate),
    "weight": ("list", True, weight),
    "device": ("list", True, "mini_docker.devices:mapping"),
    "rule": ("list", True, "mini_docker.devices:cgroup_rule"),
    "annotation": ("map", True, pair),
    "sysctl": ("map", True, "mini_docker.sysctls:parse"),
    "ulimit": ("ulimit", True, "mini_docker.ulimits:parse"),
}


def _device(text: str) -> tuple[str, str]:
    path, colon, rest = text.partition(":")
    if not colon or not path:
        raise ValueError(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise ValueError(f"bad format for device path: {text}")
    return path, rest
