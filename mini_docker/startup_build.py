"""Compile the engine's modules into the one file that the command starts from: startup_modules.py.

    python -m mini_docker.startup_build

scripts/setup calls it. It does nothing if the file holds just the sources that there are.
"""

from __future__ import annotations

import ast
import marshal
import os
import sys
from importlib.util import find_spec

from mini_docker.startup_modules import DIGITS, FILE, LENGTH, read_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_docker.startup_modules import Compiled, Head

REPO = os.path.dirname(os.path.dirname(__file__))
START = "mini_docker.startup_modules"
INIT = "__init__"
ALSO = ("struct",)  # modules of Python that are short, and would have to be looked for
LEFT_OUT = ("gotemplate",)  # only needed where nobody waits for milliseconds
EXTENSIONS = ("_ctypes", "_json", "resource")  # of Python, some in files of their own


def build(target: str = FILE) -> None:
    """Compile the modules of the engine and write them to *target*, in one step."""
    modules = dict(_sources())
    if _is_fresh(target, modules):
        return
    compiled = {name: _compile(file, set(modules)) for name, file in modules.items()}
    parts = [marshal.dumps(it) for it in compiled.values()]
    length, head = 0, b""
    while DIGITS + len(head) != length:  # until the places fit the length of the head
        length = DIGITS + len(head)
        head = marshal.dumps(_head(compiled, parts, length))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = f"{target}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        file.write(f"{len(head):0{DIGITS}}".encode() + head)
        file.writelines(parts)
    os.replace(temporary, target)


def _sources() -> Iterator[tuple[str, str]]:
    """Yield the modules, the engine's and ALSO: name and file."""
    for directory, folders, names in os.walk(f"{REPO}/mini_docker"):
        folders[:] = sorted(it for it in folders if it not in (*LEFT_OUT, "__pycache__"))
        package = os.path.relpath(directory, REPO).replace("/", ".")
        for name in sorted(names):
            module, end = os.path.splitext(name)
            if end == ".py":
                yield package if module == INIT else f"{package}.{module}", f"{directory}/{name}"
    for name in ALSO:
        spec = find_spec(name)
        if spec and spec.origin:
            yield name, spec.origin


def _is_fresh(target: str, modules: dict[str, str]) -> bool:
    """Say whether *target* holds just these *modules*, as they are now."""
    try:
        file = open(target, "rb")  # noqa: SIM115 - closed below
    except FileNotFoundError:
        return False
    with file:
        head = read_head(file.fileno())
        if not head or head[0] != sys.implementation.cache_tag or head[5] != _extensions():
            return False
        if head[4].keys() != modules.keys():
            return False
        for name, place in head[4].items():
            file.seek(place >> LENGTH)
            compiled: Compiled = marshal.load(file)
            if compiled[1:3] != _stamp(modules[name]):
                return False
    return True


def _stamp(file: str) -> tuple[int, int]:
    status = os.stat(file)
    return status.st_mtime_ns, status.st_size


def _head(compiled: dict[str, Compiled], parts: list[bytes], place: int) -> Head:
    """Return the head of a file in which the *parts* begin at byte *place*."""
    places = {}
    for name, part in zip(compiled, parts, strict=True):
        places[name] = place << LENGTH | len(part)
        place += len(part)
    _, changed, size, _, code = compiled[START]
    return sys.implementation.cache_tag, changed, size, code, places, _extensions()


def _extensions() -> dict[str, str]:
    """Return the files of those of EXTENSIONS that are not built into this Python."""
    found = ((name, find_spec(name)) for name in EXTENSIONS)
    return {name: it.origin for name, it in found if it and it.has_location and it.origin}


def _compile(file: str, modules: set[str]) -> Compiled:
    package = os.path.basename(file) == f"{INIT}.py"
    stamp = _stamp(file)
    with open(file, encoding="utf-8") as text:
        tree = ast.parse(text.read(), file)
    needs = tuple(dict.fromkeys(_needs(tree.body, modules)))
    # What it says about the future is for the compiler: at run time it is an import, of a file.
    tree.body = [it for it in tree.body if not _is_future(it)]
    tree = ast.fix_missing_locations(_Bare().visit(tree))
    # Docstrings are half of the text of this engine; nobody asks for them here.
    code = compile(tree, file, "exec", dont_inherit=True, optimize=2)
    return package, *stamp, needs, code


class _Bare(ast.NodeTransformer):
    """Takes the annotations out: they are text for a type checker, and take time to read."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _needs(body: list[ast.stmt], modules: set[str]) -> Iterator[str]:
    """Yield the engine's modules that the statements of *body* import, packages first."""
    for it in body:
        if isinstance(it, ast.If) and isinstance(it.test, ast.Name):  # TYPE_CHECKING
            yield from _needs(it.orelse, modules)
        names: list[str] = []
        if isinstance(it, ast.Import):
            names = [alias.name for alias in it.names]
        elif isinstance(it, ast.ImportFrom) and it.module:
            names = [it.module, *(f"{it.module}.{alias.name}" for alias in it.names)]
        for name in names:
            parts = name.split(".")
            every = (".".join(parts[:count]) for count in range(2, len(parts) + 1))
            yield from (each for each in every if each in modules)


if __name__ == "__main__":
    if "no_debug_ranges" not in sys._xoptions:  # columns of tracebacks, an eighth of the code
        words = [sys.executable, "-X", "no_debug_ranges", "-m", "mini_docker.startup_build"]
        os.execv(sys.executable, words)
    build()
