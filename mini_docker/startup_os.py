"""Python's modules os and stat, in two stages: a command that asks for little waits for little.

Most of os is posix, most of stat is _stat, and both are built into Python. So the first stage is
a module of that name with what those have; os has its path as well, and what the engine needs on
its way to a container. Whoever asks for anything else, such as os.environ or os.walk, gets the
whole: the true os then loads into the same module. And it loads without the abstract base
classes that it asks for: see startup_mapping.py.

Whoever starts a process imports this before os, or takes os from here. Python's own os, if it is
there already, stays. The second stage also comes where nothing may be imported any more, in a
container: see container_process.forbid_imports().
"""

from __future__ import annotations

import _stat
import _thread
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

ABSTRACT = "_collections_abc"


def load() -> None:
    """Make the first stages, if there is no os yet."""
    if "os" in sys.modules or ABSTRACT in sys.modules:
        return
    if "stat" not in sys.modules:
        _first("stat", _stat)
    os = _first("os", posix)
    os._exit, os.name, os.devnull = posix._exit, "posix", "/dev/null"
    os.SEEK_SET, os.SEEK_CUR, os.SEEK_END = range(3)
    os.fsencode, os.fsdecode, os.getenv = fsencode, fsdecode, getenv
    del os.environ  # as posix has it, in bytes
    import posixpath  # which imports os, and stat

    os.path = sys.modules["os.path"] = posixpath


def _first(name: str, built_in: ModuleType) -> Any:
    """Make the first stage of the module *name*, of what is *built_in*."""
    module: Any = type(sys)(name)
    public = {key: it for key, it in built_in.__dict__.items() if key[0] != "_"}
    module.__dict__.update(public, __getattr__=_second(module))
    sys.modules[name] = module
    return module


def _second(module: Any) -> Callable[[str], Any]:
    """Return what finds an attribute that the first stage of *module* does not have."""
    lock, done = _thread.RLock(), False

    def find(name: str) -> Any:
        nonlocal done
        with lock:  # another thread waits until all is there
            if not done:
                done = True
                _load_whole(module)
                module.__dict__.pop("__getattr__", None)
        try:
            return module.__dict__[name]
        except KeyError:
            message = f"module {module.__name__!r} has no attribute {name!r}"
            raise AttributeError(message) from None

    return find


def _load_whole(module: Any) -> None:
    """Let Python's own load into *module*, without what it asks ABSTRACT for."""
    if ABSTRACT in sys.modules:
        _execute(module)
        return
    try:
        from mini_docker import startup_mapping
    except ImportError:  # of a process that may import no more: it gets the true one
        _execute(sys.modules.setdefault(ABSTRACT, type(sys)(ABSTRACT)))
        _execute(module)
        return
    stead: Any = type(sys)(ABSTRACT)
    stead.MutableMapping = startup_mapping.Mapping
    stead.Mapping = (dict, startup_mapping.Mapping)  # what isinstance() takes
    stead._check_methods = startup_mapping.check_methods
    sys.modules[ABSTRACT] = stead
    try:
        _execute(module)
    except ImportError:  # of a Python whose os takes more out of there: it gets the true one
        del sys.modules[ABSTRACT]
        _execute(module)
    finally:
        if sys.modules.get(ABSTRACT) is stead:
            del sys.modules[ABSTRACT]


def _execute(module: Any) -> None:
    """Run Python's code of the name of *module* in it: frozen, so a part of Python's own file."""
    from _frozen_importlib import (  # type: ignore[attr-defined]
        FrozenImporter,
        _find_spec,
        module_from_spec,
    )

    spec: Any = FrozenImporter.find_spec(module.__name__) or _find_spec(module.__name__, None)
    if spec is None:  # a Python without frozen modules, in a process that may import no more
        raise AttributeError(f"the rest of module {module.__name__!r} cannot be loaded")
    module.__dict__.update(module_from_spec(spec).__dict__)  # __spec__, __file__ and their like
    spec.loader.exec_module(module)


def fsencode(filename: Any) -> bytes:
    """Return *filename*, a path, as the bytes that the kernel takes. os.fsencode."""
    path = posix.fspath(filename)
    if isinstance(path, bytes):
        return path
    encoded: bytes = path.encode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
    return encoded


def fsdecode(filename: Any) -> str:
    """Return *filename*, a path, as text. os.fsdecode."""
    path = posix.fspath(filename)
    if isinstance(path, str):
        return path
    decoded: str = path.decode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
    return decoded


def getenv(key: str, default: Any = None) -> Any:
    """Return the variable *key* of the environment, or *default*. os.getenv.

    Nobody has changed the environment yet: that takes os.environ, and so the second stage.
    """
    value = posix.environ.get(fsencode(key))
    return default if value is None else fsdecode(value)


load()
import os as os  # noqa: E402
