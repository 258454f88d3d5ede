"""Read a log of the driver json-file: ours, or Docker's.

Entries that were written together differ in their text alone: same stream, same time. So we
look how far that holds, cut out what stands between the texts, and decode them in one go.
Entries for which it does not hold are parsed one at a time.
"""

from __future__ import annotations

from _json import scanstring

from mini_docker import records
from mini_docker.logs_runs import LONGEST, Run, fixed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

BEGIN = b'{"log":"'
MIDDLE = b'","stream":"'  # a quotation mark within the text is escaped: this is its end
TIME = b',"time":"'
MANY = 64  # different attributes: a container has but one
STREAMS = {"stdout": 1, "stderr": 2}
EMPTY: dict[str, Any] = {"log": "", "attrs": {}, "stream": "stdout"}


class Decoder:
    """See logs_runs.Decoder."""

    __slots__ = ("damaged", "heads", "lost", "rest")

    def __init__(self) -> None:
        self.rest = b""
        self.heads: dict[bytes, tuple[int, dict[str, str]]] = {}  # what stands before the time
        self.damaged = self.lost = 0

    def feed(self, data: bytes) -> Iterator[Run]:
        """Return the runs of the lines that *data* completes."""
        data = self.rest + data if self.rest else data
        end = data.rfind(b"\n") + 1
        self.rest = data[end:]
        if len(self.rest) > LONGEST:
            self.end()
        start = 0
        while start < end:
            stop = data.index(b"\n", start) + 1
            middle = data.find(MIDDLE, start, stop)
            if middle >= 0 and data.startswith(BEGIN, start):
                fields = data[middle:stop]
                stop = extent(data, start, stop, end, fields)
                if run := self._decode(data[start + len(BEGIN) : stop - len(fields)], fields):
                    yield run
                    start = stop
                    continue
            yield from self._each(data[start:stop])
            start = stop

    def _decode(self, raw: bytes, fields: bytes) -> Run | None:
        """Return the run of entries with *fields*; *raw* is all from the first text to the last.

        None if they are not alike after all: a quotation mark, or a newline, is left in there.
        """
        inside = raw.replace(fields + BEGIN, b"").decode("utf-8", "replace") + '"'
        head, _, end = fields.rpartition(TIME)
        if not (known := self.heads.get(head)):
            found = _parse(BEGIN + head + TIME + b'"}')
            if not found or "lost" in found:
                return None
            if len(self.heads) > MANY:
                self.heads.clear()
            known = self.heads[head] = _facts(found)
        try:
            text, stop = scanstring(inside, 0, True)
            moment = fixed(end[: end.index(b'"}\n')].decode())
        except (ValueError, SystemError):  # the second where json.decoder is not imported
            return None
        return Run(known[0], moment, _encode(text), known[1]) if stop == len(inside) else None

    def _each(self, data: bytes) -> Iterator[Run]:
        """Return the runs of the lines in *data*, each on its own."""
        for line in data.split(b"\n")[:-1]:
            found = _parse(line)
            if found is None:
                yield from self._glued(line)
            else:
                yield from self._one(found)

    def _glued(self, line: bytes) -> Iterator[Run]:
        """Return the runs of what is whole in *line*: several entries, or half a one before one.

        Their writers were killed, or the disk was full. A text has no entry's begin in it: a
        quotation mark is escaped there.
        """
        first, *others = line.split(BEGIN)
        parts = [first] * bool(first or not others) + [BEGIN + other for other in others]
        every = [_parse(part) for part in parts]
        self.damaged += None in every
        for found in every:
            if found is not None:
                yield from self._one(found)

    def _one(self, found: dict[str, Any]) -> Iterator[Run]:
        if "lost" in found:
            self.lost += found["lost"]
        elif run := _run(found, found["log"]):
            yield run
        else:
            self.damaged += 1

    def end(self) -> list[Run]:
        """The file ends: an entry has a newline, so what waits is none."""
        self.damaged += bool(self.rest)
        self.rest = b""
        return []


def extent(data: bytes, start: int, stop: int, end: int, fields: bytes) -> int:
    """Return where the entries end that all end with *fields*, as that from *start* to *stop* does.

    Only some are looked at, each twice as far as the one before; beyond one that differs, half
    as far. What is between them need not be alike: _decode() finds that out.
    """
    size, step, growing = len(fields), stop - start, True
    while stop < end and step >= size:
        step = step * 2 if growing else step // 2
        ahead = data.rfind(b"\n", stop, stop + step) + 1
        if ahead and data[ahead - size : ahead] == fields:
            stop = ahead
        else:
            growing = False
    return stop


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return the entry *line*; None if it is none."""
    try:
        found = records.parse(line.decode("utf-8", "replace"))
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    # Docker leaves out what is empty, and reads null as that.
    found = {**EMPTY, **{name: value for name, value in found.items() if value is not None}}
    kinds = {"log": str, "stream": str, "time": str, "attrs": dict}
    sound = all(isinstance(found.get(name), kind) for name, kind in kinds.items())
    lost = found.get("lost", 0)
    return found if sound and isinstance(lost, int) and lost >= 0 else None


def _run(found: dict[str, Any], text: str) -> Run | None:
    """Return the run of *text* with the other fields of *found*; None if its time is none."""
    try:
        time = fixed(found["time"])
    except ValueError:
        return None
    stream, attributes = _facts(found)
    return Run(stream, time, _encode(text), attributes)


def _facts(found: dict[str, Any]) -> tuple[int, dict[str, str]]:
    attributes = {str(name): str(value) for name, value in found["attrs"].items()}
    return STREAMS.get(found["stream"], 1), attributes


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates: no character
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
