"""Words of a Dockerfile: quotes, escapes and references to variables, as a shell reads them.

    word       means                     within "..."
    'a $b'     a $b                      'a and the value of b'
    "a $b"     a and the value of b
    \\x         x                         \\x but for \\" \\$ \\\\
    $b ${b}    the value of b            the same
    ${b:-c}    see builder.substitute    the same

The escape character is the Dockerfile's. What a reference stands for says a function that the
caller gives; words in it have been read already when it is asked.
moby/buildkit: frontend/dockerfile/shell/lex.go.
"""

from __future__ import annotations

import re

from mini_docker import builder_globs, builder_lines
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    # Texts, each with whether a blank in it ends the word: not so for what was in quotes.
    Pieces = list[tuple[str, bool]]

SIZE = 1 << 20  # of all that is put in: ENV A=$A$A is soon larger than any memory
DEPTH = 50  # of references in references
SPECIAL = "@*#?-$!0"  # names of one character: POSIX, 2.5.2
NAME = re.compile(r"\d+|[^\W\d]\w*")
BLANK = re.compile(r"[ \t\n\v\f\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


class Reference:
    """A reference to a variable: ``${name}``, or ``${name`` form word ``}``."""

    __slots__ = ("form", "name", "replacement", "word", "written")

    def __init__(self, name: str) -> None:
        self.name = name
        self.form = ""  # such as :- or //
        self.word = ""  # what follows the form; the pattern of / and //
        self.replacement = ""  # of / and //
        self.written = ""  # all of it, from the dollar sign on


def pieces(text: str, escape: str, value: Callable[[Reference], str], raw: bool = False) -> Pieces:
    """Return the pieces of *text*, with each reference replaced by its *value*.

    With *raw* quotes and escapes stay where they are.
    """
    try:
        return _Reader(text, escape, value, raw).read("", raw)
    except UsageError as error:
        shown = text if len(text) <= 200 else f"{text[:200]}..."
        reason = builder_lines.printable(f'failed to process "{shown}": {error}')
        raise UsageError(reason) from None


def joined(found: Pieces) -> str:
    """Return the *found* pieces as one word."""
    return "".join(text for text, _ in found)


def separated(found: Pieces) -> list[str]:
    """Return the words that the *found* pieces make; an empty one is none, quoted or not."""
    words, word = list[str](), list[str]()
    for text, separates in found:
        first, *others = BLANK.split(text) if separates else [text]
        word.append(first)
        for other in others:
            words.append("".join(word))
            word = [other]
    return [each for each in [*words, "".join(word)] if each]


def edited(reference: Reference, value: str) -> str:
    """Return *value* after what the *reference* does to it: # ## % %% / //.

    UsageError for a form that there is not.
    """
    form, word = reference.form, reference.word
    if form in ("#", "##"):
        return builder_globs.without_prefix(value, word, longest=form == "##")
    if form in ("%", "%%"):
        return builder_globs.without_suffix(value, word, longest=form == "%%")
    if form in ("/", "//"):
        every = form == "//"
        return builder_globs.replace(value, word, reference.replacement, every, SIZE)
    raise UsageError(f"unsupported modifier ({form}) in substitution")


class _Reader:
    """Reads one text from its beginning to its end."""

    __slots__ = ("at", "depth", "escape", "plain", "raw_quotes", "size", "text", "value")

    def __init__(
        self, text: str, escape: str, value: Callable[[Reference], str], raw_quotes: bool
    ) -> None:
        self.text, self.escape, self.value = text, escape, value
        self.raw_quotes = raw_quotes
        self.at = self.depth = self.size = 0
        # A whole run of what is nothing special; } and / end it, for they may be the stop.
        self.plain = re.compile(r"[^$'\"/}" + re.escape(escape) + "]+")

    def read(self, stop: str, raw_escapes: bool) -> Pieces:
        """Return what comes up to the character *stop*, and pass it; "" is the end."""
        found: Pieces = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == stop:
                self.at += 1
                return found
            if char == "$":
                found.append((self.dollar(raw_escapes), True))
            elif char == "'":
                found.append((self.single(), False))
            elif char == '"':
                found.append((self.double(raw_escapes), False))
            elif char == self.escape:
                found.append((self.escaped(raw_escapes), False))
            else:
                it = self.plain.match(self.text, self.at)
                found.append((it[0] if it else char, True))
                self.at += len(found[-1][0])
        if stop:
            missing = "'}'" if stop == "}" else "'/' in ${}"
            raise UsageError(f"syntax error: missing {missing}")
        return found

    def escaped(self, raw_escapes: bool) -> str:
        """Return the character after the escape; at the end there is none."""
        start = self.at
        self.at = min(start + 2, len(self.text))
        return self.text[start if raw_escapes else start + 1 : self.at]

    def single(self) -> str:
        """Return what is between single quotes, where nothing is special."""
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise UsageError("unexpected end of statement while looking for matching single-quote")
        start, self.at = self.at, end + 1
        return self.text[start : end + 1] if self.raw_quotes else self.text[start + 1 : end]

    def double(self, raw_escapes: bool) -> str:
        """Return what is between double quotes, with its references replaced."""
        quote = '"' if self.raw_quotes else ""
        found = [quote]
        self.at += 1
        while (char := self.text[self.at : self.at + 1]) != '"':
            if not char:
                raise UsageError(
                    "unexpected end of statement while looking for matching double-quote"
                )
            if char == "$":
                found.append(self.dollar(raw_escapes))
            elif char == self.escape and self.text[self.at + 1 : self.at + 2] in (
                *('"', "$", self.escape),
            ):
                found.append(self.escaped(raw_escapes))
            else:
                found.append(char)
                self.at += 1
        self.at += 1
        return "".join([*found, quote])

    def dollar(self, raw_escapes: bool) -> str:
        """Return what the reference at this dollar sign stands for; the sign if it is none."""
        start = self.at
        self.at += 1
        braced = self.text.startswith("{", self.at)
        if braced:
            self.at += 1
            reference = self.braced()
        else:
            reference = Reference(self.name())
            if not reference.name:
                return "$"
        reference.written = self.text[start : self.at]
        value = self.value(reference)
        self.size += len(value)
        if self.size > SIZE:
            raise UsageError(f"the result has more than {SIZE >> 20} MiB")
        return value

    def braced(self) -> Reference:
        """Return the reference whose opening brace was passed."""
        if self.text[self.at : self.at + 1] in ("{", "}", ":"):
            raise UsageError("syntax error: bad substitution")
        reference = Reference(self.name())
        form = self.text[self.at : self.at + 1]
        self.at += 1
        if form == "}":
            return reference
        if not form:
            raise UsageError("syntax error: missing '}'")
        if form == ":":
            form += self.text[self.at : self.at + 1]
            self.at += 1
        self.depth += 1
        if self.depth > DEPTH:
            raise UsageError(f"more than {DEPTH} references in each other")
        self.operand(reference, form)
        self.depth -= 1
        return reference

    def operand(self, reference: Reference, form: str) -> None:
        """Read what stands between the *form* and the closing brace into *reference*."""
        if form in ("#", "%", "/") and self.text.startswith(form, self.at):
            self.at += 1
            form *= 2
        reference.form = form
        if form in ("/", "//"):
            reference.word = joined(self.read("/", raw_escapes=True))
            reference.replacement = joined(self.read("}", raw_escapes=True))
        elif form in ("#", "##", "%", "%%"):
            reference.word = joined(self.read("}", raw_escapes=True))
        elif form in ("-", ":-", "+", ":+", "?", ":?"):
            reference.word = joined(self.read("}", raw_escapes=False))
        else:
            raise UsageError(f"unsupported modifier ({form}) in substitution")

    def name(self) -> str:
        """Return the name here, and pass it: letters and digits, digits, or a special one."""
        it = NAME.match(self.text, self.at)
        if it is None and self.text[self.at : self.at + 1] in (*SPECIAL,):
            self.at += 1
            return self.text[self.at - 1]
        if it is None:
            return ""
        self.at = it.end()
        return it[0]
