"""Python's side of the swap: the finder that answers for topics which are not the engine's.

It stands in sys.meta_path before Python's own finders (importlib, "The import system"),
in student mode and in a grader. Then the cost of an import does not matter.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location

from mini_docker import swap
from mini_docker.errors import LockedTopic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType
    from typing import Any, NoReturn

# Commands that no broken module keeps from showing what there is, and from cleaning up.
TIDYING = ("container prune", "inspect", "kill", "ps", "rm", "wait")

_tidy = False  # one of them runs
_lent: dict[str, ModuleType] = {}  # the engine's own topics, for a command that tidies up


def tidy(command: str) -> None:
    """From now on let a module that cannot be imported be the engine's, if *command* tidies up.

    A student must always be able to see what runs, and to end and remove it.
    """
    global _tidy
    _tidy = command in TIDYING


def install() -> None:
    """Put the finder in front, once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds mini_docker.TOPIC in the file that its state asks for; in a grader also TOPIC."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, topic = name.rpartition(".")
        if (graded := swap.graded()) is not None:
            return _for_grader(name, package, topic, graded)
        if package != "mini_docker" or topic not in swap.topics():
            return None
        state = swap.state(topic)
        if swap.locked(topic):
            return ModuleSpec(name, _Locked(topic))
        file = swap.copy(topic)
        return _from_file(file, _Students(name, file)) if state in ("trying", "yours") else None


def _for_grader(
    name: str, package: str, topic: str, graded: dict[str, str | None]
) -> ModuleSpec | None:
    if topic not in graded:
        return None
    if package == "":
        return ModuleSpec(name, _Alias())
    file = graded[topic] if package == "mini_docker" else None
    return _from_file(file, _Fresh(name, file)) if file else None


def _from_file(file: str, loader: _Fresh) -> ModuleSpec | None:
    return spec_from_file_location(loader.name, file, loader=loader)


class _Fresh(SourceFileLoader):
    """Compiles the source each time: byte code counts seconds, and an edit takes less."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


class _Students(_Fresh):
    """Keeps the error of a file that cannot be imported until somebody uses the module.

    The engine imports all topics, and a command such as ps uses none.
    """

    def exec_module(self, module: ModuleType) -> None:
        try:
            super().exec_module(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            failure = error if isinstance(error, Exception) else ImportError(_text(error))
            _empty(module, failure, error)


def _text(error: BaseException) -> str:
    return f"the file ends Python: {type(error).__name__}: {error}"


def _empty(module: ModuleType, failure: Exception, error: BaseException) -> None:
    """Leave in *module* nothing but the *failure* to import it, which follows from *error*."""
    for name in [name for name in vars(module) if not _dunder(name)]:
        delattr(module, name)
    if failure is not error:
        failure.__cause__ = error
    topic, steps = module.__name__.rpartition(".")[2], failure.__traceback__

    def broken(name: str) -> Any:
        if _dunder(name):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        told = swap.explain(failure.with_traceback(steps))
        said = told or f"{topic} cannot be imported: {failure}"
        if _tidy:
            return getattr(_engines(topic, said), name)
        raise _Broken(f"{said}, or `lab borrow {topic}`") from failure

    vars(module)["__getattr__"] = broken


def _engines(topic: str, said: str) -> ModuleType:
    """Return the engine's own *topic*, in place of a student's that cannot be imported.

    It is loaded once, after a warning that begins with what is *said* of the student's.
    """
    if topic not in _lent:
        print(f"WARNING: {said}; until then we use the course's own", file=sys.stderr, flush=True)
        path = f"{swap.REPO}/mini_docker/{topic}.py"
        name = f"mini_docker.{topic}"
        spec = spec_from_file_location(name, path, loader=_Fresh(name, path))
        assert spec and spec.loader
        _lent[topic] = module_from_spec(spec)
        spec.loader.exec_module(_lent[topic])
    return _lent[topic]


class _Broken(LockedTopic):
    """A module that cannot be imported was used."""


class _Alias(Loader):
    """Gives a topic its second, bare name."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        # What sys.modules holds after the load is what `import` hands out.
        sys.modules[module.__name__] = import_module(f"mini_docker.{module.__name__}")


class _Missing(LockedTopic, AttributeError):
    """A locked topic was used; hasattr and inspect take it for a missing attribute."""


class _Locked(Loader):
    """Loads a module in which everything is missing, and says why."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        topic, remedy = self.topic, swap.remedy(self.topic)

        def missing(name: str) -> NoReturn:
            if _dunder(name):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            raise _Missing(f"{topic}.{name} needs {remedy}")

        vars(module)["__getattr__"] = missing
        module.__doc__ = f"Locked: it needs {remedy}."


def _dunder(name: str) -> bool:
    """Say whether Python itself asks modules for *name*, as it does for __path__."""
    return name.startswith("__") and name.endswith("__")
