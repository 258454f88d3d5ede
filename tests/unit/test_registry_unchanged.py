"""A second pull asks one question, and trusts an answer only if all of it is plain."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import (
    image_lookup,
    image_store,
    images,
    records,
    registry_endpoints,
    registry_progress,
    registry_pull,
    registry_unchanged,
)
from mini_docker.cli import pull as command
from mini_docker.store import Store
from tests.registries import INDEX, MANIFEST, Answer, Fake, Image, digest, fake, row

REPO = Path(__file__).parents[2]
ONE, OTHER = Image({"file": b"one"}), Image({"file": b"other"})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(registry_endpoints, "PAUSE", 0.001)
    monkeypatch.setenv("MINI_DOCKER_CONFIG", str(tmp_path / "daemon.json"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake() as it:
        yield it


@pytest.fixture
def root(tmp_path: Path, server: Fake) -> str:
    """Return a store that has ONE from *server*, which says so from now on."""
    ONE.give(server)
    pull(str(tmp_path), server)
    say(server, digest(ONE.manifest))
    server.seen.clear()
    return str(tmp_path)


def pull(root: str, server: Fake, name: str = "x:1") -> None:
    endpoints = registry_endpoints.Endpoints()
    puller = registry_pull.Puller(root, endpoints, registry_progress.Progress(None), "")
    puller.pull(images.parse(f"{server.host}/{name}"))


def say(server: Fake, found: str, status: int = 200) -> None:
    headers = {"Content-Type": MANIFEST, "Docker-Content-Digest": found}
    server.answers["HEAD /v2/x/manifests/1"] = Answer(status, b"", headers)


def ask(root: str, server: Fake, name: str = "x:1") -> str:
    return registry_unchanged.digest(root, images.parse(f"{server.host}/{name}"))


def test_one_question_is_enough(root: str, server: Fake) -> None:
    assert ask(root, server) == digest(ONE.manifest)
    assert [repr(it) for it in server.seen] == ["HEAD /v2/x/manifests/1"]
    asked = server.seen[0].headers
    assert asked["Host"] == server.host
    assert "Authorization" not in asked
    for kind in (*image_store.MANIFEST_TYPES, *image_store.INDEX_TYPES):
        assert kind in asked["Accept"]


def test_the_command_says_what_docker_says(root: str, server: Fake) -> None:
    out = io.StringIO()
    command.pull(Store(root), [images.parse(f"{server.host}/x:1")], "", out)
    assert out.getvalue().splitlines() == [
        "1: Pulling from x",
        f"Digest: {digest(ONE.manifest)}",
        f"Status: Image is up to date for {server.host}/x:1",
    ]
    assert len(server.seen) == 1


def test_another_digest_takes_the_ordinary_way(root: str, server: Fake) -> None:
    OTHER.give(server)
    say(server, digest(OTHER.manifest))
    assert ask(root, server) == ""
    out = io.StringIO()
    command.pull(Store(root), [images.parse(f"{server.host}/x:1")], "", out)
    assert "Status: Downloaded newer image" in out.getvalue()
    assert image_lookup.find(root, f"{server.host}/x:1").id == digest(OTHER.config)


def test_a_platform_takes_the_ordinary_way(root: str, server: Fake) -> None:
    out = io.StringIO()
    command.pull(Store(root), [images.parse(f"{server.host}/x:1")], "linux/amd64", out)
    assert not [it for it in server.seen if it.method == "HEAD"]


@pytest.mark.parametrize("status", [201, 206, 301, 400, 401, 404, 429, 500])
def test_any_other_status_is_no_answer(root: str, server: Fake, status: int) -> None:
    say(server, digest(ONE.manifest), status)
    assert ask(root, server) == ""


def test_what_is_not_here_is_not_asked_for(root: str, server: Fake) -> None:
    for name in ("x:2", "y:1", f"x@{digest(ONE.manifest)}", f"x:1@{digest(ONE.manifest)}", "x"):
        assert ask(root, server, name) == ""
    assert server.seen == []


def test_an_image_that_lacks_a_layer_is_pulled_again(root: str, server: Fake) -> None:
    name = f"{server.host}/x:1"
    shutil.rmtree(image_lookup.find(root, name).layers()[0])
    assert ask(root, server) == ""
    assert server.seen == []
    command.pull(Store(root), [images.parse(name)], "", None)
    assert image_lookup.find(root, name).id == digest(ONE.config)


def test_an_image_that_was_never_pulled_is_not_unchanged(root: str, server: Fake) -> None:
    name = f"{server.host}/x"
    rows = [it for it in image_store.entries(root) if image_store.name_of(it) == f"{name}:1"]
    image_store.write_index(root, rows)
    assert ask(root, server) == ""
    assert server.seen == []


def test_an_index_takes_the_ordinary_way(tmp_path: Path, server: Fake) -> None:
    ONE.give(server, tag=digest(ONE.manifest))
    platform = {"os": "linux", "architecture": "amd64"}
    rows = [{**row(ONE.manifest, MANIFEST), "platform": platform}]
    body = records.dump({"schemaVersion": 2, "manifests": rows}).encode()
    server.answers["/v2/x/manifests/1"] = Answer(200, body, {"Content-Type": INDEX})
    pull(str(tmp_path), server)
    for said in (digest(body), digest(ONE.manifest)):
        say(server, said)
        assert ask(str(tmp_path), server) == ""


@pytest.mark.parametrize(
    "domain",
    ["docker.io", "127.0.0.1.example", "1270.0.0.1", "10.0.0.1:5000", "[::1]:5000", "127.0.0"],
)
def test_what_is_not_on_this_machine_is_asked_the_ordinary_way(
    domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it was asked")

    monkeypatch.setattr(registry_unchanged, "_ask", never)
    monkeypatch.setattr(image_store, "locate", never)
    assert registry_unchanged.digest("/nowhere", images.Reference(domain, "x", "1")) == ""


def test_localhost_is_this_machine(root: str, server: Fake) -> None:
    port = server.host.partition(":")[2]
    here = images.Reference(f"localhost:{port}", "x", "1")
    assert registry_unchanged._ask(here) == digest(ONE.manifest)


GOOD = b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:1\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n",  # TLS
        b"\r\n\r\n",
        b"HTTP/1.1\r\nDocker-Content-Digest: sha256:1\r\n\r\n",
        b"ICY 200 OK\r\nDocker-Content-Digest: sha256:1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nDocker-Content-Digest: sha256:1\r\n",  # in the body
        GOOD,  # its end is missing
        GOOD + b"X: " + b"x" * 2**15 + b"\r\n\r\n",
    ],
)
def test_a_damaged_answer_is_none(answer: bytes) -> None:
    with speaking(answer) as reference:
        assert registry_unchanged._ask(reference) == ""


def test_a_name_of_a_header_may_be_written_in_any_case() -> None:
    with speaking(b"HTTP/1.0 200 OK\r\ndocker-CONTENT-digest:  sha256:2 \r\n\r\n") as reference:
        assert registry_unchanged._ask(reference) == "sha256:2"


def test_a_silent_registry_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_unchanged, "TIMEOUT", 0.2)
    with speaking(None) as reference:
        begin = time.monotonic()
        assert registry_unchanged._ask(reference) == ""
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("port", ["1", "0", "99999", "9" * 40])
def test_nobody_there_is_no_answer(port: str) -> None:
    there = images.Reference(f"127.0.0.1:{port}", "x", "1")
    assert registry_unchanged._ask(there) == ""


class speaking:
    """A server that gives one answer, and closes; None keeps silent."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer

    def __enter__(self) -> images.Reference:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.done = threading.Event()
        self.thread.start()
        return images.Reference(f"127.0.0.1:{self.listener.getsockname()[1]}", "x", "1")

    def serve(self) -> None:
        link, _ = self.listener.accept()
        with link:
            link.recv(2**16)
            if self.answer is None:
                self.done.wait(10)
            else:
                link.sendall(self.answer)

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join(10)
        self.listener.close()


def test_it_imports_no_library_for_http(root: str, server: Fake) -> None:
    script = (
        "import sys; from mini_docker.cli import main; code = main.main(); "
        "print(sorted({'urllib3', 'ssl', 'http.client', 'socket', 're'} & set(sys.modules)))"
    )
    argv = [sys.executable, "-ISc", f"import sys; sys.path[:0] = [{str(REPO)!r}]; {script}"]
    words = ["--root", root, "pull", "-q", f"{server.host}/x:1"]
    environment = {**os.environ, "MINI_DOCKER_LABS": ""}
    done = subprocess.run([*argv, *words], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == [f"{server.host}/x:1", "[]"], done.stderr
