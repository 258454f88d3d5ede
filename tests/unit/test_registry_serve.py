"""registry serve: what the protocol promises, and clients that mean harm."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from mini_docker import registry_serve, registry_serve_auth, registry_serve_uploads
from mini_docker.errors import ConfigError
from mini_docker.registry_serve_auth import Users
from mini_docker.registry_serve_store import Storage
from tests.registries import MANIFEST, Image, digest

BLOB = os.urandom(300_000)


class Registry:
    """A registry of ours that runs, and a client."""

    def __init__(self, root: Path, users: Users | None = None, read_only: bool = False) -> None:
        storage = Storage(str(root))
        self.server = registry_serve.Server(
            ("127.0.0.1", 0), storage, users or Users({}), None, read_only
        )
        self.port = int(self.server.server_address[1])
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """Send bytes, and return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as it:
            with contextlib.suppress(OSError):
                it.sendall(data)
                it.shutdown(socket.SHUT_WR)
            found = b""
            with contextlib.suppress(OSError):  # it did not read all that we sent
                while piece := it.recv(65536):
                    found += piece
            return found

    def upload(self, name: str, data: bytes) -> int:
        _, headers, _ = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        where = f"{headers['Location']}?digest={digest(data)}"
        return self.ask("PUT", where, data)[0]

    def push(self, name: str, tag: str, it: Image) -> int:
        for blob in (it.config, *it.layers):
            assert self.upload(name, blob) == 201
        headers = {"Content-Type": MANIFEST}
        return self.ask("PUT", f"/v2/{name}/manifests/{tag}", it.manifest, headers)[0]


@pytest.fixture
def registry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Registry]:
    it = Registry(tmp_path)
    yield it
    it.close()


def code(body: bytes) -> str:
    return str(json.loads(body)["errors"][0]["code"])


def test_an_image_goes_in_and_comes_out(registry: Registry, tmp_path: Path) -> None:
    it = Image({"f": b"x"})
    assert registry.push("me/x", "1", it) == 201
    for wanted in ("1", digest(it.manifest)):
        status, headers, body = registry.ask("GET", f"/v2/me/x/manifests/{wanted}")
        assert (status, body, headers["Content-Type"]) == (200, it.manifest, MANIFEST)
        assert headers["Docker-Content-Digest"] == digest(it.manifest)
    status, headers, body = registry.ask("HEAD", f"/v2/me/x/blobs/{digest(it.layers[0])}")
    assert (status, headers["Content-Length"], body) == (200, str(len(it.layers[0])), b"")
    assert os.listdir(tmp_path / "uploads") == []


def test_a_part_of_a_blob(registry: Registry) -> None:
    registry.upload("x", BLOB)
    path = f"/v2/x/blobs/{digest(BLOB)}"
    for text, start, end in (
        ("100-", 100, len(BLOB)),
        ("5-9", 5, 10),
        ("7-999999999", 7, len(BLOB)),
    ):
        status, headers, body = registry.ask("GET", path, headers={"Range": f"bytes={text}"})
        assert (status, body) == (206, BLOB[start:end])
        assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(BLOB)}"
    assert registry.ask("GET", path, headers={"Range": f"bytes={len(BLOB)}-"})[0] == 416
    assert registry.ask("GET", path, headers={"Range": "bytes=-5"})[2] == BLOB


def test_a_blob_in_pieces(registry: Registry) -> None:
    _, headers, _ = registry.ask("POST", "/v2/x/blobs/uploads/")
    where = headers["Location"]
    status, headers, _ = registry.ask("PATCH", where, BLOB[:1000], {"Content-Range": "0-999"})
    assert (status, headers["Range"]) == (202, "0-999")
    assert registry.ask("PATCH", where, b"x", {"Content-Range": "5-5"})[0] == 416
    pieces = iter([BLOB[1000:2000], BLOB[2000:]])  # chunked
    assert registry.ask("PATCH", where, pieces)[0] == 202
    assert registry.ask("GET", where)[1]["Range"] == f"0-{len(BLOB) - 1}"
    assert registry.ask("PUT", f"{where}?digest={digest(BLOB)}")[0] == 201
    assert registry.ask("GET", f"/v2/x/blobs/{digest(BLOB)}")[2] == BLOB
    assert registry.ask("GET", where)[0] == 404


def test_a_blob_in_one_post_and_by_mount(registry: Registry) -> None:
    status, _, _ = registry.ask("POST", f"/v2/x/blobs/uploads/?digest={digest(BLOB)}", BLOB)
    assert status == 201
    mount = f"/v2/y/blobs/uploads/?mount={digest(BLOB)}&from="
    assert registry.ask("GET", f"/v2/y/blobs/{digest(BLOB)}")[0] == 404
    assert registry.ask("POST", f"{mount}z")[0] == 202
    assert registry.ask("POST", f"{mount}x")[0] == 201
    assert registry.ask("GET", f"/v2/y/blobs/{digest(BLOB)}")[2] == BLOB


def test_another_content_than_its_digest_is_refused(registry: Registry, tmp_path: Path) -> None:
    _, headers, _ = registry.ask("POST", "/v2/x/blobs/uploads/")
    status, _, body = registry.ask("PUT", f"{headers['Location']}?digest={digest(BLOB)}", b"other")
    assert (status, code(body)) == (400, "DIGEST_INVALID")
    assert os.listdir(tmp_path / "blobs/sha256") == os.listdir(tmp_path / "uploads") == []


def test_an_upload_can_be_given_up(registry: Registry, tmp_path: Path) -> None:
    _, headers, _ = registry.ask("POST", "/v2/x/blobs/uploads/")
    assert len(os.listdir(tmp_path / "uploads")) == 1
    assert registry.ask("DELETE", headers["Location"])[0] == 204
    assert os.listdir(tmp_path / "uploads") == []


def test_uploads_without_life_go(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_serve_uploads, "MOST", 3)
    for _ in range(3):
        assert registry.ask("POST", "/v2/x/blobs/uploads/")[0] == 202
    status, _, body = registry.ask("POST", "/v2/x/blobs/uploads/")
    assert (status, code(body)) == (429, "TOOMANYREQUESTS")
    monkeypatch.setattr(registry_serve_uploads, "LIFE", 0.0)
    assert registry.ask("POST", "/v2/x/blobs/uploads/")[0] == 202
    assert len(os.listdir(tmp_path / "uploads")) == 1


def test_what_a_killed_registry_left_is_gone(tmp_path: Path) -> None:
    Storage(str(tmp_path))
    (tmp_path / "uploads/abc").write_bytes(b"half")
    Registry(tmp_path).close()
    assert os.listdir(tmp_path / "uploads") == []


def test_tags_and_names_come_page_by_page(registry: Registry) -> None:
    it = Image()
    for name in ("a", "b/c", "d"):
        for tag in ("1", "2", "3"):
            registry.push(name, tag, it)
    _, headers, body = registry.ask("GET", "/v2/_catalog?n=2")
    assert json.loads(body)["repositories"] == ["a", "b/c"]
    assert headers["Link"] == '</v2/_catalog?last=b%2Fc&n=2>; rel="next"'
    _, headers, body = registry.ask("GET", "/v2/_catalog?last=b%2Fc&n=2")
    assert json.loads(body)["repositories"] == ["d"] and "Link" not in headers
    _, headers, body = registry.ask("GET", "/v2/b/c/tags/list?n=2&last=1")
    assert json.loads(body) == {"name": "b/c", "tags": ["2", "3"]}
    assert registry.ask("GET", "/v2/nobody/tags/list")[0] == 404
    assert len(json.loads(registry.ask("GET", "/v2/_catalog?n=x")[2])["repositories"]) == 3


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b"{}", 400),
        (b'{"config": 1, "layers": [2]}', 400),
        (b'{"config": {}, "layers": {}}', 400),
        (b'{"config": {"digest": "sha256:../../x"}, "layers": []}', 400),
        (b'{"config": {"digest": "sha256:' + b"0" * 64 + b'"}, "layers": []}', 404),
        (b'{"mediaType": "text/html", "config": {}, "layers": []}', 400),
        (b" " * (4 * 2**20 + 1), 413),
    ],
)
def test_a_manifest_that_leads_nowhere_is_refused(
    registry: Registry, change: bytes, status: int
) -> None:
    headers = {"Content-Type": MANIFEST}
    assert registry.ask("PUT", "/v2/x/manifests/1", change, headers)[0] == status
    assert registry.ask("GET", "/v2/x/manifests/1")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v2/../../../etc/passwd",
        "/v2/x/blobs/../../../../etc/passwd",
        "/v2/%2e%2e/%2e%2e/manifests/1",
        "/v2/x/manifests/..",
        "/v2/x/manifests/%2e%2e%2fpasswd",
        "/v2/_blobs/tags/list",
        "/v2/x/_manifests/tags/list",
        "/v2/X/tags/list",
        "/v2/x%00/tags/list",
        f"/v2/{'a/' * 200}b/tags/list",
        "/v2/x/blobs/sha256:" + "0" * 63 + "/",
        "/v2/x/blobs/sha512:" + "0" * 128,
        "/v2/x/blobs/uploads/../../x",
        "/v2/x/blobs/uploads/nosuch",
        "/etc/passwd",
        "/",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_strange_paths_are_refused(
    registry: Registry, tmp_path: Path, path: str, method: str
) -> None:
    data = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    status = int(registry.raw(data).split()[1])
    assert 400 <= status < 500
    assert sorted(os.listdir(tmp_path)) == ["blobs", "repositories", "uploads"]


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 99999999999999999999999",
        "Content-Length: \u0665",
        "Transfer-Encoding: gzip, chunked",
    ],
)
def test_a_body_of_unclear_length_ends_the_connection(registry: Registry, head: str) -> None:
    data = f"PATCH /v2/x/blobs/uploads/1 HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode()
    found = registry.raw(data + b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 400") and found.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"-5\r\nhello\r\n", b"f" * 2000, b"5\r\nhel", b""])
def test_damaged_chunks_end_the_connection(registry: Registry, chunks: bytes) -> None:
    _, headers, _ = registry.ask("POST", "/v2/x/blobs/uploads/")
    head = f"PATCH {headers['Location']} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert registry.raw(head + chunks).count(b"HTTP/1.1 20") == 0


def test_a_body_that_breaks_off_can_be_gone_on_with(registry: Registry) -> None:
    _, headers, _ = registry.ask("POST", "/v2/x/blobs/uploads/")
    where = headers["Location"]
    head = f"PATCH {where} HTTP/1.1\r\nContent-Length: {len(BLOB)}\r\n\r\n".encode()
    registry.raw(head + BLOB[:1000])
    count = int(registry.ask("GET", where)[1]["Range"].partition("-")[2]) + 1
    assert registry.ask("PATCH", where, BLOB[count:], {"Content-Range": f"{count}-{len(BLOB)}"})
    assert registry.ask("PUT", f"{where}?digest={digest(BLOB)}")[0] == 201


def test_too_many_headers_and_no_http_are_refused(registry: Registry) -> None:
    many = b"".join(b"X-%d: y\r\n" % n for n in range(200))
    for data, status in (
        (b"GET /v2/ HTTP/1.1\r\n" + many, b" 431 "),
        (b"GET /" + b"x" * 70_000, b" 414 "),
    ):
        said = registry.raw(data + b" HTTP/1.1\r\n\r\n")
        assert not said or status in said.split(b"\r\n")[0]
    assert b" 400 " in registry.raw(b"\x16\x03\x01\x02\x00\x01")
    assert registry.raw(b"\x00\xff\r\n\r\n") is not None
    assert registry.ask("GET", "/v2/")[0] == 200


def test_a_silent_client_is_left(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_serve.Handler, "timeout", 0.1)
    with socket.create_connection(("127.0.0.1", registry.port), 10) as it:
        it.sendall(b"PUT /v2/x/blobs/uploads/ HTTP/1.1\r\n")
        start = time.monotonic()
        assert it.recv(1) == b""
        assert time.monotonic() - start < 5


def test_a_read_only_registry_takes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    it = Registry(tmp_path, read_only=True)
    try:
        assert it.ask("GET", "/v2/")[0] == 200
        assert it.ask("POST", "/v2/x/blobs/uploads/")[0] == 405
        assert it.ask("PUT", "/v2/x/manifests/1", b"{}")[0] == 405
    finally:
        it.close()


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize("kind", ["file", "one"])
def test_only_users_are_admitted(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    users = Users({}, ("me", "secret"))
    if kind == "file":
        hash = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")
        (tmp_path / "users").write_text(f"# ours\n\nme:{hash}\n")
        users = registry_serve_auth.read(str(tmp_path / "users"))
    it = Registry(tmp_path / "root", users)
    try:
        status, headers, body = it.ask("GET", "/v2/")
        assert (status, code(body)) == (401, "UNAUTHORIZED")
        assert headers["WWW-Authenticate"].startswith("Basic realm=")
        for _ in range(2):
            assert it.ask("GET", "/v2/", headers=basic("me:secret"))[0] == 200
        for text in ("me:wrong", "you:secret", "me", ":", "", "me:secret\0", "m:e:secret"):
            assert it.ask("GET", "/v2/", headers=basic(text))[0] == 401
        for header in ("Basic", "Basic %%%", "Bearer x", "Basic /w=="):
            assert it.ask("GET", "/v2/", headers={"Authorization": header})[0] == 401
        assert it.ask("GET", "/v2/_catalog")[0] == 401
    finally:
        it.close()


@pytest.mark.parametrize("text", ["", "me\n", "me:$apr1$x$y\n", ":$2y$x\n"])
def test_a_file_of_users_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "users").write_text(text)
    with pytest.raises(ConfigError):
        registry_serve_auth.read(str(tmp_path / "users"))


def test_many_push_the_same_at_once(registry: Registry, tmp_path: Path) -> None:
    it = Image({"f": BLOB})
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(registry.push("x", f"t{n % 3}", it)))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [201] * 12
    for blob in (tmp_path / "blobs/sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
