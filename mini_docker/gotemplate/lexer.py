"""Cut a template into tokens, as Go's text/template does.

Outside of ``{{`` and ``}}`` everything is text. ``{{- `` takes the white space
before it away and `` -}}`` the white space after it; ``{{/* ... */}}`` vanishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mini_docker.gotemplate.lexemes import Token, code_point, is_word
from mini_docker.gotemplate.quoting import quote

SPACES = " \t\r\n"
KEYWORDS = frozenset(
    [".", "block", "break", "continue", "define", "else", "end", "if", "range", "nil",
     "template", "with"]
)  # fmt: skip
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_CLOSING = re.compile(r"[ \t\r\n]-}}|}}")
_QUOTED = {
    '"': (re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'), "string", "quoted string"),
    "'": (re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"), "character", "character constant"),
    "`": (re.compile(r"`[^`]*`"), "raw string", "raw quoted string"),
}
_SINGLE = {"=": "assign", "|": "pipe"}


def _is_space(text: str, at: int) -> bool:
    return at < len(text) and text[at] in SPACES


class Lexer:
    """The tokens of one template; the last one is eof or error."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens in order, and eof for ever after the end."""
        line = counted = 0
        for kind, start, end, message in self.scan():
            line += self.text.count("\n", counted, start)
            counted = start
            shown = line
            if kind == "text":  # Go counts the lines of a text before it emits it
                shown += self.text.count("\n", start, end)
            yield Token(kind, message or self.text[start:end], start, shown + 1)
        while True:
            yield Token("eof", "", len(self.text), self.text.count("\n") + 1)

    def scan(self) -> Iterator[tuple[str, int, int, str]]:
        """Yield kind, start and end of each token, and the message of an error."""
        text = self.text
        while (opening := text.find("{{", self.at)) >= 0:
            trimmed = text[opening + 2 : opening + 3] == "-" and _is_space(text, opening + 3)
            end = len(text[self.at : opening].rstrip(SPACES)) + self.at if trimmed else opening
            if end > self.at:
                yield "text", self.at, end, ""
            inside = opening + (4 if trimmed else 2)
            if text.startswith("/*", inside):
                failure = self.skip_comment(inside)
                if failure:
                    yield failure
                    return
                continue
            yield "open", opening, opening + 2, ""
            self.at, self.depth = inside, 0
            for token in self.scan_action():
                yield token
                if token[0] == "error":
                    return
        if self.at < len(text):
            yield "text", self.at, len(text), ""

    def skip_comment(self, start: int) -> tuple[str, int, int, str] | None:
        """Go to the end of the comment that begins at *start*; return the error, if any."""
        end = self.text.find("*/", start + 2)
        if end < 0:
            return "error", start, start, "unclosed comment"
        closing = _CLOSING.match(self.text, end + 2)
        if closing is None:
            return "error", start, start, "comment ends before closing delimiter"
        self.leave(closing)
        return None

    def leave(self, closing: re.Match[str]) -> None:
        """Go behind the delimiter *closing*, and the white space that it trims."""
        self.at = closing.end()
        if len(closing[0]) > 2:
            while _is_space(self.text, self.at):
                self.at += 1

    def scan_action(self) -> Iterator[tuple[str, int, int, str]]:
        """Yield the tokens from behind ``{{`` up to and with ``}}``."""
        while True:
            start = self.at
            closing = _CLOSING.match(self.text, start)
            if closing and self.depth == 0:
                self.leave(closing)
                yield "close", closing.end() - 2, closing.end(), ""
                return
            if closing:
                yield "error", start, start, "unclosed left paren"
                return
            kind, message = self.scan_one()
            if kind == "keyword" and self.text[start] == ".":
                kind = "dot"
            yield kind, start, self.at, message
            if message:
                return

    def scan_one(self) -> tuple[str, str]:
        """Read one token; return its kind, or "error" and the message."""
        char = self.text[self.at : self.at + 1]
        following = self.text[self.at + 1 : self.at + 2]
        if not char:
            return "error", "unclosed action"
        if char in SPACES:
            return self.scan_space()
        if char in _QUOTED:
            return self.scan_quoted(char)
        if char == "$" or (char == "." and following and following not in "0123456789"):
            return self.scan_name("variable" if char == "$" else "field")
        if char in ".+-" or (char.isascii() and char.isdigit()):
            return self.scan_number()
        if is_word(char):
            return self.scan_word()
        return self.scan_sign(char, following)

    def scan_space(self) -> tuple[str, str]:
        """Read blanks, but not the one that belongs to `` -}}``."""
        while _is_space(self.text, self.at):
            if _CLOSING.match(self.text, self.at):
                break
            self.at += 1
        return "space", ""

    def scan_quoted(self, mark: str) -> tuple[str, str]:
        """Read a literal that begins and ends with *mark*."""
        pattern, kind, name = _QUOTED[mark]
        found = pattern.match(self.text, self.at)
        if found is None:
            return "error", f"unterminated {name}"
        self.at = found.end()
        return kind, ""

    def scan_name(self, kind: str) -> tuple[str, str]:
        """Read ``.Name`` or ``$name``, or the bare dot or dollar sign."""
        start = self.at
        message = self.skip_word(start + 1)
        if message:
            return "error", message
        return ("keyword" if self.text[start : self.at] == "." else kind), ""

    def scan_word(self) -> tuple[str, str]:
        """Read a keyword, a bool or the name of a function."""
        start = self.at
        message = self.skip_word(start)
        if message:
            return "error", message
        word = self.text[start : self.at]
        if word in KEYWORDS:
            return "keyword", ""
        return ("bool" if word in ("true", "false") else "identifier"), ""

    def skip_word(self, start: int) -> str:
        """Go behind the word at *start*; return a message if what follows cannot follow."""
        text = self.text
        self.at = start
        while self.at < len(text) and is_word(text[self.at]):
            self.at += 1
        following = text[self.at : self.at + 1]
        if not following or following in SPACES + ".,|:)(" or text.startswith("}}", self.at):
            return ""
        return f"bad character {code_point(following)}"

    def scan_number(self) -> tuple[str, str]:
        """Read a number; one like 1+2i is refused, as complex numbers are."""
        start = self.at
        end = first = self.number_end(start)
        if self.text[end : end + 1] in ("+", "-"):
            end = self.number_end(end)
        glued = end < len(self.text) and is_word(self.text[end])
        self.at = end
        if glued or end > first:
            return "error", f"bad number syntax: {quote(self.text[start : end + glued])}"
        return "number", ""

    def number_end(self, start: int) -> int:
        """Return where the number that begins at *start* ends."""
        found = _NUMBER.match(self.text, start)
        return found.end() if found else start

    def scan_sign(self, char: str, following: str) -> tuple[str, str]:
        """Read *char*, which is neither word nor number; *following* comes after it."""
        self.at += 1
        if char in _SINGLE:
            return _SINGLE[char], ""
        if char == ":":
            self.at += 1
            return ("declare", "") if following == "=" else ("error", "expected :=")
        if char in "()":
            self.depth += 1 if char == "(" else -1
            if self.depth < 0:
                return "error", "unexpected right paren"
            return ("left paren" if char == "(" else "right paren"), ""
        if char.isascii() and char.isprintable():
            return "char", ""
        return "error", f"unrecognized character in action: {code_point(char)}"
