"""Which images a command means: --filter, and the pattern of `images`, by Docker's rules."""

from __future__ import annotations

import fnmatch
import time

from mini_docker import image_facts, image_lookup, images
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_docker.image_lookup import Image

Filters = list[tuple[str, str]]
LISTING = ("dangling", "label", "before", "since", "until", "reference")
PRUNING = ("dangling", "label", "label!", "until")


def check(filters: Filters, known: tuple[str, ...]) -> None:
    """Refuse a filter that is not among *known*."""
    for name, _ in filters:
        if name not in known:
            raise UsageError(f"invalid filter '{name}' (there are: {', '.join(known)})")


def select(root: str, found: list[Image], filters: Filters) -> list[Image]:
    """Return those of *found* that pass; a reference leaves only the names that it matches.

    Of one filter's values any must fit, of several filters all; of label all as well.
    """
    wanted: dict[str, list[str]] = {}
    for name, value in filters:
        wanted.setdefault(name, []).append(value)
    for name, values in wanted.items():
        if name == "reference":
            found = [it for it in found if narrow(it, values)]
            continue
        tests = [_test(root, name, value) for value in values]
        every = all if name in ("label", "label!") else any
        found = [it for it in found if every(test(it) for test in tests)]
    return found


def narrow(image: Image, patterns: list[str]) -> bool:
    """Leave in image.names what one of *patterns* matches; say whether anything is left."""
    image.names = [n for n in image.names if any(matches(n, pattern) for pattern in patterns)]
    return bool(image.names)


def matches(name: str, pattern: str) -> bool:
    """Say whether the whole reference *name* is meant by *pattern*: "busybox", "busy*:1.*".

    A star stands for no "/". Without a tag the pattern means every tag.
    """
    parsed = images.parse(name)
    long = f"{parsed.domain}/{parsed.path}"
    candidates = (parsed.familiar(), parsed.repository(), str(parsed), long)
    parts = pattern.split("/")
    return any(
        len(parts) == candidate.count("/") + 1
        and all(map(fnmatch.fnmatchcase, candidate.split("/"), parts))
        for candidate in candidates
    )


def has_label(image: Image, wanted: str) -> bool:
    """Say whether *image* has the label NAME, or NAME=VALUE."""
    name, equals, value = wanted.partition("=")
    labels = image.config.get("Labels") or {}
    return name in labels and (not equals or labels[name] == value)


def _test(root: str, name: str, value: str) -> Callable[[Image], bool]:
    if name == "dangling":
        from mini_docker import strconv

        try:
            wanted = strconv.boolean(value)
        except ValueError:
            raise UsageError(f"invalid filter 'dangling={value}'") from None
        return lambda it: (not it.names) == wanted
    if name == "label":
        return lambda it: has_label(it, value)
    if name == "label!":
        return lambda it: not has_label(it, value)
    if name == "until":
        limit = moment(value)
        return lambda it: (image_facts.created(it) or 0.0) < limit
    other = image_facts.created(image_lookup.find(root, value)) or 0.0
    if name == "before":
        return lambda it: (image_facts.created(it) or 0.0) < other
    return lambda it: (image_facts.created(it) or 0.0) > other


def moment(value: str) -> float:
    """Return the moment that *value* means: 10m ago, a date, or seconds since 1970."""
    from datetime import UTC, datetime

    from mini_docker import durations

    if value.replace(".", "", 1).isdecimal():
        return float(value)
    try:
        return time.time() - durations.parse(value) / 10**9
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise UsageError(f"invalid filter 'until={value}': neither a duration nor a date") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
