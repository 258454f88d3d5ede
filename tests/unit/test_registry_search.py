"""Search, by Docker Hub's old way and in a catalog; proxies on the way there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import registry_endpoints, registry_network, registry_search
from mini_docker.cli import options, search
from mini_docker.errors import RegistryError, UsageError
from mini_docker.store import Store
from tests.registries import Answer, Fake, fake

ROWS = [
    {"name": "busybox", "description": "Busybox base image.\nSmall.", "star_count": 3000,
     "is_official": True, "is_automated": False},
    {"name": "me/busybox", "description": "x" * 60, "star_count": 4, "is_automated": True},
    {"name": "odd", "description": None, "star_count": "many", "is_official": 1},
    "nonsense",
]  # fmt: skip


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(registry_endpoints, "PAUSE", 0.001)
    monkeypatch.setenv("MINI_DOCKER_CONFIG", str(tmp_path / "daemon.json"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with fake() as it:
        monkeypatch.setattr(registry_search, "HUB_INDEX", it.base)
        it.answers["/v1/search"] = Answer(200, json.dumps({"results": ROWS}).encode())
        yield it


def found(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    """Run a search; return the words of its rows."""
    values = options.parse(search.COMMAND, words)
    assert search.execute(values, Store("/nonexistent")) == 0
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_docker_hub_is_searched(server: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    rows = found(capsys, "busybox")
    assert rows[0] == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL", "AUTOMATED"]
    assert rows[1] == ["busybox", "Busybox", "base", "image.", "Small.", "3000", "[OK]"]
    assert rows[2] == ["me/busybox", f"{'x' * 44}…", "4", "[OK]"]
    assert rows[3] == ["odd", "0"]
    assert server.seen[-1].path == "/v1/search?q=busybox&n=25"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["-f", "stars=5"], ["busybox"]),
        (["-f", "is-official=true"], ["busybox"]),
        (["-f", "is-automated=true"], ["me/busybox"]),
        (["-f", "is-official=false", "-f", "stars=1"], ["me/busybox"]),
        (["--limit", "1"], ["busybox"]),
    ],
)
def test_filters(
    server: Fake, capsys: pytest.CaptureFixture[str], words: list[str], names: list[str]
) -> None:
    rows = found(capsys, *words, "--format", "{{.Name}}", "x")
    assert rows == [[name] for name in names]


def test_an_index_does_not_steer_the_terminal(
    server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"name": "x\x1b[2Jy", "description": "a\x9bb\u202ec"}
    server.answers["/v1/search"] = Answer(200, json.dumps({"results": [row]}).encode())
    assert found(capsys, "x")[1][:2] == ["x\\x1b[2Jy", "a\\x9bb\\u202ec"]


@pytest.mark.parametrize(
    "words", [["-f", "stars=many"], ["-f", "color=red"], ["--limit", "0"], ["--limit", "101"]]
)
def test_what_cannot_be_searched_for(
    server: Fake, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(UsageError):
        found(capsys, *words, "x")
    assert server.seen == []


def test_a_registry_is_searched_by_its_catalog(
    server: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers["/v2/"] = Answer(200, b"{}")
    server.answers["/v1/search"] = Answer(404)
    names = json.dumps({"repositories": ["me/Box", "other", 7]}).encode()
    server.answers["/v2/_catalog"] = Answer(200, names)
    rows = found(capsys, "--format", "{{.Name}}", f"{server.host}/box")
    assert rows == [[f"{server.host}/me/Box"]]
    server.answers["/v2/_catalog"] = Answer(404)
    with pytest.raises(RegistryError, match="has no search"):
        found(capsys, f"{server.host}/box")


def test_a_proxy_is_asked(server: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "daemon.json").write_text('{"insecure-registries": ["r.invalid:80"]}')
    server.answers["http://r.invalid:80/v2/"] = Answer(200, b"{}")
    monkeypatch.setenv("HTTP_PROXY", server.base.replace("//", "//me:s%40cret@"))
    session = registry_endpoints.Endpoints().session("r.invalid:80", "x", [])
    assert session.base == "http://r.invalid:80"
    assert server.seen[0].headers["proxy-authorization"] == "Basic bWU6c0BjcmV0"
    monkeypatch.setenv("NO_PROXY", ".invalid")
    with pytest.raises(RegistryError, match=r"r\.invalid"):
        registry_endpoints.Endpoints().session("r.invalid:80", "x", [])
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("host", "wanted"),
    [("r.example", "http://p:1"), ("127.0.0.1", ""), ("localhost", ""), ("a.local", "")],
)
def test_who_needs_a_proxy(monkeypatch: pytest.MonkeyPatch, host: str, wanted: str) -> None:
    monkeypatch.setenv("https_proxy", "p:1")
    monkeypatch.setenv("no_proxy", "local,other.example")
    assert registry_network.proxy(("https", host, 443)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", 0), ("7", 7), ("-7", 0), ("soon", 0), ("9" * 40, 999999999),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9)],
)  # fmt: skip
def test_a_wait_is_a_number_or_a_date(text: str, wanted: float) -> None:
    assert registry_network.asked_to_wait(text) >= wanted
    assert wanted or registry_network.asked_to_wait(text) == 0
