"""The log driver json-file: a JSON object for each line that a container writes.

    {"log":"to be\\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}

With --log-opt labels, env or tag there is "attrs":{...} as well, before the time. streams.py
makes the entries; here is what it is told about them, and what waits for the rest of its line.

Docker: daemon/logger/jsonfilelog.
"""

from __future__ import annotations

from mini_docker import streams, streams_text, timestamps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.logs_files import File

NAMES = (b"", b"stdout", b"stderr")


class Writer:
    """Writes one container's log: see logs.Writer."""

    __slots__ = ("file", "heads", "rest")

    def __init__(self, file: File, before: bytes, attributes: bytes) -> None:
        self.file = file
        self.rest = [b"", b"", b""]
        if before:
            first, second, extra, others = before.split(b"|")
            self.rest = [b"", _unhex(first), _unhex(second)]
            attributes = _unhex(extra)
            file.resume(others)
        extra = b'"attrs":%s,' % attributes if attributes else b""
        self.heads = [b'"stream":"%s",%s"time":"' % (name, extra) for name in NAMES]
        file.note = note
        if file.tail(1) not in (b"", b"\n"):
            file.append(b"\n")  # whoever wrote before us was killed within an entry

    def write(self, stream: int, chunk: bytes) -> None:
        """Write down the lines that *chunk* completes."""
        fields = self.heads[stream] + moment() + b'"'
        made, self.rest[stream] = streams.entries(self.rest[stream] + chunk, fields)
        if made:
            self.file.append(made)

    def close(self) -> None:
        """Write down what has no newline, and end."""
        for stream in (1, 2):
            if self.rest[stream]:
                fields = self.heads[stream] + moment() + b'"'
                self.file.append(streams.entries(self.rest[stream], fields, True)[0])
                self.rest[stream] = b""
        self.file.close()

    def leave(self) -> bytes:
        """End, and return what a Writer that goes on has to know."""
        extra = self.heads[0].partition(b'"attrs":')[2].removesuffix(b',"time":"')
        parts = [data.hex().encode() for data in (*self.rest[1:], extra)]
        return b"|".join([*parts, self.file.leave()])


def moment() -> bytes:
    """Return the present time as Go writes it: RFC 3339, without zeros at its end."""
    return timestamps.now()[:-1].rstrip("0").rstrip(".").encode() + b"Z"


def note(lost: int, error: str) -> bytes:
    """Return the entry that says that *lost* bytes of entries could not be written.

    It has no text, so that whoever does not know "lost" shows nothing. All numbers take the
    same room: a disk that was full a moment ago has no more.
    """
    text = b'{"log":"","stream":"stderr","lost":%20d,"error":"%s","time":"%s"}\n'
    return text % (lost, streams_text.escape(error.encode()), moment())


def _unhex(text: bytes) -> bytes:
    return bytes.fromhex(text.decode())
