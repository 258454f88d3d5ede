"""Lab 10's pretend registry: HTTP in memory, for whoever has no network.

It stands in the place of Session.http, notes each request, and answers as a registry and its
token server do. It can be told to be difficult: to cut connections, to lie, to refuse.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mini_docker.errors import ConnectionCut

HOST = "registry.example"
TOKENS = "auth.example"
TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(data: bytes) -> str:
    """Return the name of *data* in a registry."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def descriptor(data: bytes, kind: str = TYPE) -> dict[str, Any]:
    """Return what a manifest says of *data*."""
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


class Answer:
    """An answer as registry_http.Response is: a status, headers, and a body to read.

    After *stop* bytes of the body comes *broken*, or, without it, the end.
    """

    def __init__(
        self, status: int, url: str, headers: dict[str, str], body: bytes = b"", stop: int = -1
    ) -> None:
        self.status = status
        self.url = url
        self.headers = headers
        self.broken: ConnectionCut | None = None
        self.closed = False
        self.asked: list[int] = []  # the sizes that read() was asked for
        self._body = body if stop < 0 else body[:stop]
        self._place = 0

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        """Return *size* bytes, fewer only at the end."""
        self.asked.append(size)
        piece = self._body[self._place :][:size]
        self._place += len(piece)
        if not piece and size and self.broken:
            raise self.broken
        return piece

    def whole(self, limit: int) -> bytes:
        """Return the body, and close."""
        with self:
            return self._body[:limit]

    def start(self) -> bytes:
        """Return the first bytes of the body, and close."""
        return self.whole(2**16)

    def close(self) -> None:
        """Let the connection go."""
        self.closed = True


class Registry:
    """A registry with one repository that matters, "web"; and the token server's part.

    What a test sets: *blobs* and *manifests* by digest; *others*, repositories and what they
    have; *cuts*, for each GET of content in turn how it ends: ("break", N), ("end", N) after N
    bytes of it, ("refuse", 0) before any; *place*, the Location of an upload, "" for none;
    *statuses*, which answer another method is to get; *guard*, a challenge for whoever has
    no token.
    """

    def __init__(self, *contents: bytes) -> None:
        self.blobs = {digest(it): it for it in contents}
        self.others: dict[str, set[str]] = {}
        self.cuts: list[tuple[str, int]] = []
        self.ranges = True
        self.place = "/v2/web/blobs/uploads/1"
        self.statuses: dict[str, int] = {}
        self.guard = ""
        self.token: Any = {"token": "T0K3N"}
        self.asked: list[dict[str, Any]] = []
        self.answers: list[Answer] = []
        self.pauses: list[int] = []

    def pause(self, count: int) -> None:
        """Note a wait, and do not."""
        self.pauses.append(count)

    def request(self, method: str, url: str, headers: dict[str, str], body: Any) -> Answer:
        """Answer one request, and note it."""
        parts = urlsplit(url)
        noted: dict[str, Any] = {
            "method": method,
            "host": parts.hostname,
            "path": parts.path.removeprefix("/v2/web/"),
            "query": parse_qsl(parts.query, keep_blank_values=True),
            "headers": dict(headers),
            "body": "bytes" if isinstance(body, bytes) else "file",
        }
        self.asked.append(noted)
        answer = self._answer(noted, url, _content(body))
        noted["status"] = answer.status
        self.answers.append(answer)
        return answer

    def content(self, url: str, data: bytes, headers: dict[str, str]) -> Answer:
        """Answer with *data*, or the rest of it that is asked for, as the next cut says."""
        how, stop = self.cuts.pop(0) if self.cuts else ("", -1)
        if how == "refuse":
            self.asked[-1]["status"] = 0
            raise ConnectionCut(f"cannot reach {HOST}: Connection refused")
        first = headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        status = 206 if first and self.ranges else 200
        begin = int(first) if status == 206 else 0
        answer = Answer(status, url, {}, data[begin:], stop)
        if how == "break":
            answer.broken = ConnectionCut(f"{HOST} broke off: Connection reset by peer")
        return answer

    def _answer(self, noted: dict[str, Any], url: str, body: bytes) -> Answer:
        method, path = noted["method"], noted["path"]
        if noted["host"] == TOKENS:
            return Answer(200, url, {}, json.dumps(self.token).encode())
        if self.guard and noted["headers"].get("Authorization") != "Bearer T0K3N":
            return Answer(401, url, {"WWW-Authenticate": self.guard})
        if status := self.statuses.get(method):
            return Answer(status, url, {}, _error(status))
        if method == "POST" and path == "blobs/uploads/":
            return self._begin(url, dict(noted["query"]))
        if method == "PUT":
            return self._end(url, dict(noted["query"]), body)
        found = self.blobs.get(path.rpartition("/")[2])
        if found is None or method not in ("GET", "HEAD"):
            return Answer(404, url, {}, _error(404))
        return (
            Answer(200, url, {}) if method == "HEAD" else self.content(url, found, noted["headers"])
        )

    def _begin(self, url: str, query: dict[str, str]) -> Answer:
        wanted = query.get("mount", "")
        if wanted and wanted in self.others.get(query.get("from", ""), ()):
            return Answer(201, url, {"Location": f"/v2/web/blobs/{wanted}"})
        return Answer(202, url, {"Location": self.place} if self.place else {})

    def _end(self, url: str, query: dict[str, str], body: bytes) -> Answer:
        """Take an upload at the URL that was given for it, if it is what its digest says."""
        place = urlsplit(self.place)
        there = urlsplit(url).path.endswith(place.path)
        kept = dict(parse_qsl(place.query)).items() <= query.items()
        if not there or not kept:
            return Answer(404, url, {}, _error(404, "BLOB_UPLOAD_UNKNOWN"))
        if query.get("digest") != digest(body):
            return Answer(400, url, {}, _error(400, "DIGEST_INVALID"))
        self.blobs[digest(body)] = body
        return Answer(201, url, {"Location": f"/v2/web/blobs/{digest(body)}"})


def _content(body: Any) -> bytes:
    """Return what would go over the wire: a file is sent from its beginning."""
    if isinstance(body, bytes):
        return body
    body.seek(0)
    return bytes(body.read())


def _error(status: int, code: str = "REFUSED") -> bytes:
    return json.dumps({"errors": [{"code": code, "message": f"the reason for {status}"}]}).encode()


@contextmanager
def served(root: str, users: Any = None) -> Iterator[str]:
    """Serve a real registry from a thread on a port of its own; yield its URL."""
    import threading

    from mini_docker import registry_serve, registry_serve_auth, registry_serve_store

    storage = registry_serve_store.Storage(root)
    known = users or registry_serve_auth.Users({})
    with registry_serve.Server(("127.0.0.1", 0), storage, known) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
