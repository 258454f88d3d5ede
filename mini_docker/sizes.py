"""Sizes as the docker command reads and prints them (the rules of docker/go-units).

Memory is read in powers of 1024 (``64m`` is 64 MiB, as is ``64MB``), disk and
transfer sizes are printed in powers of 1000 (``12.3MB``), memory in powers of
1024 (``11.77MiB``).
"""

from __future__ import annotations

_UNITS = "kmgtp"
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def ram_in_bytes(text: str) -> int:
    """Return *text*, such as 512, 64m, 1.5GiB or "32 kb", in bytes; k is 1024.

    Raises ValueError in Docker's words: no number, a negative one, an unknown
    suffix, or more than 64 bits hold.

    >>> ram_in_bytes("1.5k")
    1536
    """
    return _parse(text, 1024)


def from_human_size(text: str) -> int:
    """Return *text* in bytes as ram_in_bytes does, but k is 1000.

    >>> from_human_size("1.5k")
    1500
    """
    return _parse(text, 1000)


def human_size(count: float, digits: int = 3) -> str:
    """Return *count* bytes in powers of 1000 with so many significant digits.

    Docker prints image and container sizes with 3 digits, progress with 4.

    >>> human_size(12345678)
    '12.3MB'
    """
    return _format(count, 1000, digits, _DECIMAL)


def bytes_size(count: float) -> str:
    """Return *count* bytes in powers of 1024 with 4 significant digits.

    >>> bytes_size(12345678)
    '11.77MiB'
    """
    return _format(count, 1024, 4, _BINARY)


def _parse(text: str, base: int) -> int:
    last = max(text.rfind(char) for char in "0123456789. ")
    if last < 0:
        raise ValueError(f"invalid size: '{text}'")
    number = text[:last] if text[last] == " " else text[: last + 1]
    suffix = text[last + 1 :]
    value = _float(number)
    if value < 0:
        raise ValueError(f"invalid size: '{text}'")
    value *= _factor(suffix, base)
    if not value < 1 << 63:  # also refuses "not a number"
        raise ValueError(f"invalid size: '{text}': value out of range")
    return int(value)


def _float(number: str) -> float:
    from mini_docker.strconv import real

    return real(number)


def _factor(suffix: str, base: int) -> int:
    """Return what a unit multiplies by: nothing, b, k, kb, kib and so on up to p."""
    unit = suffix.lower() if len(suffix) <= 3 else suffix
    if unit in ("", "b"):
        return 1
    power = _UNITS.find(unit[0]) + 1
    if not power or unit[1:] not in ("", "b", "ib"):
        raise ValueError(f"invalid suffix: '{unit}'")
    return int(base**power)


def _format(count: float, base: float, digits: int, units: tuple[str, ...]) -> str:
    unit = 0
    value = float(count)
    while value >= base and unit < len(units) - 1:
        value /= base
        unit += 1
    return format(value, f".{digits}g") + units[unit]
