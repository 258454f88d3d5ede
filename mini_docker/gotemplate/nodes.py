"""The tree of a template; str() of a node is what Go's messages show of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mini_docker.gotemplate.quoting import quote


@dataclass(slots=True)
class Node:
    """A part of the tree; *at* is where it starts in the template's text."""

    at: int


@dataclass(slots=True)
class Text(Node):
    """What stands outside of actions; it is written as it is."""

    text: str

    def __str__(self) -> str:
        return quote(self.text[:20])


@dataclass(slots=True)
class Dot(Node):
    """``.``, the value at hand."""

    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Nil(Node):
    """``nil``, which only comparisons take."""

    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Constant(Node):
    """A bool, a string or a number: its value, and how it is spelled."""

    value: bool | str | int | float
    spelling: str

    def __str__(self) -> str:
        return self.spelling


@dataclass(slots=True)
class Function(Node):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Field(Node):
    """``.A.B``"""

    names: list[str]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Variable(Node):
    """``$x.A.B``; the first name has its dollar sign."""

    names: list[str]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class Chain(Node):
    """Fields of something in parentheses, or of what a function returns."""

    node: Node
    names: list[str]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipeline) else str(self.node)
        return inner + "".join(f".{name}" for name in self.names)


@dataclass(slots=True)
class Command(Node):
    """A function or operand with its arguments."""

    words: list[Node]

    def __str__(self) -> str:
        return " ".join(f"({w})" if isinstance(w, Pipeline) else str(w) for w in self.words)


@dataclass(slots=True)
class Pipeline(Node):
    """Commands, each one's value being the next one's last argument; and declarations."""

    variables: list[str] = field(default_factory=list)
    assigns: bool = False
    commands: list[Command] = field(default_factory=list)

    def __str__(self) -> str:
        text = " | ".join(str(command) for command in self.commands)
        if self.variables:
            text = ", ".join(self.variables) + (" = " if self.assigns else " := ") + text
        return text


@dataclass(slots=True)
class Action(Node):
    """``{{pipeline}}``, whose value is written unless it is given to variables."""

    pipeline: Pipeline

    def __str__(self) -> str:
        return f"{{{{{self.pipeline}}}}}"


@dataclass(slots=True)
class Branch(Node):
    """if, with or range: the word says which."""

    word: str
    pipeline: Pipeline
    body: list[Node]
    otherwise: list[Node] | None

    def __str__(self) -> str:
        return f"{{{{{self.word} {self.pipeline}}}}}"


@dataclass(slots=True)
class Call(Node):
    """``{{template "name" pipeline}}``"""

    name: str
    pipeline: Pipeline | None

    def __str__(self) -> str:
        rest = "" if self.pipeline is None else f" {self.pipeline}"
        return f"{{{{template {quote(self.name)}{rest}}}}}"


@dataclass(slots=True)
class Jump(Node):
    """break or continue, inside of range; and while parsing the words end and else."""

    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"
