"""Floating-point numbers as Go prints them (strconv.FormatFloat)."""

from __future__ import annotations

import math


def format_float(value: float, verb: str, precision: int = -1) -> str:
    """Return *value* in the form of *verb*: e, E, f, g, G, x, X or b.

    A precision of -1 means the fewest digits that give the same number back. Only
    negative numbers and +Inf have a sign.

    >>> format_float(1e6, "g")
    '1e+06'
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb in "xXb":
        text = _binary(value) if verb == "b" else _hexadecimal(value, precision)
        return text.upper() if verb == "X" else text
    if precision >= 0:
        return _python(value, verb, precision)
    return _shortest(value, verb)


def _python(value: float, verb: str, precision: int) -> str:
    # No float has more than 1100 digits that are not zero; Go pads the rest with zeros.
    kept = min(precision, 1100)
    text = format(value, f".{kept}{verb}")
    if verb in "gG" or precision == kept:
        return text
    mantissa, mark, exponent = text.partition(verb if verb in "eE" else "?")
    return mantissa + "0" * (precision - kept) + mark + exponent


def _shortest(value: float, verb: str) -> str:
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    leading = len(whole + part) - len(digits)
    digits = digits.rstrip("0")
    point = len(whole) + int(power or 0) - leading  # 0.digits times ten to this power
    if not digits:
        digits, point = "0", 1
    if verb in "eE" or (verb in "gG" and not -4 <= point - 1 < 6):
        return sign + _exponential(digits, point - 1, "E" if verb in "EG" else "e")
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole = digits[:point].ljust(point, "0")
    return sign + whole + (f".{digits[point:]}" if digits[point:] else "")


def _exponential(digits: str, exponent: int, mark: str) -> str:
    mantissa = digits[0] + (f".{digits[1:]}" if digits[1:] else "")
    return f"{mantissa}{mark}{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _hexadecimal(value: float, precision: int) -> str:
    """Return *value* as 0x1.8p+01; -1 as precision keeps all digits but trailing zeros."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    fraction, exponent = math.frexp(abs(value))
    mantissa = int(math.ldexp(fraction, 61))  # 1 and 60 bits, unless the value is 0
    exponent = exponent - 1 if mantissa else 0
    if 0 <= precision < 15:
        dropped = 60 - 4 * precision
        half, rest = 1 << (dropped - 1), mantissa & ((1 << dropped) - 1)
        mantissa >>= dropped
        if rest > half or (rest == half and mantissa & 1):
            mantissa += 1
        mantissa <<= dropped
        if mantissa >> 61:
            mantissa, exponent = mantissa >> 1, exponent + 1
    digits = f"{mantissa & ((1 << 60) - 1):015x}"
    digits = digits.rstrip("0") if precision < 0 else digits[:precision].ljust(precision, "0")
    point = "." if digits else ""
    mark = "-" if exponent < 0 else "+"
    return f"{sign}0x{mantissa >> 60}{point}{digits}p{mark}{abs(exponent):02d}"


def _binary(value: float) -> str:
    """Return *value* as an integer times a power of two, such as 4503599627370496p-52."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    exponent = math.frexp(value)[1]
    bits = max(exponent - 53, -1074) if value else -1074
    return f"{sign}{_scaled(value, bits)}p{bits:+d}"


def _scaled(value: float, bits: int) -> int:
    """Return abs(*value*) in units of two to the power *bits*."""
    half = bits // 2  # two to the power 1074 is no float
    return int(math.ldexp(math.ldexp(abs(value), -half), half - bits))
