"""Events read back: those that were, those that come, and which of them are wanted.

events.py writes the log. A reader is not told of a new line: it looks every PERIOD seconds.
When the name of the log leads to another file the log was renewed, and the reader has come
to the end of the old one before it goes to the new one.
"""

from __future__ import annotations

import os
import time

from mini_docker import records
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Filters = list[tuple[str, str]]
    Event = dict[str, Any]

PERIOD = 0.05  # seconds between two looks at the log
CHUNK = 2**18
LONGEST = 2**18  # bytes of a line; events.py writes none that is longer
FOREVER = 2**63  # nanoseconds since 1970
NAMED = (  # kinds of things that a filter may name
    *("container", "daemon", "network", "volume", "plugin", "node", "service", "secret", "config"),
)
FILTERS = ("event", "image", "label", "scope", "type", *NAMED)
LONG_ACTIONS = ("health_status", "exec_create", "exec_start")  # which go on with ": ..."


class Log:
    """One of the two files of the log, as far as it has been read."""

    def __init__(self, path: str) -> None:
        """Open the log at *path*; without one it is as if it were empty."""
        self.path = path
        self.partial = b""
        try:
            self.descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            self.descriptor = -1

    def close(self) -> None:
        """Close it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)

    def skip(self) -> None:
        """Leave out what is there already."""
        if self.descriptor >= 0:
            os.lseek(self.descriptor, 0, os.SEEK_END)

    def is_at(self, other: str) -> bool:
        """Say whether the path *other* leads to this file."""
        try:
            found = os.stat(other)
        except FileNotFoundError:
            return self.descriptor < 0
        return self.descriptor >= 0 and os.path.samestat(found, os.fstat(self.descriptor))

    def read(self) -> Iterator[Event]:
        """Yield the events that have come since the last call."""
        while self.descriptor >= 0 and (data := os.read(self.descriptor, CHUNK)):
            *lines, rest = (self.partial + data).split(b"\n")
            self.partial = rest if len(rest) <= LONGEST else b""
            yield from filter(None, map(event, lines))


def event(line: bytes) -> Event | None:
    """Return the event of one *line* of the log, or None: it was cut short, or is none."""
    try:
        found = records.parse(line.decode("utf-8", "surrogateescape"))
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("Actor"), dict):
        return None
    actor = found["Actor"]
    named = actor.get("Attributes")
    if not isinstance(named, dict) or not all(isinstance(v, str) for v in named.values()):
        return None
    moments = (found.get("time"), found.get("timeNano"))
    whole = all(isinstance(moment, int) and 0 <= moment < FOREVER for moment in moments)
    texts = (found.get("Type"), found.get("Action"), found.get("scope"), actor.get("ID"))
    return found if whole and all(isinstance(text, str) for text in texts) else None


def watch(root: str, since: int | None, until: int | None) -> Iterator[Event]:
    """Yield the events of the store at *root*, and wait for more, between two moments.

    Both in nanoseconds since 1970. Without *since* from the beginning, and without either
    only what is still to come; without *until* there is no end. moby, daemon/events/events.go.
    """
    end = FOREVER if until is None else until
    past = since is not None or until is not None
    current = Log(f"{root}/events.log")  # opened before the other: it may be renamed meanwhile
    if past:
        before = Log(f"{root}/events.log.1")
        if before.descriptor >= 0 and not current.is_at(before.path):
            yield from _between(before, since or 0, end)
        before.close()
    else:
        current.skip()
    while True:
        over = time.time_ns() > end
        yield from _between(current, since or 0, end)
        if over:
            current.close()
            return
        current = _renewed(current)
        time.sleep(PERIOD)


def _between(log: Log, since: int, until: int) -> Iterator[Event]:
    return (found for found in log.read() if since <= found["timeNano"] <= until)


def _renewed(log: Log) -> Log:
    """Return the log that has the name of *log* now; *log* itself if it still has something."""
    if log.is_at(log.path):
        return log
    if log.descriptor >= 0 and os.fstat(log.descriptor).st_size > os.lseek(
        log.descriptor, 0, os.SEEK_CUR
    ):
        return log
    log.close()
    return Log(log.path)


class Filter:
    """What of the events is wanted: of one filter's values any, of several filters all."""

    def __init__(self, given: Filters) -> None:
        """Take the filters as given on the command line; UsageError for one that there is not."""
        self.wanted: dict[str, list[str]] = {}
        for name, value in given:
            if name not in FILTERS:
                raise UsageError(f"invalid filter '{name}' (there are: {', '.join(FILTERS)})")
            self.wanted.setdefault(name, []).append(value)

    def passes(self, found: Event) -> bool:
        """Say whether *found* is wanted. moby, daemon/events/filter.go."""
        return all(self._passes(name, values, found) for name, values in self.wanted.items())

    def _passes(self, name: str, values: list[str], found: Event) -> bool:
        own = found["Actor"]["Attributes"]
        if name == "label":
            return all(_has(own, value) for value in values)
        if name == "event":
            long = any(value in LONG_ACTIONS for value in values)
            return _begins(values, found["Action"]) if long else found["Action"] in values
        if name in ("type", "scope"):
            return found["Type" if name == "type" else name] in values
        if name == "image":
            told = own.get("name" if found["Type"] == "image" else "image", "")
            candidates = {told, found["Actor"]["ID"]}
            return any(it in values or _untagged(it) in values for it in candidates)
        return _begins(values, found["Actor"]["ID"]) or _begins(values, own.get("name", ""))


def _begins(values: list[str], text: str) -> bool:
    """Say whether *text* begins with one of *values*."""
    return any(text.startswith(value) for value in values)


def _has(attributes: dict[str, str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in attributes and (not equals or attributes[name] == value)


def _untagged(name: str) -> str:
    """Return the image's *name* without its tag: the colon of a port stands before a "/"."""
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag and not name.startswith("sha256:") else name
