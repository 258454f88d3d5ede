"""A small registry: enough for a class, and for everything that the protocol promises.

It speaks the pull, push and listing parts of the distribution protocol, over HTTP or TLS, a
thread to a connection. Clients are strangers: headers, documents, uploads and connections are
bounded, a client that says nothing is left, and every blob is hashed before it has a name.
Nothing is ever removed; stop the registry and remove its directory.

distribution-spec, spec.md; the header Docker-Distribution-Api-Version is Docker's.
"""

from __future__ import annotations

import re
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlencode

from mini_docker import records
from mini_docker.errors import MiniDockerError, reason
from mini_docker.registry_serve_bodies import Bodies
from mini_docker.registry_serve_store import LIMIT, Refusal
from mini_docker.registry_serve_uploads import Uploads

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any

    from mini_docker.registry_serve_auth import Users
    from mini_docker.registry_serve_store import Storage

SILENCE = 60.0  # seconds that a client may say nothing
CONNECTIONS = 128
TLS_HELLO = b"\x16"  # the first byte of a client's handshake
PAGE = 1000  # names or tags in one answer
PATH = re.compile(
    r"/v2/(?P<name>.{1,300})/(?:(?P<tags>tags/list)|manifests/(?P<manifest>[^/]{1,200})"
    r"|blobs/uploads/(?P<upload>[^/]{0,100})|blobs/(?P<blob>[^/]{1,200}))"
)


class Server(ThreadingHTTPServer):
    """The registry in *storage* at *address*, for *users*."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        storage: Storage,
        users: Users,
        context: ssl.SSLContext | None = None,
        read_only: bool = False,
    ) -> None:
        self.storage = storage
        self.uploads = Uploads(storage)
        self.users = users
        self.context = context
        self.read_only = read_only
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Take the address as it is: http.server would ask for its name, and wait."""
        socketserver.TCPServer.server_bind(self)

    def server_close(self) -> None:
        """Stop listening; what is half uploaded goes."""
        super().server_close()
        self.uploads.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, as soon as there is room for one."""
        self._room.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the requests of a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in one line what ended a connection: TLS that did not come about, or a bug."""
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError)):
            print(f"{client_address[0]}: {type(error).__name__}: {error}", file=sys.stderr)


class Handler(Bodies, BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "mini-docker-registry"
    sys_version = ""
    timeout = SILENCE
    disable_nagle_algorithm = True  # headers and body are two writes

    def setup(self) -> None:
        """Shake hands, where there is TLS."""
        if self.server.context:
            self.request.settimeout(SILENCE)
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        """Serve the connection; who tries TLS where there is none learns it, and no more."""
        plain = self.server.context is None
        if plain and self.request.recv(1, socket.MSG_PEEK) == TLS_HELLO:
            self.wfile.write(b"HTTP/1.0 400 This registry does not speak TLS\r\n\r\n")
            return
        super().handle()

    def do_GET(self) -> None:
        """Answer any request: refuse it with a status and a code, or do what it asks for."""
        try:
            self._begin()
            self._route()
        except Refusal as error:
            self._refuse(error)
        except MiniDockerError as error:
            self._refuse(Refusal(500, "UNKNOWN", str(error)))
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except OSError as error:
            self._refuse(Refusal(507 if error.errno == 28 else 500, "UNKNOWN", reason(error)))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _begin(self) -> None:
        self.begin_body()
        if not self.server.users.admits(self.headers.get("Authorization", "")):
            raise Refusal(401, "UNAUTHORIZED", "authentication required")
        if self.server.read_only and self.command not in ("GET", "HEAD"):
            raise Refusal(405, "UNSUPPORTED", "this registry is read-only")

    def _route(self) -> None:
        path, _, query = self.path.partition("?")
        fields = parse_qs(query[:8192], max_num_fields=20)
        self.fields = {key: values[0] for key, values in fields.items()}
        path = unquote(path)
        if path in ("/v2", "/v2/"):
            return self._answer(200, b"{}")
        if path == "/v2/_catalog":
            return self._page("repositories", self.server.storage.repositories(), {}, path)
        found = PATH.fullmatch(path)
        if not found:
            raise Refusal(404, "UNSUPPORTED", "no such path")
        name = found["name"]
        if found["tags"]:
            return self._page("tags", self.server.storage.tags(name), {"name": name}, path)
        if found["manifest"]:
            return self._manifest(name, found["manifest"])
        if found["blob"]:
            return self._blob(name, found["blob"])
        return self._upload(name, found["upload"])

    def _manifest(self, name: str, wanted: str) -> None:
        storage = self.server.storage
        if self.command == "PUT":
            kind = self.headers.get("Content-Type", "")
            digest = storage.put_manifest(name, wanted, kind, self.whole(LIMIT))
            where = f"/v2/{name}/manifests/{digest}"
            return self._answer(201, b"", {"Location": where, "Docker-Content-Digest": digest})
        self._only("GET", "HEAD")
        path, digest, kind = storage.manifest(name, wanted)
        return self.send_blob(path, digest, kind)

    def _blob(self, name: str, digest: str) -> None:
        self._only("GET", "HEAD")
        path = self.server.storage.blob(name, digest)
        self.send_blob(path, digest, "application/octet-stream")

    def _upload(self, name: str, id: str) -> None:
        uploads, storage, fields = self.server.uploads, self.server.storage, self.fields
        if not id:
            self._only("POST")
            digest, source = fields.get("mount", ""), fields.get("from", "")
            if digest and source and storage.has(source, digest):
                storage.link(name, digest)
                return self._stored(name, digest)
            upload = uploads.begin(name)
            if "digest" not in fields:
                return self._status(202, upload)
        else:
            upload = uploads.find(name, id)
            self._only("PATCH", "PUT", "GET", "DELETE")
        if self.command == "GET":
            return self._status(204, upload)
        if self.command == "DELETE":
            uploads.drop(upload)
            return self._answer(204, b"")
        uploads.add(upload, self.pieces(), self.offset())
        if self.command == "PATCH":
            return self._status(202, upload)
        uploads.finish(upload, fields.get("digest", ""))
        return self._stored(name, fields["digest"])

    def _only(self, *methods: str) -> None:
        if self.command not in methods:
            raise Refusal(405, "UNSUPPORTED", f"{self.command} is not for this")

    def _stored(self, name: str, digest: str) -> None:
        where = f"/v2/{name}/blobs/{digest}"
        self._answer(201, b"", {"Location": where, "Docker-Content-Digest": digest})

    def _status(self, status: int, upload: Any) -> None:
        headers = {
            "Location": f"/v2/{upload.name}/blobs/uploads/{upload.id}",
            "Range": f"0-{max(upload.count - 1, 0)}",
            "Docker-Upload-UUID": upload.id,
        }
        self._answer(status, b"", headers)

    def _page(self, key: str, rows: list[str], more: dict[str, Any], path: str) -> None:
        """Answer with a part of *rows*: n of them, behind the one called last."""
        text, last = self.fields.get("n", ""), self.fields.get("last", "")
        count = (
            min(int(text), PAGE) if text.isascii() and text.isdigit() and text[:5] == text else PAGE
        )
        rows = [row for row in rows if row > last]
        part, headers = rows[:count], {}
        if part and len(rows) > len(part):
            query = urlencode({"last": part[-1], "n": count})
            headers["Link"] = f'<{quote(path)}?{query}>; rel="next"'
        self._answer(200, records.dump({**more, key: part}).encode(), headers)

    def _refuse(self, error: Refusal) -> None:
        self.close_connection = self.close_connection or not self.spare()
        headers = {}
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="mini-docker registry"'
        body = {"errors": [{"code": error.code, "message": str(error), "detail": None}]}
        self._answer(error.status, records.dump(body).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if not self.spare():
            self.close_connection = True
        self.begin_answer(status, len(body), "application/json", headers or {})
        if self.command != "HEAD":
            self.wfile.write(body)
