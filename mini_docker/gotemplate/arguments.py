"""Evaluate what stands in an action: pipelines, fields, variables and calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mini_docker.gotemplate import calls, nodes
from mini_docker.gotemplate.errors import TemplateError
from mini_docker.gotemplate.quoting import quote
from mini_docker.gotemplate.values import (
    ABSENT,
    Method,
    NilPointer,
    Record,
    Struct,
    is_true,
    type_name,
)

if TYPE_CHECKING:
    from mini_docker.gotemplate.evaluation import Scope

LONGEST_WORK = 500_000  # nodes visited, and 64ths of the texts handed to functions
_NOTHING: Any = object()  # no value came from the command before


class Arguments:
    """The values of a template's words; Evaluation adds what it writes."""

    def __init__(
        self,
        text: str,
        trees: dict[str, list[nodes.Node]],
        functions: dict[str, Method],
        strict: bool,
    ) -> None:
        self.source = text
        self.trees = trees
        self.functions = functions
        self.strict = strict
        self.node: nodes.Node | None = None  # what an error is about
        self.work = 0

    def error(self, scope: Scope, message: str) -> TemplateError:
        """Return an error with *message* that names the node at hand and its place."""
        at = self.node.at if self.node else 0
        before = self.source[:at]
        line = 1 + before.count("\n")
        column = len(before[before.rfind("\n") + 1 :].encode("utf-8", "surrogatepass"))
        return TemplateError(
            f"template: :{line}:{column}: executing {quote(scope.name)} at <{self.node}>: {message}"
        )

    def charge(self, scope: Scope, work: int) -> None:
        """Count *work*; an error once the template has done more than it may."""
        self.work += work
        if self.work > LONGEST_WORK:
            raise self.error(scope, "the template does not come to an end")

    # --- pipelines and variables ------------------------------------------------

    def pipeline(self, scope: Scope, node: nodes.Pipeline) -> Any:
        """Return the value of the last command, and note it in the variables declared."""
        self.node = node
        value: Any = _NOTHING
        for command in node.commands:
            value = self.command(scope, command, value)
            if value is None:
                value = ABSENT
        for name in node.variables:
            if node.assigns:
                self.assign(scope, name, value, False)
            else:
                scope.variables.append((name, value, False))
        return value

    def assign(self, scope: Scope, name: str, value: Any, boxed: bool) -> None:
        """Give the variable *name*, which was declared before, another value."""
        for at in range(len(scope.variables) - 1, -1, -1):
            if scope.variables[at][0] == name:
                scope.variables[at] = (name, value, boxed)
                return
        raise self.error(scope, f"undefined variable: {name}")

    def command(self, scope: Scope, node: nodes.Command, last: Any) -> Any:
        """Return the value of one command; *last* is that of the command before."""
        self.charge(scope, 1)
        first = node.words[0]
        has_arguments = len(node.words) > 1 or last is not _NOTHING
        if isinstance(first, nodes.Function):
            self.node = first
            return self.call(scope, first, self.functions[first.name], node, last)
        if isinstance(first, nodes.Field | nodes.Chain | nodes.Variable):
            return self.fields(scope, first, node, last)
        if not isinstance(first, nodes.Pipeline):
            self.node = first
        if has_arguments:
            raise self.error(scope, f"can't give argument to non-function {first}")
        if isinstance(first, nodes.Nil):
            raise self.error(scope, "nil is not a command")
        return self.operand(scope, first)

    def operand(self, scope: Scope, node: nodes.Node) -> Any:
        """Return the value of one word that takes no arguments."""
        match node:
            case nodes.Dot():
                self.node = node
                return scope.dot
            case nodes.Constant():
                self.node = node
                if isinstance(node.value, int) and node.value >= 1 << 63:
                    raise self.error(scope, f"{node} overflows int")
                return node.value
            case nodes.Nil():
                self.node = node
                return None
            case nodes.Pipeline():
                return self.pipeline(scope, node)
            case nodes.Function():
                self.node = node
                only = nodes.Command(node.at, [node])
                return self.call(scope, node, self.functions[node.name], only, _NOTHING)
        return self.fields(scope, node, nodes.Command(node.at, [node]), _NOTHING)

    # --- fields -----------------------------------------------------------------

    def fields(self, scope: Scope, node: nodes.Node, command: nodes.Command, last: Any) -> Any:
        """Return the value of .A.B, $x.A.B or (...).A.B; the last field may take arguments."""
        self.node = node
        if isinstance(node, nodes.Variable):
            value, boxed = self.variable(scope, node.names[0])
            names = node.names[1:]
            if not names and (len(command.words) > 1 or last is not _NOTHING):
                raise self.error(scope, f"can't give argument to non-function {node}")
        elif isinstance(node, nodes.Chain):
            value, boxed, names = self.operand(scope, node.node), False, node.names
            if isinstance(node.node, nodes.Nil):
                raise self.error(scope, f"indirection through explicit nil in {node}")
        else:
            assert isinstance(node, nodes.Field)
            value, boxed, names = scope.dot, scope.boxed, node.names
        for name in names[:-1]:
            only = nodes.Command(node.at, [node])
            value = self.field(scope, (value, boxed), name, only, _NOTHING)
            boxed = True
        if names:
            return self.field(scope, (value, boxed), names[-1], command, last)
        return value

    def variable(self, scope: Scope, name: str) -> tuple[Any, bool]:
        """Return the value of the variable *name*, and whether it is boxed."""
        for known, value, boxed in reversed(scope.variables):
            if known == name:
                return value, boxed
        raise self.error(scope, f"undefined variable: {name}")

    def field(
        self, scope: Scope, owner: tuple[Any, bool], name: str, node: nodes.Command, last: Any
    ) -> Any:
        """Return the field *name* of *owner*, a value and whether it is boxed."""
        value, boxed = owner
        if value is ABSENT:
            if self.strict:
                raise self.error(scope, f"nil data; no entry for key {quote(name)}")
            return ABSENT
        if value is None:
            raise self.error(scope, f"nil pointer evaluating interface {{}}.{name}")
        if isinstance(value, NilPointer):
            raise self.error(scope, value.refusal(name))
        if isinstance(value, dict) and isinstance(value.get(name), Method):
            return self.call(scope, nodes.Function(node.at, name), value[name], node, last)
        if isinstance(value, dict) and (name in value or not isinstance(value, Struct)):
            return self.entry(scope, value, name, len(node.words) > 1 or last is not _NOTHING)
        type = "interface {}" if boxed else type_name(value)
        raise self.error(scope, f"can't evaluate field {name} in type {type}")

    def entry(self, scope: Scope, value: dict[str, Any], name: str, has_arguments: bool) -> Any:
        """Return value[name]; what a map does not have is ABSENT, or an error in strict mode."""
        if has_arguments:
            what = (
                "has arguments but cannot be invoked as function"
                if isinstance(value, Struct)
                else "is not a method but has arguments"
            )
            raise self.error(scope, f"{name} {what}")
        if name in value:
            return value[name]
        if isinstance(value, Record) and name in value.empty:
            return value.empty[name]
        if self.strict:
            raise self.error(scope, f"map has no entry for key {quote(name)}")
        return ABSENT

    # --- calls ------------------------------------------------------------------

    def call(
        self, scope: Scope, name: nodes.Function, method: Method, node: nodes.Command, last: Any
    ) -> Any:
        """Call *method* with the command's other words and the value before it."""
        words = node.words[1:]
        piped = last is not _NOTHING
        self.checked(scope, calls.check_count, name.name, method, len(words), piped)
        if self.functions.get(name.name) is method and name.name in ("and", "or"):
            return self.short_circuit(scope, name.name == "or", words, last)
        values = [self.argument(scope, _kind(method, at), word) for at, word in enumerate(words)]
        if piped:
            values.append(self.checked(scope, calls.fitting, _kind(method, len(words)), last))
        try:
            value = method.function(*values)
        except ValueError as error:
            self.node = node
            raise self.error(scope, f"error calling {name}: {error}") from None
        for made in (*values, value):
            if isinstance(made, str | list):
                self.charge(scope, len(made) >> 6)
        return value

    def short_circuit(self, scope: Scope, wanted: bool, words: list[nodes.Node], last: Any) -> Any:
        """Return the first word whose truth is *wanted*, or the last one."""
        value: Any = ABSENT
        for word in words:
            value = self.argument(scope, "value", word)
            if is_true(value) == wanted:
                return value
        return value if last is _NOTHING else last

    def argument(self, scope: Scope, kind: str, node: nodes.Node) -> Any:
        """Return the value of the argument *node* for a parameter of *kind*."""
        self.node = node
        if isinstance(node, nodes.Constant) and kind in ("string", "int", "[]string"):
            return self.checked(scope, calls.constant, kind, node)
        if isinstance(node, nodes.Nil):
            if kind in ("string", "int"):
                raise self.error(scope, f"cannot assign nil to {kind}")
            return [] if kind == "[]string" else ABSENT
        return self.checked(scope, calls.fitting, kind, self.operand(scope, node))

    def checked(self, scope: Scope, check: Callable[..., Any], *values: Any) -> Any:
        """Return check(*values), and make its ValueError an error of the node at hand."""
        try:
            return check(*values)
        except ValueError as error:
            raise self.error(scope, str(error)) from None


def _kind(method: Method, at: int) -> str:
    """Return the kind of the method's argument number *at*."""
    return method.kinds[min(at, len(method.kinds) - 1)]
