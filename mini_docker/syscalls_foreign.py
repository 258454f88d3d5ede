"""C functions by their names: the only foreign calls in the repository, for syscalls.py.

The module ctypes is Python around the C module ``_ctypes``, and importing it costs every
start more than a millisecond. What we need of it is short.
"""

from __future__ import annotations

import _ctypes
import os

errno, set_errno = _ctypes.get_errno, _ctypes.set_errno
address = _ctypes.addressof


class _Int(_ctypes._SimpleCData):  # type: ignore[type-arg]
    """A C int."""

    _type_ = "i"


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    """A C long: a number without this box is passed as an int, its lower 32 bits."""

    _type_ = "l"


class _Function(_ctypes.CFuncPtr):
    """A C function that returns an int, called with the interpreter's lock held.

    A clone must hold it: the child's copy of the lock would belong to nobody.
    """

    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_PYTHONAPI | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Int


_program = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]  # libc, and Python itself
_functions: dict[str, _Function] = {}


def call(name: str, *arguments: int | bytes | _ctypes.Array[_Long] | None) -> int:
    """Call the C function *name* and return its int; None is a null pointer, see errno()."""
    function = _functions.get(name)
    if function is None:
        function = _functions[name] = _Function(_ctypes.dlsym(_program, name))
    boxed = [_Long(a) if isinstance(a, int) else a for a in arguments]
    return int(function(*boxed))


def longs(data: bytes) -> _ctypes.Array[_Long]:
    """Return *data* as an array of C longs: a buffer that the kernel may write to."""
    return (_Long * (len(data) // 8)).from_buffer_copy(data)
