"""Go's number and character literals."""

from __future__ import annotations

from mini_docker.cli.numbers import integer, real
from mini_docker.gotemplate.quoting import quote, unquote


def character(text: str) -> int:
    """Return the code point of the literal *text*, such as 'a' or '\\n'."""
    try:
        return ord(unquote(text))
    except ValueError:
        raise ValueError(f"malformed character constant: {text}") from None


def number(text: str) -> int | float:
    """Return the value of *text*: a float if it is spelled like one, else an integer.

    Integers may exceed 63 bits: whoever uses one says that it overflows.
    """
    if text.endswith("i"):
        raise ValueError(f"complex numbers are not supported: {quote(text)}")
    hexadecimal = text[:2] in ("0x", "0X") and not ("p" in text or "P" in text)
    if not hexadecimal and any(char in text for char in ".eEpP"):
        try:
            return real(text)
        except ValueError:
            raise ValueError(f"illegal number syntax: {quote(text)}") from None
    try:
        return integer(text)
    except ValueError as error:
        if "out of range" not in str(error):
            raise ValueError(f"illegal number syntax: {quote(text)}") from None
    if len(text) < 67 and text[0] not in "+-" and (value := int(text, 0)) < 1 << 64:
        return value
    raise ValueError(f"integer overflow: {quote(text)}")
