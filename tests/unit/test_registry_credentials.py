"""Who we are at a registry: the file, its format, the helpers."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from mini_docker import registry_credentials
from mini_docker.errors import ConfigError
from mini_docker.registry_credentials import Login

HELPER = """#!/bin/sh
# A helper as Docker's: one file for each server, below $STORE.
key=$(head -c 1000 | tee "$STORE/last" | sed -n 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/p')
[ -n "$key" ] || key=$(cat "$STORE/last")
file=$STORE/$(printf %s "$key" | tr / _)
case $1 in
store) cp "$STORE/last" "$file" ;;
get) cat "$file" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) rm -f "$file" ;;
esac
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    return tmp_path


def put(path: Path, config: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def helper(home: Path, monkeypatch: pytest.MonkeyPatch, text: str = HELPER) -> Path:
    program = home / "bin/docker-credential-keys"
    program.parent.mkdir()
    program.write_text(text)
    program.chmod(0o755)
    (home / "keys").mkdir()
    monkeypatch.setenv("STORE", str(home / "keys"))
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return home / "keys"


def test_a_login_is_kept_as_docker_keeps_it(home: Path) -> None:
    file = registry_credentials.save("r.example:5000", Login("me", "s:ecret"))
    assert file == str(home / ".mini-docker/config.json")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(home / ".mini-docker").st_mode) == 0o700
    auth = base64.b64encode(b"me:s:ecret").decode()
    assert json.loads(Path(file).read_text()) == {"auths": {"r.example:5000": {"auth": auth}}}
    found = registry_credentials.find("r.example:5000")
    assert found and (found.user, found.password) == ("me", "s:ecret")
    assert registry_credentials.find("other.example") is None
    assert registry_credentials.erase("r.example:5000")
    assert not registry_credentials.erase("r.example:5000")
    assert registry_credentials.find("r.example:5000") is None


def test_what_else_is_in_the_file_stays(home: Path) -> None:
    file = put(home / ".mini-docker/config.json", {"detachKeys": "ctrl-e", "auths": {"a": {}}})
    file.chmod(0o644)
    registry_credentials.save("docker.io", Login("me", "secret"))
    found = json.loads(file.read_text())
    assert found["detachKeys"] == "ctrl-e"
    assert set(found["auths"]) == {"a", "https://index.docker.io/v1/"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_dockers_own_file_is_read_and_left_alone(home: Path) -> None:
    auth = base64.b64encode(b"me:secret").decode()
    docker = put(home / ".docker/config.json", {"auths": {"https://r.example/v1/": {"auth": auth}}})
    before = docker.read_bytes()
    found = registry_credentials.find("r.example")
    assert found and found.user == "me"
    registry_credentials.save("r.example", Login("you", "other"))
    found = registry_credentials.find("r.example")
    assert found and found.user == "you"
    registry_credentials.erase("r.example")
    assert docker.read_bytes() == before


def test_docker_config_names_the_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "here"))
    assert registry_credentials.save("r.example", Login("a", "b")) == str(home / "here/config.json")
    put(home / ".docker/config.json", {"auths": {"x.example": {"auth": "YTpi"}}})
    assert registry_credentials.find("x.example") is None


def test_a_link_is_written_through(home: Path) -> None:
    real = put(home / "real/config.json", {})
    (home / ".mini-docker").mkdir()
    (home / ".mini-docker/config.json").symlink_to(real)
    registry_credentials.save("r.example", Login("a", "b"))
    assert "r.example" in real.read_text()
    assert (home / ".mini-docker/config.json").is_symlink()


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_helper_keeps_the_password(home: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    keys = helper(home, monkeypatch)
    value: object = "keys" if key == "credsStore" else {"r.example": "keys"}
    file = put(home / ".mini-docker/config.json", {key: value})
    assert registry_credentials.find("r.example") is None
    assert registry_credentials.save("r.example", Login("me", "secret")) == ""
    assert "secret" not in file.read_text()
    assert json.loads((keys / "r.example").read_text())["Secret"] == "secret"
    found = registry_credentials.find("r.example")
    assert found and (found.user, found.password) == ("me", "secret")
    assert registry_credentials.erase("r.example")
    assert not (keys / "r.example").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#!/bin/sh\necho no key ring here; exit 1\n", "no key ring here"),
        ("#!/bin/sh\necho '{'\n", "no JSON"),
        ("not a program", "cannot run"),
    ],
)
def test_a_helper_that_fails_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    helper(home, monkeypatch, text)
    put(home / ".mini-docker/config.json", {"credsStore": "keys"})
    with pytest.raises(ConfigError, match=f"docker-credential-keys.*{why}|{why}.*keys"):
        registry_credentials.find("r.example")


@pytest.mark.parametrize("name", ["../../bin/sh", "a/b", "-x", "a b", "", 7])
def test_a_helper_has_a_name_and_no_path(home: Path, name: object) -> None:
    put(home / ".mini-docker/config.json", {"credHelpers": {"r.example": name}})
    if not name:
        assert registry_credentials.find("r.example") is None
        return
    with pytest.raises(ConfigError, match="not the name of a helper"):
        registry_credentials.find("r.example")


@pytest.mark.parametrize(
    "config",
    [[], {"auths": [1]}, {"auths": {"r.example": "x"}}, {"auths": {"r.example": {"auth": "%"}}},
     {"auths": {"r.example": {"auth": "bm9jb2xvbg=="}}}],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_named(home: Path, config: object) -> None:
    put(home / ".mini-docker/config.json", config)
    with pytest.raises(ConfigError, match=r"config\.json"):
        registry_credentials.find("r.example")


def test_an_identity_token_is_exchanged(home: Path) -> None:
    entry = {"auth": base64.b64encode(b"me:").decode(), "identitytoken": "I"}
    put(home / ".mini-docker/config.json", {"auths": {"r.example": entry}})
    found = registry_credentials.find("r.example")
    assert found and found.identity == "I"
    form = dict(
        parse_qsl(found.refresh([("service", "s"), ("scope", "a"), ("scope", "b")]).decode())
    )
    assert form["grant_type"] == "refresh_token" and form["refresh_token"] == "I"
    assert (form["service"], form["scope"]) == ("s", "a b")
