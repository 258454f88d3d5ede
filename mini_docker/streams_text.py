"""Text of streams: inside the strings of a log, in whole characters, and as detach keys."""

from __future__ import annotations

import codecs

from mini_docker.errors import UsageError

# What an entry holds as it is; the rest is escaped, as Docker's jsonlog and Go's encoder do.
_PLAIN = b"\n" + bytes(byte for byte in range(0x20, 0x100) if byte not in b'\\"<>&')
_SHORT = {0x0D: b"\\r", 0x22: b'\\"'}


def escape(text: bytes) -> bytes:
    """Return *text* as the inside of a JSON string, its newlines left as they are.

    As Docker writes it: also <, > and & as \\u and four digits, and \\ufffd for each byte that
    is not UTF-8.
    """
    special = set(text.translate(None, _PLAIN))
    if 0x5C in special:  # first: what follows brings more of them
        text = text.replace(b"\\", b"\\\\")
        special.discard(0x5C)
    for byte in special:
        text = text.replace(bytes((byte,)), _SHORT.get(byte) or b"\\u%04x" % byte)
    if not text.isascii():
        words = text.decode("utf-8", _UNKNOWN)
        for line_end in ("\u2028", "\u2029"):
            words = words.replace(line_end, f"\\u{ord(line_end):x}")
        text = words.encode()
    return text


def whole(text: bytes, stop: int) -> int:
    """Return the last place in *text*, not after *stop*, where a character of UTF-8 begins.

    That is the end of *text* if it is shorter, and *stop* where there is no UTF-8.
    """
    if stop >= len(text):
        return len(text)
    for place in range(stop, stop - 4, -1):  # the longest character has 4 bytes
        if text[place] & 0xC0 != 0x80:  # no byte from within one
            return place
    return stop


def sequence(keys: str) -> bytes:
    """Return the bytes that the detach keys *keys*, such as "ctrl-p,ctrl-q" or "a,b", send.

    Raises UsageError, in Docker's words, for what is neither a character nor ctrl- and one of
    a to z, @, [, \\, ], ^ and _. moby/term: ascii.go.
    """
    found = bytearray()
    for key in keys.split(","):
        letter = key.removeprefix("ctrl-") if len(key) == 6 else ""
        if len(key) == 1 and key.isascii():
            found += key.encode()
        elif letter and letter in "@abcdefghijklmnopqrstuvwxyz[\\]^_":
            found.append(ord(letter.upper()) - ord("@"))
        elif key == "DEL":
            found.append(0x7F)
        else:
            raise UsageError(f"Invalid detach keys ({keys}) provided")
    return bytes(found)


def _unknown(error: UnicodeError) -> tuple[str, int]:
    """Stand in for one byte that is not UTF-8, as Go does; Python's own would do so for several."""
    assert isinstance(error, UnicodeDecodeError)
    return "\\ufffd", error.start + 1


_UNKNOWN = "mini-docker-log"
codecs.register_error(_UNKNOWN, _unknown)
