"""Bodies of requests and answers of our small registry: bounded, in pieces, never in memory.

RFC 9112, "Message Body": Content-Length, or Transfer-Encoding: chunked, never both.
"""

from __future__ import annotations

import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler

from mini_docker.registry_serve_store import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 2**18  # bytes
SPARE = 2**16  # bytes of a body that nobody wants, to read all the same
LINE = 1024  # bytes of the line before a chunk
RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
START = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-[0-9]{1,18}(?:/.{1,20})?")


class Bodies(BaseHTTPRequestHandler):
    """What a connection reads and writes beside headers."""

    _left = 0  # bytes of the request's body, or of its present chunk
    _chunked = False
    _over = True

    def begin_body(self) -> None:
        """Look at how long the request's body is."""
        coding = self.headers.get("Transfer-Encoding", "").lower()
        length = self.headers.get("Content-Length", "0" if not coding else "").strip()
        self._over, self._left, self._chunked = False, 0, coding == "chunked"
        lengths = self.headers.get_all("Content-Length") or []
        plain = not coding and length.isascii() and length.isdigit() and len(length) < 19
        if len(lengths) > 1 or not (plain or (self._chunked and not lengths)):
            self.close_connection = True
            self._over = True
            raise Refusal(400, "SIZE_INVALID", "the length of the body is not clear")
        if plain:
            self._left = int(length)
            self._over = not self._left

    def pieces(self) -> Iterator[bytes]:
        """Yield the request's body; ConnectionError if it breaks off."""
        while not self._over:
            if not self._left:
                self._next_chunk()
                continue
            piece = self.rfile.read(min(self._left, PIECE))
            if not piece:
                self.close_connection = True
                raise ConnectionAbortedError("the body breaks off")
            self._left -= len(piece)
            if self._chunked and not self._left:
                self._line()
            self._over = not self._chunked and not self._left
            yield piece

    def _next_chunk(self) -> None:
        text = self._line().partition(b";")[0].strip()
        if not 0 < len(text) < 16 or text.strip(b"0123456789abcdefABCDEF"):
            self.close_connection = self._over = True
            raise Refusal(400, "SIZE_INVALID", "a chunk has no size")
        self._left = int(text, 16)
        if not self._left:
            self._over = True
            for _ in range(20):  # trailers
                if not self._line():
                    return
            self.close_connection = True

    def _line(self) -> bytes:
        line = self.rfile.readline(LINE)
        if not line.endswith(b"\n"):
            self.close_connection = self._over = True
            raise ConnectionAbortedError("the body breaks off")
        return line.rstrip(b"\r\n")

    def whole(self, limit: int) -> bytes:
        """Return the request's body; Refusal if it has more than *limit* bytes."""
        found = bytearray()
        for piece in self.pieces():
            found += piece
            if len(found) > limit:
                raise Refusal(413, "SIZE_INVALID", f"more than {limit} bytes")
        return bytes(found)

    def spare(self) -> bool:
        """Read what is left of the body if it is little; say whether nothing is left."""
        if not self._over and not self._chunked and self._left <= SPARE:
            for _ in self.pieces():
                pass
        return self._over

    def offset(self) -> int | None:
        """Return the first byte that Content-Range names, or None; Refusal for nonsense."""
        text = self.headers.get("Content-Range", "")
        found = START.fullmatch(text)
        if text and not found:
            raise Refusal(416, "BLOB_UPLOAD_INVALID", f"invalid Content-Range {text!r:.100}")
        return int(found[1]) if found else None

    def send_blob(self, path: str, digest: str, kind: str) -> None:
        """Answer with the file at *path*, or the part of it that Range asks for."""
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            start, end, status = 0, size, 200
            found = RANGE.fullmatch(self.headers.get("Range", ""))
            headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
            if found and self.command == "GET":
                start = int(found[1])
                end = min(int(found[2]) + 1, size) if found[2] else size
                if start >= end:
                    raise Refusal(416, "SIZE_INVALID", f"the blob has {size} bytes")
                status = 206
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
            self.begin_answer(status, end - start, kind, {**headers, "Accept-Ranges": "bytes"})
            if self.command == "GET":
                self.wfile.flush()
                self._copy(file.fileno(), start, end)

    def _copy(self, file: int, start: int, end: int) -> None:
        """Send the bytes of *file* from *start* to *end*: by the kernel, unless there is TLS."""
        import ssl

        tls = isinstance(self.connection, ssl.SSLSocket)
        while start < end:
            if tls:
                piece = os.pread(file, min(PIECE, end - start), start)
                self.wfile.write(piece)
                start += len(piece)
            else:
                # A socket with a timeout does not block: the wait is ours.
                start += self._sendfile(file, start, end - start)

    def _sendfile(self, file: int, start: int, count: int) -> int:
        import select

        try:
            return os.sendfile(self.connection.fileno(), file, start, count)
        except BlockingIOError:
            waiting = select.poll()
            waiting.register(self.connection.fileno(), select.POLLOUT)
            if not waiting.poll(float(self.timeout or 60) * 1000):
                raise TimeoutError("the client reads nothing") from None
            return 0

    def begin_answer(self, status: int, size: int, kind: str, headers: dict[str, str]) -> None:
        """Send the status line and the headers."""
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status != 204:
            self.send_header("Content-Length", str(size))
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        """Print one line a request to stderr, with nothing that could steer a terminal."""
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in format % words)
        when = time.strftime("%H:%M:%S")
        print(f"{when} {self.client_address[0]} {text[:500]}", file=sys.stderr, flush=True)
