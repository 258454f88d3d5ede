"""What os asks ``_collections_abc`` for, for its environ and its PathLike, and no more than that.

The true module has twenty-five abstract base classes, with all that they register: half of what
os costs a start. See startup_os.py.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_ABSENT = object()


class Mapping:
    """What a mapping can do once it has items, an iterator and a length. collections.abc."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise NotImplementedError

    def __delitem__(self, key: Any) -> None:
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __contains__(self, key: object) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (dict, Mapping)):
            return NotImplemented
        return dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what *key* has, or *default*."""
        try:
            return self[key]
        except KeyError:
            return default

    def keys(self) -> list[Any]:
        """Return the keys, as they are now."""
        return list(self)

    def values(self) -> list[Any]:
        """Return the values, as they are now."""
        return [self[key] for key in self]

    def items(self) -> list[tuple[Any, Any]]:
        """Return pairs of keys and values, as they are now."""
        return [(key, self[key]) for key in self]

    def pop(self, key: Any, default: Any = _ABSENT) -> Any:
        """Take *key* out and return what it had, or *default*; KeyError without one."""
        try:
            value = self[key]
        except KeyError:
            if default is _ABSENT:
                raise
            return default
        del self[key]
        return value

    def popitem(self) -> tuple[Any, Any]:
        """Take some pair out and return it; KeyError if there is none."""
        for key in self:
            return key, self.pop(key)
        raise KeyError

    def clear(self) -> None:
        """Take everything out."""
        for key in list(self):
            del self[key]

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Put in what *other* has, a mapping or pairs, and what the keywords say."""
        pairs: Iterable[Any] = other.items() if hasattr(other, "items") else other
        for key, value in [*pairs, *more.items()]:
            self[key] = value


def check_methods(kind: type, *names: str) -> object:
    """Say whether the class *kind* has methods of these *names*, as isinstance() asks."""
    for name in names:
        if not any(getattr(one, name, None) for one in kind.__mro__):
            return NotImplemented
    return True
