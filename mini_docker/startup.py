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

    Entry = tuple[str, bool, int, int, bytes]  # file, is a package, mtime in ns, size, code

PACKAGE = os.path.dirname(__file__)
FILE = f"{os.path.dirname(PACKAGE)}/bin/modules"
LEFT_OUT = ("gotemplate",)  # only needed where nobody waits for milliseconds


class Modules:
    """A finder and loader (importlib) of modules from the table that build() wrote."""

    def __init__(self, table: dict[str, Entry]) -> None:
        self.table = table

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> object:
        """Return the spec of module *name* if it is in the table and not out of date."""
        entry = self.table.get(name)
        if entry is None:
            return None
        file, package, changed, size, _ = entry
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
        exec(marshal.loads(self.table[module.__name__][4]), module.__dict__)


def main() -> NoReturn:
    """Run the command line, and end at once: the kernel cleans up faster than Python."""
    import gc

    # A command makes little garbage and lives for milliseconds; live views switch it on.
    gc.disable()
    _use_modules()
    from mini_docker.cli.main import main as run

    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 141
    os._exit(code)


def _use_modules() -> None:
    """Import from the file of build() where it is there, fits, and no student's module may run."""
    if "mini_docker.swap" in sys.modules:  # a progress file: the loader decides
        return
    try:
        with open(FILE, "rb", buffering=0) as file:
            tag, table = marshal.loads(file.readall())
    except (FileNotFoundError, ValueError, EOFError, TypeError):
        return
    if tag == sys.implementation.cache_tag:
        sys.meta_path.insert(0, Modules(table))  # type: ignore[arg-type]


def build(target: str = FILE) -> None:
    """Compile the modules of the engine and write them to *target*, in one step."""
    files = list(_sources())
    if _is_fresh(target, files):
        return
    table = dict(_compile(file) for file in files)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = f"{target}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        file.write(marshal.dumps((sys.implementation.cache_tag, table)))
    os.replace(temporary, target)


def _sources() -> Iterator[str]:
    """Yield the files of the engine's modules."""
    for directory, folders, names in os.walk(PACKAGE):
        folders[:] = [name for name in folders if name not in (*LEFT_OUT, "__pycache__")]
        yield from (f"{directory}/{name}" for name in names if name.endswith(".py"))


def _is_fresh(target: str, files: list[str]) -> bool:
    """Say whether *target* holds just these *files*, as they are now."""
    try:
        with open(target, "rb") as file:
            tag, table = marshal.loads(file.read())
    except (FileNotFoundError, ValueError, EOFError, TypeError):
        return False
    has = {entry[0]: entry[2:4] for entry in table.values()}
    now = {file: ((found := os.stat(file)).st_mtime_ns, found.st_size) for file in files}
    return bool(tag == sys.implementation.cache_tag and has == now)


def _compile(file: str) -> tuple[str, Entry]:
    parts = os.path.relpath(file, os.path.dirname(PACKAGE)).removesuffix(".py").split("/")
    package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if package else parts)
    status = os.stat(file)
    with open(file, encoding="utf-8") as source:
        # Docstrings are half of the text of this engine; nobody asks for them here.
        code = compile(source.read(), file, "exec", dont_inherit=True, optimize=2)
    return name, (file, package, status.st_mtime_ns, status.st_size, marshal.dumps(code))


if __name__ == "__main__":
    build()
