"""Find a definition in a Python file by its name, as lines: what the course quotes and cuts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Named = Definition | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Symbol:
    """A definition in a file, as line numbers counted from 0.

    lines[start:doc] is its signature, with any decorators; lines[doc:body] its
    docstring; lines[body:end] its code, with the comments in and after it. A
    constant has no signature and no docstring, and the comment above it belongs to it.
    """

    name: str
    lines: list[str]
    start: int
    doc: int
    body: int
    end: int

    @property
    def contract(self) -> list[str]:
        """Signature and docstring."""
        return self.lines[self.start : self.body]

    @property
    def code(self) -> list[str]:
        """Everything but the docstring."""
        return self.lines[self.start : self.doc] + self.lines[self.body : self.end]

    @property
    def whole(self) -> list[str]:
        return self.lines[self.start : self.end]


def find(path: Path, name: str) -> Symbol:
    """Return the definition called *name*, such as "Cgroup.add" or "LIMIT", in *path*.

    Raises LookupError, naming the file, if there is none, or more than one.
    """
    if not path.is_file():
        raise LookupError(f"there is no file {path} to find {name} in")
    text = path.read_text()
    lines = text.splitlines()
    scope: ast.AST = ast.parse(text, str(path))
    for part in name.split("."):
        inside = [node for node in _definitions(scope) if part in _names(node)]
        if len(inside) != 1:
            how = "does not define" if not inside else "defines more than once"
            raise LookupError(f"{path} {how} {name}")
        scope = inside[0]
    if isinstance(scope, Definition):
        return _definition(scope, name, lines)
    assert isinstance(scope, Named) and scope.end_lineno is not None
    start = scope.lineno - 1
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return Symbol(name, lines, start, start, start, scope.end_lineno)


def _definitions(scope: ast.AST) -> Iterator[Named]:
    """Yield what *scope* defines, also under an `if` or `try`, not what its functions hold."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, Named):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _definitions(node)


def _names(node: Named) -> set[str]:
    if isinstance(node, Definition):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {it.id for target in targets for it in ast.walk(target) if isinstance(it, ast.Name)}


def _definition(node: Definition, name: str, lines: list[str]) -> Symbol:
    start = min(it.lineno for it in [node, *node.decorator_list]) - 1
    first = node.body[0]
    doc = body = first.lineno - 1
    if ast.get_docstring(node) is not None:
        body = first.end_lineno or first.lineno
    else:  # the comments above the first statement are code
        while lines[doc - 1].lstrip().startswith("#"):
            doc = body = doc - 1
    assert node.end_lineno is not None
    return Symbol(name, lines, start, doc, body, _with_comments(lines, node))


def _with_comments(lines: list[str], node: Definition) -> int:
    """Return where *node* ends: ast does not count comments below the last statement."""
    assert node.end_lineno is not None
    end = node.end_lineno
    for number in range(end, len(lines)):
        line = lines[number]
        indent = len(line) - len(line.lstrip())
        if line.strip() and not (line.lstrip().startswith("#") and indent > node.col_offset):
            break
        if line.strip():
            end = number + 1
    return end
