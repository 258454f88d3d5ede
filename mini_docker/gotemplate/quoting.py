"""Go's quoted strings (strconv.Quote and Unquote), which Docker's messages and --format use."""

from __future__ import annotations

_NAMED = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v",
    "\\": "\\\\",
}  # fmt: skip
_DIGITS = "0123456789abcdef"
_UNNAMED = {escape[1]: char for char, escape in _NAMED.items()}


def quote(text: str, mark: str = '"', ascii_only: bool = False) -> str:
    """Return *text* between *mark*s, with Go's escapes for what is not printable.

    Bytes that were no UTF-8 (Python's surrogate escapes) become \\x..; with
    *ascii_only* everything outside ASCII is escaped.

    >>> quote('a"b' + chr(10))
    '"a\\\\"b\\\\n"'
    """
    return mark + "".join(_escape(char, mark, ascii_only) for char in text) + mark


def printable(text: str) -> str:
    """Return *text*, from outside, as one line that steers no terminal: quote()'s escapes alone.

    >>> printable('one "two"' + chr(10) + chr(27))
    'one "two"\\n\\x1b'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char, "", False) for char in text)


def _escape(char: str, mark: str, ascii_only: bool) -> str:
    if char == mark:
        return "\\" + char
    if char in _NAMED:
        return _NAMED[char]
    code = ord(char)
    if char.isprintable() and (code < 0x7F or not ascii_only):
        return char
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return "\\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(literal: str) -> str:
    """Return what a Go literal in quotes ("...", '...' or `...`) stands for.

    Raises ValueError for a literal that Go refuses: unknown escape, a surrogate, a
    mark inside, an unfinished escape. A carriage return in backquotes vanishes.
    """
    mark = literal[:1]
    if len(literal) < 2 or mark not in ("'", '"', "`") or literal[-1] != mark:
        raise ValueError("invalid syntax")
    body = literal[1:-1]
    if mark == "`":
        if "`" in body:
            raise ValueError("invalid syntax")
        return body.replace("\r", "")
    if "\n" in body:
        raise ValueError("invalid syntax")
    text = unescape(body, mark)
    if mark == "'" and len(text) != 1:
        raise ValueError("invalid syntax")
    return text


def unescape(body: str, mark: str) -> str:
    """Return *body*, which stood between two *mark*s, with its escapes replaced."""
    parts: list[str] = []
    raw = bytearray()  # \x and octal escapes name bytes, which together may be UTF-8
    at = 0
    while at < len(body):
        char = body[at]
        if char == mark:
            raise ValueError("invalid syntax")
        if char != "\\":
            at += 1
        elif body[at + 1 : at + 2] in "x01234567" and at + 1 < len(body):
            value, at = _byte(body, at + 1)
            if mark == '"':
                raw.append(value)
                continue
            char = chr(value)
        else:
            char, at = _character(body, at + 1, mark)
        parts.append(raw.decode("utf-8", "surrogateescape"))
        raw.clear()
        parts.append(char)
    parts.append(raw.decode("utf-8", "surrogateescape"))
    return "".join(parts)


def _byte(body: str, at: int) -> tuple[int, int]:
    """Read the escape \\xHH or \\OOO whose first character is at *at*."""
    if body[at] == "x":
        return _digits(body[at + 1 : at + 3], 2, 16), at + 3
    value = _digits(body[at : at + 3], 3, 8)
    if value > 255:
        raise ValueError("invalid syntax")
    return value, at + 3


def _character(body: str, at: int, mark: str) -> tuple[str, int]:
    """Read a named escape, \\uHHHH or \\UHHHHHHHH whose first character is at *at*."""
    letter = body[at : at + 1]
    if letter in ("u", "U"):
        width = 4 if letter == "u" else 8
        code = _digits(body[at + 1 : at + 1 + width], width, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise ValueError("invalid syntax")
        return chr(code), at + 1 + width
    if letter == mark:
        return mark, at + 1
    if letter not in _UNNAMED:
        raise ValueError("invalid syntax")
    return _UNNAMED[letter], at + 1


def _digits(text: str, width: int, base: int) -> int:
    if len(text) != width or any(char not in _DIGITS[:base] for char in text.lower()):
        raise ValueError("invalid syntax")
    return int(text, base)
