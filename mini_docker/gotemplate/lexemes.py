"""Tokens, and the characters that they are made of."""

from __future__ import annotations

from dataclasses import dataclass

from mini_docker.gotemplate.quoting import quote


@dataclass(slots=True)
class Token:
    """A piece of a template: its kind, its text, where it starts, and in which line.

    Kinds are text, open, close, space, field, variable, identifier, keyword, string,
    raw string, character, number, bool, declare, assign, pipe, left paren, right
    paren, char, eof, and error, whose text is the message.
    """

    kind: str
    text: str
    at: int
    line: int

    def __str__(self) -> str:
        """Return the token as Go's messages show it."""
        if self.kind == "eof":
            return "EOF"
        if self.kind == "error":
            return self.text
        if self.kind in ("keyword", "dot"):
            return f"<{self.text}>"
        if len(self.text.encode("utf-8", "surrogatepass")) > 10:
            return quote(self.text[:10]) + "..."
        return quote(self.text)


def is_word(char: str) -> bool:
    """Say whether *char* can be part of a name: a letter, a decimal digit or _."""
    return char == "_" or char.isalpha() or char.isdecimal()


def code_point(char: str) -> str:
    """Return *char* as Go's %#U does."""
    code = f"U+{ord(char):04X}"
    return f"{code} '{char}'" if char.isprintable() else code
