"""Numbers as Go's strconv and math/big read them, with their messages.

Docker's flags are read with these functions, so what they accept is part of its
command line: ``0x10`` is an integer, ``010`` is eight, ``1_000`` a thousand.
"""

from __future__ import annotations

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


def boolean(text: str) -> bool:
    """Return 1, t, T, true, TRUE, True (and their opposites) as a bool."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _syntax("ParseBool", text)


def integer(text: str) -> int:
    """Return a signed integer of 64 bits: decimal, 0x, 0o, 0b or a leading 0 (octal)."""
    value = _number(text, "ParseInt", text[text[:1] in ("+", "-") :])
    if not -(1 << 63) <= value < 1 << 63:
        raise _range("ParseInt", text)
    return value


def uint16(text: str) -> int:
    """Return an integer from 0 to 65535, in the same notations and without a sign."""
    value = _number(text, "ParseUint", text)
    if value > 0xFFFF:
        raise _range("ParseUint", text)
    return value


def decimal(text: str) -> int:
    """Return a sequence of decimal digits as an integer of 64 bits without a sign."""
    if not (text.isascii() and text.isdigit()):
        raise _syntax("ParseUint", text)
    if len(text) > 4000 or int(text) >= 1 << 64:
        raise _range("ParseUint", text)
    return int(text)


def signed(text: str) -> int:
    """Return a sequence of decimal digits, with or without a sign, as 64 bits with a sign."""
    digits = text[text[:1] in ("+", "-") :]
    if not (digits.isascii() and digits.isdigit()):
        raise _syntax("ParseInt", text)
    if len(digits) > 4000 or not -(1 << 63) <= int(text) < 1 << 63:
        raise _range("ParseInt", text)
    return int(text)


def real(text: str) -> float:
    """Return a floating-point number, such as 1.5 or 2e3; no blanks."""
    body = text.lower()
    try:
        if not text.isascii() or text.strip() != text:
            raise ValueError
        value = float.fromhex(text) if "0x" in body and "p" in body else float(text)
    except OverflowError:
        raise _range("ParseFloat", text) from None
    except ValueError:
        raise _syntax("ParseFloat", text) from None
    if value in (float("inf"), float("-inf")) and "inf" not in body:
        raise _range("ParseFloat", text)
    return value


def cpus(text: str) -> int:
    """Return a number of processors, "1.5" or "3/2", in billionths (Docker's NanoCpus)."""
    failure = ValueError(f"failed to parse {text} as a rational number")
    try:
        above, below = _fraction(text)
    except ValueError:
        raise failure from None
    if below == 0:
        raise failure
    if above * 10**9 % below:
        raise ValueError("value is too precise")
    value = above * 10**9 // below
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("value out of range")
    return value


def _number(text: str, function: str, digits: str) -> int:
    """Return *text*, whose part after the sign is *digits*, as Go reads it with base 0."""
    if not (digits[:1].isdigit() and text.isascii()) or text.strip() != text:
        raise _syntax(function, text)
    if len(digits) > 4000:  # Python refuses to convert longer ones
        raise _range(function, text)
    if (digits[0] == "0" and digits[1:2].isdigit()) or digits[:2] == "0_":
        digits = "0o" + digits[1:]
    try:
        return int(digits, 0) * (-1 if text[0] == "-" else 1)
    except ValueError:
        raise _syntax(function, text) from None


def _fraction(text: str) -> tuple[int, int]:
    """Return *text*, "a/b" or "1.25e2", as two integers; ValueError if it is neither."""
    above, slash, below = text.partition("/")
    if slash:
        return integer(above), _number(below, "ParseUint", below)
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, part = mantissa[mantissa[:1] in ("+", "-") :].partition(".")
    power = integer(exponent) if "e" in text.lower() else 0
    digits = whole + part
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 40 or abs(power) > 40:
        raise ValueError(text)
    value = int(digits) * (-1 if text[0] == "-" else 1)
    shift = power - len(part)
    return (value * 10**shift, 1) if shift >= 0 else (value, int(10**-shift))


def _syntax(function: str, text: str) -> ValueError:
    from mini_docker.gotemplate.quoting import quote

    return ValueError(f"strconv.{function}: parsing {quote(text)}: invalid syntax")


def _range(function: str, text: str) -> ValueError:
    from mini_docker.gotemplate.quoting import quote

    return ValueError(f"strconv.{function}: parsing {quote(text)}: value out of range")
