"""The tokens of a template as its parser takes them: with look-ahead, and errors."""

from __future__ import annotations

from mini_docker.gotemplate.errors import TemplateError
from mini_docker.gotemplate.lexemes import Token
from mini_docker.gotemplate.lexer import Lexer

DEEPEST = 40  # parentheses and blocks inside one another


class Tokens:
    """The tokens of one template, and the names that it may use so far."""

    def __init__(self, text: str, functions: frozenset[str]) -> None:
        self.source = Lexer(text).tokens()
        self.functions = functions
        self.buffer: list[Token] = []  # tokens that were pushed back, the next one last
        self.current = Token("eof", "", 0, 1)
        self.variables = ["$"]
        self.depth = 0
        self.action = 0  # the line of the present action's {{

    def next(self) -> Token:
        """Take the next token."""
        self.current = self.buffer.pop() if self.buffer else next(self.source)
        return self.current

    def back(self, *tokens: Token) -> None:
        """Push *tokens* back, so that the first of them comes next."""
        self.buffer.extend(reversed(tokens))

    def peek(self) -> Token:
        """Return the next token without taking it."""
        token = self.next()
        self.back(token)
        return token

    def next_word(self) -> Token:
        """Take the next token that is no blank."""
        token = self.next()
        while token.kind == "space":
            token = self.next()
        return token

    def peek_word(self) -> Token:
        """Skip blanks, and return the next token without taking it."""
        token = self.next_word()
        self.back(token)
        return token

    def at_word(self, *words: str) -> bool:
        """Say whether the next token is one of the keywords *words*."""
        token = self.peek_word()
        return token.kind == "keyword" and token.text in words

    def error(self, message: str) -> TemplateError:
        """Return an error with *message* that names the present line."""
        return TemplateError(f"template: :{self.current.line}: {message}")

    def unexpected(self, token: Token, context: str) -> TemplateError:
        """Return the error for a *token* that has no place in *context*."""
        if token.kind == "error":
            started = f" in action started at :{self.action}"
            if token.text.endswith(" action"):
                started = started.removeprefix(" in action")
            return self.error(token.text + (started if self.action not in (0, token.line) else ""))
        return self.error(f"unexpected {token} in {context}")

    def expect(self, kind: str, context: str) -> Token:
        """Take the next token that is no blank; it must be of *kind*."""
        token = self.next_word()
        if token.kind != kind:
            raise self.unexpected(token, context)
        return token

    def deeper(self) -> None:
        """Note one more level of nesting; an error if there are too many."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"nested more than {DEEPEST} deep")
