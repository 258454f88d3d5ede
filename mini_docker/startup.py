"""Start the command quickly: the engine's modules out of one file, and no slow goodbye.

An import looks for a file, compares two time stamps, opens, reads and closes, and most of
that is Python code: a tenth of a millisecond each, for the fifty modules of a ``run``.
build() puts the compiled modules into one file, ``bin/modules``; from there an import
costs a look into a table. A module whose source has changed since, or that a student has
replaced, is imported as ever: the file makes nothing different, only faster.

``bin/mini-docker`` calls main(); scripts/setup calls ``python -m mini_docker.startup``.
"""

from __future__ import annotations

import marshal
import os
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import NoReturn

    # source file, is a package, its mtime in ns and size; where its code is in FILE, and how long
    Entry = tuple[str, bool, int, int, int, int]
    Compiled = tuple[str, tuple[str, bool, int, int], bytes]

PACKAGE = os.path.dirname(__file__)
FILE = f"{os.path.dirname(PACKAGE)}/bin/modules"
DIGITS = 8
LEFT_OUT = ("gotemplate",)  # only needed where nobody waits for milliseconds


class Modules:
    """A finder and loader (importlib) of modules from the table that build() wrote."""

    def __init__(self, table: dict[str, Entry], descriptor: int) -> None:
        self.table = table
        self.descriptor = descriptor  # open on FILE, as long as the process lives

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> object:
        """Return the spec of module *name* if it is in the table and not out of date."""
        entry = self.table.get(name)
        if entry is None:
            return None
        file, package, changed, size = entry[:4]
        now = os.stat(file)
        if now.st_mtime_ns != changed or now.st_size != size:
            return None
        spec = ModuleSpec(name, self, origin=file, is_package=package)  # type: ignore[arg-type]
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        return spec

    def create_module(self, _spec: object) -> None:
        """Let Python make an empty module, as it does by itself."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it."""
        start, length = self.table[module.__name__][4:]
        exec(marshal.loads(os.pread(self.descriptor, length, start)), module.__dict__)


def main() -> NoReturn:
    """Run the command line, and end at once: the kernel cleans up faster than Python."""
    import gc

    # A command makes little garbage and lives for milliseconds; live views switch it on.
    gc.disable()
    open_streams()
    _use_modules()
    from mini_docker.cli.main import main as run

    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 141
    os._exit(code)


def open_streams() -> None:
    """Put /dev/null where the caller has closed a standard stream ("<&-" in a shell).

    Otherwise the first file that we open would get its number, and pass for it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:  # Python found no open file of that number
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _use_modules() -> None:
    """Import from the file of build() where it is there, fits, and no student's module may run."""
    if "mini_docker.swap" in sys.modules:  # a progress file: the loader decides
        return
    try:
        descriptor = os.open(FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    tag, table = _read_table(descriptor)
    if tag == sys.implementation.cache_tag:
        sys.meta_path.insert(0, Modules(table, descriptor))  # type: ignore[arg-type]


def _read_table(descriptor: int) -> tuple[str, dict[str, Entry]]:
    """Return the tag of the Python that the file is for, and its table; ("", {}) if it is none.

    The file: eight digits, the length of the table; the table; the modules' code.
    """
    try:
        length = int(os.pread(descriptor, DIGITS, 0))
        tag, table = marshal.loads(os.pread(descriptor, length, DIGITS))
    except (ValueError, EOFError, TypeError):
        return "", {}
    return tag, table


def build(target: str = FILE) -> None:
    """Compile the modules of the engine and write them to *target*, in one step."""
    files = list(_sources())
    if _is_fresh(target, files):
        return
    compiled = [_compile(file) for file in files]
    length, table = 0, b""
    while DIGITS + len(table) != length:  # until the places fit the length of the table
        length = DIGITS + len(table)
        table = marshal.dumps((sys.implementation.cache_tag, _places(compiled, length)))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = f"{target}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        file.write(f"{len(table):0{DIGITS}}".encode() + table)
        file.writelines(code for _, _, code in compiled)
    os.replace(temporary, target)


def _sources() -> Iterator[str]:
    """Yield the files of the engine's modules."""
    for directory, folders, names in os.walk(PACKAGE):
        folders[:] = [name for name in folders if name not in (*LEFT_OUT, "__pycache__")]
        yield from (f"{directory}/{name}" for name in names if name.endswith(".py"))


def _is_fresh(target: str, files: list[str]) -> bool:
    """Say whether *target* holds just these *files*, as they are now."""
    try:
        descriptor = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    tag, table = _read_table(descriptor)
    os.close(descriptor)
    has = {entry[0]: entry[2:4] for entry in table.values()}
    now = {file: ((found := os.stat(file)).st_mtime_ns, found.st_size) for file in files}
    return bool(tag == sys.implementation.cache_tag and has == now)


def _places(compiled: list[Compiled], start: int) -> dict[str, Entry]:
    """Return the table of *compiled* modules, the first of which is at byte *start*."""
    table = {}
    for name, facts, code in compiled:
        table[name] = (*facts, start, len(code))
        start += len(code)
    return table


def _compile(file: str) -> Compiled:
    parts = os.path.relpath(file, os.path.dirname(PACKAGE)).removesuffix(".py").split("/")
    package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if package else parts)
    status = os.stat(file)
    with open(file, encoding="utf-8") as source:
        # Docstrings are half of the text of this engine; nobody asks for them here.
        code = compile(source.read(), file, "exec", dont_inherit=True, optimize=2)
    facts = (file, package, status.st_mtime_ns, status.st_size)
    return name, facts, marshal.dumps(code)


if __name__ == "__main__":
    build()
