"""Python's module os, in two stages: a command that asks for little of it does not wait for all.

Most of os is posix, which is built into Python. So the first stage is a module of that name with
what posix has, os.path, and what the engine needs on its way to a container. Whoever asks it for
anything else, such as os.environ or os.walk, gets the whole: os then loads into the same module.
And it loads without the abstract base classes that it asks for: see startup_mapping.py.

Whoever starts a process imports this before os, or takes os from here. Python's own os, if it is
there already, stays.
"""

from __future__ import annotations

import _thread
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

NAME = "os"
ABSTRACT = "_collections_abc"


def load() -> None:
    """Make the first stage, if there is no os yet."""
    if NAME in sys.modules or ABSTRACT in sys.modules:
        return
    module: Any = type(sys)(NAME)
    own = {name: it for name, it in posix.__dict__.items() if not name.startswith("_")}
    module.__dict__.update(own, _exit=posix._exit, name="posix", devnull="/dev/null")
    module.SEEK_SET, module.SEEK_CUR, module.SEEK_END = range(3)
    module.fsencode, module.fsdecode, module.getenv = fsencode, fsdecode, getenv
    del module.environ  # as posix has it, in bytes
    module.__getattr__ = _second(module)
    sys.modules[NAME] = module
    import posixpath  # which imports os

    module.path = sys.modules["os.path"] = posixpath


def _second(module: Any) -> Callable[[str], Any]:
    """Return what finds an attribute that the first stage does not have."""
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
            raise AttributeError(f"module 'os' has no attribute {name!r}") from None

    return find


def _load_whole(module: Any) -> None:
    """Let Python's os load into *module*."""
    from _frozen_importlib import _find_spec, module_from_spec  # type: ignore[attr-defined]

    spec = _find_spec(NAME, None)
    module.__dict__.update(module_from_spec(spec).__dict__)  # __spec__, __file__ and their like
    if ABSTRACT in sys.modules:
        spec.loader.exec_module(module)
        return
    from mini_docker import startup_mapping

    stead: Any = type(sys)(ABSTRACT)
    stead.MutableMapping = startup_mapping.Mapping
    stead.Mapping = (dict, startup_mapping.Mapping)  # what isinstance() takes
    stead._check_methods = startup_mapping.check_methods
    sys.modules[ABSTRACT] = stead
    try:
        spec.loader.exec_module(module)
    except ImportError:  # of a Python whose os takes more out of there: it gets the true one
        del sys.modules[ABSTRACT]
        spec.loader.exec_module(module)
    finally:
        if sys.modules.get(ABSTRACT) is stead:
            del sys.modules[ABSTRACT]


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
