"""printf, print and println of templates: Go's fmt.Sprintf, Sprint and Sprintln."""

from __future__ import annotations

from typing import Any

from mini_docker.gotemplate.printing import Spec, show, write
from mini_docker.gotemplate.values import ABSENT, Sink, type_name

_WIDEST = 1_000_000  # Go's limit for a width and a precision
_FLAGS = {"+": "plus", "-": "minus", "#": "sharp", " ": "space", "0": "zero"}


def sprint(*values: Any) -> str:
    """Return *values* one behind the other, with blanks between those that are no strings."""
    sink = Sink()
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            sink.write(" ")
        write(sink, value, "v", Spec())
    return sink.text()


def sprintln(*values: Any) -> str:
    """Return *values* with a blank between each two and a line feed at the end."""
    sink = Sink()
    for index, value in enumerate(values):
        sink.write(" " if index else "")
        write(sink, value, "v", Spec())
    sink.write("\n")
    return sink.text()


def sprintf(form: str, *values: Any) -> str:
    """Return *form* with its verbs replaced by *values*.

    What does not fit is no error: it shows in the text, as ``%!d(string=x)``.

    >>> sprintf("%-5s|%03d|%d", "ab", 7, "x")
    'ab   |007|%!d(string=x)'
    """
    return _Printf(form, values).run()


class _Printf:
    def __init__(self, form: str, values: tuple[Any, ...]) -> None:
        self.form = form
        self.values = values
        self.at = 0
        self.argument = 0
        self.reordered = False
        self.good = True  # the index of the present verb's argument makes sense
        self.indexed = False  # an index like [3] stands immediately before
        self.sink = Sink()

    def run(self) -> str:
        """Return the whole text."""
        while self.at < len(self.form):
            percent = self.form.find("%", self.at)
            if percent < 0:
                self.sink.write(self.form[self.at :])
                break
            self.sink.write(self.form[self.at : percent])
            self.at = percent + 1
            self.one()
        self.extra()
        return self.sink.text()

    def one(self) -> None:
        """Print one verb; the percent sign has been read."""
        spec = Spec()
        self.good, self.indexed = True, False
        while self.look() in _FLAGS:
            setattr(spec, _FLAGS[self.look()], True)
            self.at += 1
        spec.zero = spec.zero and not spec.minus
        self.index()
        self.width(spec)
        if self.look() == "." and self.at + 1 < len(self.form):
            self.precision(spec)
        if not self.indexed:
            self.index()
        self.print(spec)

    def print(self, spec: Spec) -> None:
        """Print the present argument with the verb that stands here."""
        verb = self.look()
        self.at += 1
        if not verb:
            self.sink.write("%!(NOVERB)")
        elif verb == "%":
            self.sink.write("%")
        elif not self.good:
            self.sink.write(f"%!{verb}(BADINDEX)")
        elif self.argument >= len(self.values):
            self.sink.write(f"%!{verb}(MISSING)")
        else:
            if verb == "v":
                spec.syntax, spec.sharp, spec.plus = spec.sharp, False, False
            write(self.sink, self.values[self.argument], verb, spec)
            self.argument += 1

    def look(self) -> str:
        """Return the character that comes next, or nothing at the end."""
        return self.form[self.at : self.at + 1]

    def index(self) -> None:
        """Read an index like [3], if one stands here: the argument to go on with."""
        self.indexed = False
        if self.look() != "[":
            return
        self.reordered = True
        end = self.form.find("]", self.at + 1)
        if end < 0 or len(self.form) - self.at < 3:
            self.good = False
            self.at += 1
            return
        digits = self.form[self.at + 1 : end]
        self.at = end + 1
        well_formed = digits.isascii() and digits.isdigit() and len(digits) <= 7
        if well_formed and 1 <= int(digits) <= len(self.values):
            self.argument = int(digits) - 1
        else:
            self.good = False
        self.indexed = well_formed

    def width(self, spec: Spec) -> None:
        """Read the width, from the form or from an argument."""
        if self.look() != "*":
            spec.width = self.number()
            self.good = self.good and not (self.indexed and spec.width >= 0)
            return
        self.at += 1
        width = self.integer()
        if width is None:
            self.sink.write("%!(BADWIDTH)")
        elif width < 0:
            spec.width, spec.minus, spec.zero = -width, True, False
        else:
            spec.width = width
        self.indexed = False

    def precision(self, spec: Spec) -> None:
        """Read the precision, which begins with a dot, from the form or from an argument."""
        self.at += 1
        self.good = self.good and not self.indexed
        self.index()
        if self.look() != "*":
            spec.precision = max(0, self.number())
            return
        self.at += 1
        precision = self.integer()
        if precision is None or precision < 0:
            self.sink.write("%!(BADPREC)")
        else:
            spec.precision = precision
        self.indexed = False

    def number(self) -> int:
        """Read decimal digits; -1 if there are none, or if the number is too large."""
        start, value = self.at, 0
        while self.look() and self.look() in "0123456789":
            if value > _WIDEST:
                self.at = len(self.form)
                return -1
            value = value * 10 + int(self.look())
            self.at += 1
        return value if self.at > start else -1

    def integer(self) -> int | None:
        """Take an argument as a width; None if there is none, or no fitting one."""
        if self.argument >= len(self.values):
            return None
        value = self.values[self.argument]
        self.argument += 1
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _WIDEST:
            return None
        return int(value)

    def extra(self) -> None:
        """Print the arguments that no verb has taken."""
        rest = self.values[self.argument :]
        if self.reordered or not rest:
            return
        self.sink.write("%!(EXTRA ")
        for number, value in enumerate(rest):
            self.sink.write(", " if number else "")
            if value is not None and value is not ABSENT:
                self.sink.write(f"{type_name(value)}=")
            self.sink.write(show(value))
        self.sink.write(")")
