"""The nearest right word for a mistyped flag or command."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of *words* that *word* was meant to be, or None if none is near.

    Near are a word that begins with *word*, and words within one typing error for
    each three letters (a letter too many, too few, wrong, or two exchanged). Of
    equals the first wins.

    >>> nearest("memroy", ["name", "memory", "memory-swap"])
    'memory'
    >>> nearest("x", ["l"])
    """
    limit = max(1, len(word) // 3)
    best, found = limit + 1, None
    for candidate in words:
        if abs(len(candidate) - len(word)) > limit or len(word) > 64:
            continue
        errors = distance(word, candidate)
        # Between words of one letter every error would make the one out of the other.
        if errors < best and errors < max(len(word), len(candidate)):
            best, found = errors, candidate
    if found is None and len(word) >= 2:
        return next((other for other in words if other.startswith(word)), None)
    return found


def distance(first: str, second: str) -> int:
    """Return how many typing errors turn *first* into *second* (Damerau-Levenshtein).

    An error is an insertion, a deletion, a replacement, or an exchange of two
    neighbours; no letter takes part in two exchanges.

    >>> distance("memroy", "memory")
    1
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, above, row = row, before, [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
