"""Registries for tests: one that follows a script, and images to put into it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class Answer:
    """What a script says: *body* under *status*; *cut* bytes of it, and the connection ends."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        cut: int = -1,
        length: int | None = -1,
    ) -> None:
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.cut = cut
        self.length = len(body) if length == -1 else length  # None: no Content-Length


class Request:
    """What came: method, path with its query, headers, body."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"


Script = Answer | list[Answer] | Callable[[Request], Answer]


class Fake:
    """A server whose answers are given by path; a list is used up to its last answer."""

    def __init__(self) -> None:
        self.answers: dict[str, Script] = {}
        self.seen: list[Request] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self.command, self.path, dict(self.headers.items()), body)
                fake.seen.append(request)
                self.say(fake.find(request))

            do_HEAD = do_POST = do_PUT = do_PATCH = do_GET

            def say(self, answer: Answer) -> None:
                self.send_response(answer.status)
                if answer.length is not None:
                    self.send_header("Content-Length", str(answer.length))
                else:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body if answer.cut < 0 else answer.body[: answer.cut])
                if answer.cut >= 0 or answer.length not in (None, len(answer.body)):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client left
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.base = f"http://{self.host}"

    def find(self, request: Request) -> Answer:
        script = self.answers.get(f"{request.method} {request.path}")
        if script is None:
            script = self.answers.get(request.path.partition("?")[0], Answer(404))
        if callable(script):
            return script(request)
        if isinstance(script, list):
            return script.pop(0) if len(script) > 1 else script[0]
        return script

    def asked(self, part: str) -> list[Request]:
        """Return the requests whose path has *part*."""
        return [it for it in self.seen if part in it.path]


@contextmanager
def fake() -> Iterator[Fake]:
    """Yield a server that runs."""
    it = Fake()
    thread = threading.Thread(target=it.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield it
    finally:
        it.server.shutdown()
        thread.join()
        it.server.server_close()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def row(data: bytes, media_type: str = LAYER) -> dict[str, Any]:
    """Return a descriptor of *data*."""
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}


def layer(files: dict[str, bytes]) -> tuple[bytes, str]:
    """Return a layer with *files*, by gzip, and its diff id; the files are our own."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, data in files.items():
            it = tarfile.TarInfo(name)
            it.size, it.uid, it.gid = len(data), os.geteuid(), os.getegid()
            archive.addfile(it, io.BytesIO(data))
    return gzip.compress(sink.getvalue(), 1, mtime=0), digest(sink.getvalue())


class Image:
    """An image: its manifest, config and layers as blobs."""

    def __init__(self, *layers: dict[str, bytes], **fields: Any) -> None:
        made = [layer(files) for files in layers]
        self.layers = [blob for blob, _ in made]
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/x"]},
            "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in made]},
            **fields,
        }
        self.config = json.dumps(document).encode()
        self.document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": row(self.config, CONFIG),
            "layers": [row(blob) for blob in self.layers],
        }

    @property
    def manifest(self) -> bytes:
        return json.dumps(self.document).encode()

    def give(self, server: Fake, name: str = "x", tag: str = "1") -> None:
        """Let *server* have the image."""
        top = f"/v2/{name}"
        server.answers["/v2/"] = Answer(200, b"{}")
        it = Answer(200, self.manifest, {"Content-Type": MANIFEST})
        server.answers[f"{top}/manifests/{tag}"] = it
        server.answers[f"{top}/manifests/{digest(self.manifest)}"] = it
        for blob in (self.config, *self.layers):
            server.answers[f"{top}/blobs/{digest(blob)}"] = Answer(200, blob)
