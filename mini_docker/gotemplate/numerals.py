"""Go's number and character literals."""

from __future__ import annotations

from mini_docker.gotemplate.quoting import quote, unescape
from mini_docker.strconv import integer, real


def character(text: str) -> int:
    """Return the code point of the literal *text*, such as 'a' or '\\n'.

    Raises ValueError if it stands for no character, or for more than one.
    """
    found = unescape(text[1:-1], "'")
    if not found:
        raise ValueError("invalid syntax")
    if len(found) > 1:
        raise ValueError(f"malformed character constant: {text}")
    return ord(found)


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
        if "out of range" not in str(error) and not _is_real(text):
            raise ValueError(f"illegal number syntax: {quote(text)}") from None
    if text.isdigit() and text[0] != "0" and len(text) < 21 and (value := int(text)) < 1 << 64:
        return value
    raise ValueError(f"integer overflow: {quote(text)}")


def _is_real(text: str) -> bool:
    try:
        real(text)
    except ValueError:
        return False
    return True
