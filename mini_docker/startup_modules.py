"""The engine's modules out of one file: for a command, and for a monitor, that starts quickly.

An import looks for a file, compares two time stamps, opens, reads and closes, and most of
that is Python code: a tenth of a millisecond each, for the ninety modules of a ``run``.
startup_build puts the compiled modules into one file, ``bin/modules``, this one first. From
there a module costs a look into a table; what it imports at its top is made ready before it,
without a detour through Python's import system. A module whose source has changed since is
imported as ever, and a student's modules all are: the file makes nothing different, only
faster.
"""

from __future__ import annotations

import _thread
import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import ExtensionFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType

    # is a package; source's mtime in ns and size; the engine's modules imported at its top; code
    Compiled = tuple[bool, int, int, tuple[str, ...], CodeType]
    # cache tag; mtime in ns and size of this file, its code; where each module is in the file
    # and how long, START << LENGTH | length; the files of Python's extension modules
    Head = tuple[str, int, int, CodeType, dict[str, int], dict[str, str]]

FILE = __file__.rpartition("/mini_docker/")[0] + "/bin/modules"
DIGITS = 8
LENGTH = 24  # bits for the length of a module
Module = type(sys)


class Modules:
    """A finder and loader (importlib) of modules from the file that startup_build wrote."""

    __slots__ = ("descriptor", "extensions", "file", "found", "places")

    def __init__(self, head: Head, descriptor: int) -> None:
        self.places, self.extensions = head[4:]
        self.descriptor = descriptor  # open on the file, until somebody closes all that is open
        self.file = _identity(descriptor)
        self.found: dict[str, Compiled] = {}  # what exec_module() has to do yet

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> object:
        """Return the spec of module *name* if it is in the file and not out of date."""
        place = self.places.get(name)
        if place is None:
            return self._extension(name) if name in self.extensions else None
        if _identity(self.descriptor) != self.file:
            return None  # the number may be another file's now, and that hostile
        data = posix.pread(self.descriptor, place & (1 << LENGTH) - 1, place >> LENGTH)
        self.found[name] = it = marshal.loads(data)
        file = it[4].co_filename
        try:
            now = posix.stat(file)
        except FileNotFoundError:
            return None
        if now.st_mtime_ns != it[1] or now.st_size != it[2]:
            return None
        spec = ModuleSpec(name, self, origin=file, is_package=it[0])  # type: ignore[arg-type]
        spec.has_location = True
        if it[0]:
            spec.submodule_search_locations = [file.rpartition("/")[0]]
        return spec

    def create_module(self, _spec: object) -> None:
        """Let Python make an empty module, as it does by itself."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it, after that of the modules at its top."""
        needs, code = self.found.pop(module.__name__)[3:]
        # With several threads Python has to see to it that none gets another's half a module.
        for name in needs if not _thread._count() else ():
            if name not in sys.modules:
                self._make(name)
        exec(code, module.__dict__)

    def _make(self, name: str) -> None:
        """Import the engine's module *name*, whose package is there, as Python would."""
        spec = self.find_spec(name)
        if spec is None:
            __import__(name)
            return
        module = Module(name)
        module.__spec__, module.__loader__ = spec, self  # type: ignore[assignment]
        module.__file__, module.__package__ = spec.origin, spec.parent  # type: ignore[attr-defined]
        if spec.submodule_search_locations:  # type: ignore[attr-defined]
            module.__path__ = spec.submodule_search_locations  # type: ignore[attr-defined]
        sys.modules[name] = module
        try:
            self.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        package, _, last = name.rpartition(".")
        setattr(sys.modules[package], last, module)

    def _extension(self, name: str) -> object:
        file = self.extensions[name]
        try:
            posix.stat(file)
        except FileNotFoundError:  # another Python since: it knows where to look
            return None
        return ModuleSpec(name, ExtensionFileLoader(name, file), origin=file)


def _identity(descriptor: int) -> tuple[int, int]:
    try:
        found = posix.fstat(descriptor)
    except OSError:
        return -1, -1
    return found.st_dev, found.st_ino


def use_modules(head: Head | None = None, descriptor: int = -1) -> None:
    """Import from the file of startup_build where it fits, and no student's module may run."""
    while 0 <= descriptor <= 2:  # the number of a standard stream that the caller has closed
        descriptor = posix.dup(descriptor)
    if head is None:
        try:
            descriptor = posix.open(FILE, posix.O_RDONLY | posix.O_CLOEXEC)
        except FileNotFoundError:
            return
        head = read_head(descriptor)
    if head and head[0] == sys.implementation.cache_tag:
        finder = Modules(head, descriptor)
        sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
        import mini_docker  # noqa: F401

        if "mini_docker.swap" in sys.modules:  # a progress file: its loader decides
            sys.meta_path.remove(finder)  # type: ignore[arg-type]


def read_head(descriptor: int) -> Head | None:
    """Return what the file of modules begins with; None if it is no such file.

    The file: eight digits, the length of the head; the head; the modules' code. marshal.
    """
    try:
        length = int(posix.pread(descriptor, DIGITS, 0))
        head: Head = marshal.loads(posix.pread(descriptor, length, DIGITS))
        return head if len(head) == 6 else None
    except (ValueError, EOFError, TypeError):
        return None
