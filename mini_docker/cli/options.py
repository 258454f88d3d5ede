"""The command line's flags, read by the rules of the docker command (pflag).

A Command is a table of Flags. parse() reads a list of words with it:

    --name=value  --name value  -n value  -nvalue  -n=value  -it  --rm=false  --

A flag that takes no value is a bool; ``--rm=false`` turns it off again. A list
flag collects, every other flag keeps its last value. In ``run`` and ``exec``
the first word that is no flag ends the flags (interspersed=False): the rest
belongs to the container's command.

This module is on the path of every command: it imports nothing but the kinds,
and those import what a flag needs when the flag is given.
"""

from __future__ import annotations

from mini_docker.cli import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from mini_docker.errors import FlagError


class Flag:
    """One flag of a command.

    *name* is the long name without dashes; "network,net" adds the hidden alias
    --net. *kind* is a name of kinds.KINDS; *metavar* what the help shows for the
    value (the kind's word unless given); *default* the value when the flag is not
    given (the kind's zero unless given). A flag without *help* is hidden.
    """

    __slots__ = ("aliases", "default", "help", "kind", "metavar", "name", "short")

    def __init__(
        self,
        name: str,
        short: str = "",
        kind: str = "bool",
        metavar: str = "",
        default: Any = None,
        help: str = "",
    ) -> None:
        self.name, *self.aliases = name.split(",")
        self.short = short
        self.kind = kind
        self.metavar = metavar
        self.default = default
        self.help = help

    def shown(self) -> str:
        """Return the flag as messages show it: ``-m, --memory`` or ``--name``."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Command:
    """One command: its words, flags, number of arguments and handler.

    *name* is "run" or "image bootstrap"; *usage* the line of its help; *handler*
    "module:function", imported when the command runs. The keywords of *shape* are
    minimum (0), maximum (None: any number) and interspersed (True).
    """

    __slots__ = (
        "flags", "handler", "interspersed", "maximum", "minimum", "name", "summary", "usage",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        summary: str,
        usage: str,
        flags: Sequence[Flag] = (),
        handler: str = "",
        **shape: int | None,
    ) -> None:
        self.name = name
        self.summary = summary
        self.usage = usage
        self.flags = tuple(flags)
        self.handler = handler
        self.minimum: int = shape.pop("minimum", 0) or 0
        self.maximum: int | None = shape.pop("maximum", None)
        self.interspersed = bool(shape.pop("interspersed", True))
        if shape:
            raise TypeError(f"Command {name!r} has no field {', '.join(shape)}")

    def words(self) -> str:
        """Return the command as it is typed: ``mini-docker run``."""
        return f"mini-docker {self.name}" if self.name else "mini-docker"


class Values:
    """What the command line said: an attribute per flag, and three more.

    ``values.memory_swap`` is --memory-swap, converted, or its default.
    ``values.arguments`` are the words that are no flags, ``values.given`` the names
    of the flags that were typed, and ``values.help`` says that --help was: then
    nothing else counts.
    """

    arguments: list[str]
    given: set[str]
    help: bool

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def parse(command: Command, words: Sequence[str]) -> Values:
    """Read *words*, the command line after the command's name, into Values.

    Raises FlagError in docker's words, in one line, for an unknown flag, a value that
    its kind refuses or a missing one; CommandLineError for a wrong number of arguments.
    """
    reader = _Reader(command, words)
    values = reader.read()
    if not values.help:
        count = len(values.arguments)
        if count < command.minimum or (command.maximum is not None and count > command.maximum):
            from mini_docker.cli.refusals import miscount

            raise miscount(command)
    for flag in command.flags:
        attribute = flag.name.replace("-", "_")
        if flag.name not in values.given:
            default = kinds.zero(flag.kind) if flag.default is None else flag.default
            setattr(values, attribute, list(default) if isinstance(default, list) else default)
    return values


class _Reader:
    """The words of one command line, and how far they have been read."""

    __slots__ = ("command", "long", "next", "short", "values", "words")

    def __init__(self, command: Command, words: Sequence[str]) -> None:
        self.command = command
        self.words = list(words)
        self.next = 0
        self.values = Values()
        self.values.arguments = []
        self.values.given = set()
        self.values.help = False
        self.long = {name: f for f in command.flags for name in (f.name, *f.aliases)}
        self.short = {f.short: f for f in command.flags if f.short}

    def read(self) -> Values:
        """Read all words; flags are set, and the others collected in arguments."""
        words, arguments = self.words, self.values.arguments
        while self.next < len(words) and not self.values.help:
            word = words[self.next]
            self.next += 1
            if word == "--":
                break
            if word[:1] != "-" or word == "-":
                arguments.append(word)
                if not self.command.interspersed:
                    break
            elif word[1] == "-":
                self.read_long(word)
            else:
                self.read_short(word[1:])
        arguments.extend(words[self.next :])
        return self.values

    def read_long(self, word: str) -> None:
        """Read ``--name``, ``--name=value`` or ``--name value``."""
        name, equals, value = word[2:].partition("=")
        if not name or name[0] == "-":
            raise self.refusal(f"bad flag syntax: {word}")
        flag = self.long.get(name)
        if flag is None:
            if name != "help":
                from mini_docker.cli.refusals import unknown

                raise unknown(self.command, name)
            self.values.help = True
            return
        if not equals:
            value = "true" if flag.kind == "bool" else self.take(word)
        self.set(flag, value)

    def read_short(self, letters: str) -> None:
        """Read ``-it``, ``-nvalue``, ``-n=value`` or ``-n value``; *letters* have no dash."""
        while letters:
            letter, rest = letters[0], letters[1:]
            flag = self.short.get(letter)
            if flag is None:
                if letter != "h":
                    from mini_docker.cli import refusals

                    raise refusals.unknown_short(self.command, letter + rest)
                self.values.help = True
                return
            letters = ""
            if rest[:1] == "=" and len(rest) > 1:
                value = rest[1:]
            elif flag.kind == "bool":
                value, letters = "true", rest
            else:
                value = rest or self.take(f"'{letter}' in -{letter}{rest}")
            self.set(flag, value)

    def take(self, asker: str) -> str:
        """Return the next word as the value of the flag *asker*."""
        if self.next >= len(self.words):
            raise self.refusal(f"flag needs an argument: {asker}")
        self.next += 1
        return self.words[self.next - 1]

    def set(self, flag: Flag, text: str) -> None:
        """Convert *text* by the flag's kind and note it; a list flag appends."""
        try:
            value = kinds.convert(flag.kind, text)
        except ValueError as error:
            from mini_docker.gotemplate.quoting import quote

            shown = f'invalid argument {quote(text)} for "{flag.shown()}" flag: {error}'
            raise self.refusal(shown) from None
        attribute = flag.name.replace("-", "_")
        if not kinds.collects(flag.kind):
            setattr(self.values, attribute, value)
        elif flag.name in self.values.given:
            getattr(self.values, attribute).append(value)
        else:
            setattr(self.values, attribute, [value])
        self.values.given.add(flag.name)

    def refusal(self, message: str) -> FlagError:
        """Return a FlagError with *message* in one printable line, and where the help is."""
        from mini_docker.cli.refusals import refusal

        return refusal(self.command, message)
