"""Apply a parsed template to data, with Go's rules and messages."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mini_docker.gotemplate import nodes
from mini_docker.gotemplate.arguments import Arguments
from mini_docker.gotemplate.printing import show
from mini_docker.gotemplate.quoting import quote
from mini_docker.gotemplate.values import ABSENT, Sink, is_true

DEEPEST = 50  # templates that call one another


class _Break(Exception):
    """{{break}} was met."""


class _Continue(Exception):
    """{{continue}} was met."""


@dataclass(slots=True)
class Scope:
    """Where a template is: its name, dot and variables, and how many called one another.

    A value is *boxed* if it is an element of a list or map: Go's messages then
    speak of its type as interface {}.
    """

    name: str
    dot: Any
    boxed: bool
    variables: list[tuple[str, Any, bool]]
    depth: int = 0


class Evaluation(Arguments):
    """One application of a template: what it has written, and how much it has worked."""

    def run(self, data: Any) -> str:
        """Return the text that the template makes of *data*."""
        self.sink = Sink()
        self.walk_all(Scope("", data, False, [("$", data, False)]), self.trees[""])
        return self.sink.text()

    def write(self, scope: Scope, text: str) -> None:
        """Append *text* to the output."""
        self.checked(scope, self.sink.write, text)

    def walk_all(self, scope: Scope, body: list[nodes.Node]) -> None:
        """Apply *body*, node by node."""
        for node in body:
            self.walk(scope, node)

    def walk(self, scope: Scope, node: nodes.Node) -> None:
        """Apply one node: write its text, or do what its word says."""
        self.node = node
        self.charge(scope, 1)
        match node:
            case nodes.Text():
                self.write(scope, node.text)
            case nodes.Action():
                value = self.pipeline(scope, node.pipeline)
                if not node.pipeline.variables:
                    self.node = node
                    self.write(scope, self.printed(scope, value))
            case nodes.Branch(word="range"):
                self.walk_range(scope, node)
            case nodes.Branch():
                self.walk_branch(scope, node)
            case nodes.Call():
                self.walk_call(scope, node)
            case nodes.Jump():
                raise _Break if node.word == "break" else _Continue

    def printed(self, scope: Scope, value: Any) -> str:
        """Return *value* as an action prints it."""
        if value is ABSENT or value is None:
            return "<no value>"
        return str(self.checked(scope, show, value))

    def walk_branch(self, scope: Scope, node: nodes.Branch) -> None:
        """Apply if or with; with makes its value the dot of its body."""
        mark = len(scope.variables)
        value = self.pipeline(scope, node.pipeline)
        if is_true(value):
            dot, boxed = scope.dot, scope.boxed
            if node.word == "with":
                scope.dot, scope.boxed = value, False
            self.walk_all(scope, node.body)
            scope.dot, scope.boxed = dot, boxed
        elif node.otherwise is not None:
            self.walk_all(scope, node.otherwise)
        del scope.variables[mark:]

    def walk_range(self, scope: Scope, node: nodes.Branch) -> None:
        """Apply the body to each element of a list, map (in order) or number."""
        mark = len(scope.variables)
        value = self.pipeline(scope, node.pipeline)
        top = len(scope.variables)
        dot, boxed = scope.dot, scope.boxed
        empty = True
        try:
            for key, element, is_boxed in self.elements(scope, value, node.pipeline):
                empty = False
                self.charge(scope, 1)
                self.bind(scope, node.pipeline, key, element, is_boxed)
                scope.dot, scope.boxed = element, is_boxed
                with suppress(_Continue):
                    self.walk_all(scope, node.body)
                del scope.variables[top:]
        except _Break:
            pass
        scope.dot, scope.boxed = dot, boxed
        if empty and node.otherwise is not None:
            self.walk_all(scope, node.otherwise)
        del scope.variables[mark:]

    def elements(self, scope: Scope, value: Any, pipeline: nodes.Pipeline) -> Any:
        """Return key, element and whether it is boxed, for all that *value* holds."""
        if isinstance(value, dict):
            return ((key, value[key], True) for key in sorted(value, key=str))
        if isinstance(value, list | tuple):
            return ((at, element, True) for at, element in enumerate(value))
        if value is None or value is ABSENT:
            return ()
        if isinstance(value, int) and not isinstance(value, bool):
            if len(pipeline.variables) > 1:
                raise self.error(scope, f"can't use {value} to iterate over more than one variable")
            return ((ABSENT, at, False) for at in range(value))
        raise self.error(scope, f"range can't iterate over {show(value)}")

    def bind(
        self, scope: Scope, pipeline: nodes.Pipeline, key: Any, element: Any, boxed: bool
    ) -> None:
        """Give the variables of range the present key and element."""
        values = [(key, False), (element, boxed)][-len(pipeline.variables) :]
        for at, (name, (value, box)) in enumerate(
            zip(pipeline.variables, values, strict=False), -len(pipeline.variables)
        ):
            if pipeline.assigns:
                self.assign(scope, name, value, box)
            else:
                scope.variables[at] = (name, value, box)

    def walk_call(self, scope: Scope, node: nodes.Call) -> None:
        """Apply another template; it sees none of our variables."""
        body = self.trees.get(node.name)
        if body is None:
            raise self.error(scope, f"template {quote(node.name)} not defined")
        if scope.depth == DEEPEST:
            raise self.error(scope, f"exceeded maximum template depth ({DEEPEST})")
        dot = ABSENT if node.pipeline is None else self.pipeline(scope, node.pipeline)
        inner = Scope(node.name, dot, False, [("$", dot, False)], scope.depth + 1)
        self.walk_all(inner, body)
