"""registry: the four tasks of lab 10, against a server that follows a script."""

from __future__ import annotations

import base64
import io
import json
import os
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mini_docker import registry, registry_challenges, registry_http, registry_platforms
from mini_docker.errors import ConnectionCut, RegistryError, UsageError
from mini_docker.registry_credentials import Login
from tests.registries import Answer, Fake, Request, digest, fake, row

BLOB = os.urandom(3 * registry.PIECE + 17)
PATH = f"/v2/me/x/blobs/{digest(BLOB)}"


@pytest.fixture
def server() -> Iterator[Fake]:
    with fake() as it:
        yield it


@pytest.fixture
def other() -> Iterator[Fake]:
    """Another host: the same address, another port."""
    with fake() as it:
        yield it


def http(unit: float = 0.001) -> registry_http.Http:
    return registry_http.Http(lambda _: ssl.create_default_context(), lambda _: True, unit)


def session(server: Fake, login: Login | None = None) -> registry.Session:
    return registry.Session(http(), server.base, "me/x", ["repository:me/x:pull"], login)


def fetched(server: Fake, login: Login | None = None, **fields: Any) -> bytes:
    return b"".join(registry.fetch(session(server, login), "blobs", {**row(BLOB), **fields}))


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def guard(server: Fake, token: str = "T", **more: Any) -> None:
    """Let the server want a token, and give one."""
    challenge = f'Bearer realm="{server.base}/token",service="the registry"'

    def blob(request: Request) -> Answer:
        if request.headers.get("Authorization") == f"Bearer {token}":
            return Answer(200, BLOB)
        return Answer(401, b"{}", {"WWW-Authenticate": challenge})

    server.answers[PATH] = blob
    server.answers["/token"] = Answer(200, json.dumps({"token": token, **more}).encode())


# --- Task 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('Bearer realm="https://a/t",service="s"',
         [("bearer", {"realm": "https://a/t", "service": "s"})]),
        ('BEARER Realm = "https://a/t" , Service=s',
         [("bearer", {"realm": "https://a/t", "service": "s"})]),
        ('Basic realm="a, \\"b\\""', [("basic", {"realm": 'a, "b"'})]),
        ('Basic realm="x", Bearer realm="y"',
         [("basic", {"realm": "x"}), ("bearer", {"realm": "y"})]),
        ("Negotiate", [("negotiate", {})]),
        ("", []),
        ('realm="x"', []),
        ('Bearer realm="open', [("bearer", {}), ("realm", {}), ("open", {})]),
    ],
)  # fmt: skip
def test_task1_challenges_are_read(text: str, wanted: list[Any]) -> None:
    assert registry_challenges.parse(text) == wanted


def test_task1_a_token_is_asked_for_once(server: Fake) -> None:
    guard(server)
    it = session(server)
    for _ in range(3):
        assert b"".join(registry.fetch(it, "blobs", row(BLOB))) == BLOB
    (asked,) = server.asked("/token")
    assert asked.path == "/token?service=the+registry&scope=repository%3Ame%2Fx%3Apull"
    assert "Authorization" not in asked.headers
    assert 50 < it.expires - time.monotonic() <= 60


def test_task1_a_login_goes_to_the_token_server_alone(server: Fake) -> None:
    guard(server, expires_in=600)
    it = session(server, Login("me", "secret"))
    assert b"".join(registry.fetch(it, "blobs", row(BLOB))) == BLOB
    assert server.asked("/token")[0].headers["Authorization"] == basic("me:secret")
    assert [it.headers.get("Authorization") for it in server.asked("/blobs")] == [None, "Bearer T"]
    assert 590 < it.expires - time.monotonic() <= 600


def test_task1_a_token_that_has_expired_is_replaced(server: Fake) -> None:
    guard(server, expires_in=1)
    it = session(server)
    list(registry.fetch(it, "blobs", row(BLOB)))
    it.expires = time.monotonic() - 1
    list(registry.fetch(it, "blobs", row(BLOB)))
    assert len(server.asked("/token")) == 2


def test_task1_access_token_is_another_name(server: Fake) -> None:
    guard(server)
    server.answers["/token"] = Answer(200, b'{"access_token": "T", "expires_in": "soon"}')
    assert fetched(server) == BLOB


def test_task1_a_token_does_not_live_for_ever(server: Fake) -> None:
    guard(server, expires_in=10**400)
    assert fetched(server) == BLOB


def test_task1_basic_is_answered_with_a_login(server: Fake) -> None:
    def blob(request: Request) -> Answer:
        good = request.headers.get("Authorization") == basic("me:secret")
        challenge = {"WWW-Authenticate": 'Basic realm="x"'}
        return Answer(200, BLOB) if good else Answer(401, b"", challenge)

    server.answers[PATH] = blob
    assert fetched(server, Login("me", "secret")) == BLOB
    with pytest.raises(RegistryError, match="login"):
        fetched(server, Login("me", "wrong"))
    with pytest.raises(RegistryError, match=server.base):
        fetched(server)


@pytest.mark.parametrize(
    "challenge",
    ["", "Negotiate abc==", "Bearer", 'Bearer realm=""', 'Bearer realm="', ",,,=", "\x7f" * 60000],
)
def test_task1_a_strange_challenge_ends_in_one_line(server: Fake, challenge: str) -> None:
    server.answers[PATH] = Answer(401, b"", {"WWW-Authenticate": challenge})
    with pytest.raises(RegistryError, match="does not let us in") as caught:
        fetched(server)
    assert len(str(caught.value)) < 500
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b'{"token": 7}'),
        Answer(200, b"[]"),
        Answer(200, b"\xff\xfe"),
        Answer(200, b"[" * 100_000),
        Answer(200, b" " * (2**20 + 1)),
        Answer(401, b'{"details": "incorrect username or password"}'),
    ],
)
def test_task1_a_strange_token_is_refused(server: Fake, answer: Answer) -> None:
    guard(server)
    server.answers["/token"] = answer
    with pytest.raises(RegistryError):
        fetched(server, Login("me", "secret"))


def test_task1_no_password_goes_over_plain_http_for_a_registry_with_tls() -> None:
    it = registry.Session(http(), "https://r.example", "x", [], Login("me", "secret"))
    with pytest.raises(RegistryError, match="no https"):
        registry.authorize(it, 'Bearer realm="http://r.example/token"')


def test_task1_the_token_that_is_refused_ends_it(server: Fake) -> None:
    guard(server)
    server.answers["/token"] = Answer(200, b'{"token": "another"}')
    with pytest.raises(RegistryError, match="login"):
        fetched(server)
    assert len(server.asked("/token")) == 1


# --- Task 2


def offer(*platforms: str) -> dict[str, Any]:
    rows: list[Any] = []
    for number, text in enumerate(platforms):
        words = dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))
        rows.append({"digest": number, "platform": words})
    return {"manifests": rows}


@pytest.mark.parametrize(
    ("asked", "offered", "wanted"),
    [
        ("linux/amd64", ["linux/386", "linux/amd64"], 1),
        ("linux/amd64", ["windows/amd64", "linux/amd64", "linux/amd64"], 1),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], 1),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm"], 1),
        ("linux/arm64", ["linux/arm/v7", "linux/arm64/v8"], 1),
        ("linux/amd64", ["linux/amd64/v3", "linux/amd64"], 1),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1),
        ("linux/s390x", ["linux/s390x"], 0),
    ],
)
def test_task2_the_best_row_is_chosen(asked: str, offered: list[str], wanted: int) -> None:
    platform = registry_platforms.parse(asked)
    assert registry.choose(offer(*offered), platform)["digest"] == wanted


def test_task2_rows_of_nobody_are_passed_over() -> None:
    index = offer("unknown/unknown", "linux/arm64")
    index["manifests"] += [None, 7, {"platform": []}, {"platform": {"variant": {}}}, {}]
    platform = registry_platforms.parse("linux/amd64")
    with pytest.raises(RegistryError, match="no matching manifest for linux/amd64 in the manif"):
        registry.choose(index, platform)


def test_platforms_have_other_names() -> None:
    assert registry_platforms.parse("x86_64") == registry_platforms.parse("linux/amd64")
    assert registry_platforms.parse("armhf")[1:] == ("arm", ("v7", "v6", "v5", ""))
    assert registry_platforms.name(registry_platforms.parse("linux/arm/v6")) == "linux/arm/v6"
    for text in ("", "a/b/c/d", "linux/../x", "linux//v7"):
        with pytest.raises(UsageError, match="platform"):
            registry_platforms.parse(text)


# --- Task 3


def test_task3_a_blob_comes_whole(server: Fake) -> None:
    server.answers[PATH] = Answer(200, BLOB)
    assert fetched(server) == BLOB
    assert "Range" not in server.seen[0].headers


def test_task3_an_empty_blob_is_a_blob(server: Fake) -> None:
    it = session(server)
    assert b"".join(registry.fetch(it, "blobs", row(b""))) == b""


def part(request: Request) -> Answer:
    """Give a blob from where it is asked for, and break off after a PIECE or so."""
    start = int(request.headers.get("Range", "bytes=0-")[6:-1])
    status = 206 if start else 200
    return Answer(status, BLOB[start:], cut=registry.PIECE + 5)


def test_task3_a_cut_connection_is_resumed(server: Fake) -> None:
    server.answers[PATH] = part
    assert fetched(server) == BLOB
    ranges = [it.headers.get("Range") for it in server.seen]
    assert len(ranges) > 2 and ranges[0] is None
    starts = [int(text[6:-1]) for text in ranges[1:] if text]
    assert starts == sorted(starts) and starts[0] > 0


def test_task3_a_server_without_ranges_gives_all_again(server: Fake) -> None:
    server.answers[PATH] = [
        Answer(200, BLOB, cut=1000),
        Answer(200, BLOB, cut=5),
        Answer(200, BLOB),
    ]
    assert fetched(server) == BLOB


def test_task3_too_many_cuts_end_it(server: Fake) -> None:
    server.answers[PATH] = Answer(200, BLOB, cut=0)
    with pytest.raises(ConnectionCut, match=digest(BLOB)):
        fetched(server)
    assert len(server.seen) == registry.TRIES


def test_task3_a_blob_that_is_too_short_ends_it(server: Fake) -> None:
    server.answers[PATH] = Answer(200, BLOB[:-1])
    with pytest.raises(ConnectionCut, match="cut at"):
        fetched(server)


@pytest.mark.parametrize("data", [BLOB[:-1] + b"x", b"x" + BLOB[1:], bytes(len(BLOB))])
def test_task3_a_lie_is_noticed(server: Fake, data: bytes) -> None:
    server.answers[PATH] = Answer(200, data)
    with pytest.raises(RegistryError, match=f"lies.*{digest(BLOB)}"):
        fetched(server)


def test_task3_an_endless_body_is_not_read(server: Fake) -> None:
    server.answers[PATH] = Answer(200, bytes(2**25), length=None)
    count = 0
    with pytest.raises(RegistryError, match="lies"):
        for piece in registry.fetch(session(server), "blobs", row(BLOB)):
            count += len(piece)
    assert count == len(BLOB)


@pytest.mark.parametrize("length", [len(BLOB) - 100, len(BLOB) + 100])
def test_task3_a_lying_length_does_no_harm(server: Fake, length: int) -> None:
    def blob(request: Request) -> Answer:
        start = int(request.headers.get("Range", "bytes=0-")[6:-1])
        return Answer(206, BLOB[start:]) if start else Answer(200, BLOB, length=length)

    server.answers[PATH] = blob
    assert fetched(server) == BLOB


def test_task3_500_twice_then_right(server: Fake) -> None:
    server.answers[PATH] = [Answer(500), Answer(503), Answer(200, BLOB)]
    assert fetched(server) == BLOB


def test_task3_500_for_ever(server: Fake) -> None:
    server.answers[PATH] = Answer(500, b'{"errors": [{"code": "UNKNOWN", "message": "no disk"}]}')
    with pytest.raises(RegistryError, match="no disk"):
        fetched(server)
    assert len(server.seen) == registry_http.ATTEMPTS


def test_task3_429_says_how_long(server: Fake) -> None:
    server.answers[PATH] = [Answer(429, headers={"Retry-After": "1"}), Answer(200, BLOB)]
    start = time.monotonic()
    assert fetched(server) == BLOB
    assert time.monotonic() - start >= 1
    server.answers[PATH] = Answer(429, headers={"Retry-After": "86400"})
    with pytest.raises(RegistryError, match="too many requests"):
        fetched(server)


def test_task3_a_redirect_gets_no_credentials(server: Fake, other: Fake) -> None:
    guard(server)
    inner = server.answers[PATH]
    assert callable(inner)

    def blob(request: Request) -> Answer:
        found = inner(request)
        moved = Answer(307, b"", {"Location": f"{other.base}/elsewhere?signed=1"})
        return moved if found.status == 200 else found

    server.answers[PATH] = blob
    other.answers["/elsewhere"] = [Answer(200, BLOB, cut=9), Answer(200, BLOB)]
    assert fetched(server, Login("me", "secret")) == BLOB
    assert len(other.seen) == 2
    for request in other.seen:
        assert "Authorization" not in request.headers and "Cookie" not in request.headers
    assert "Range" in other.seen[1].headers


def test_task3_a_challenge_of_another_host_is_not_answered(server: Fake, other: Fake) -> None:
    server.answers[PATH] = Answer(302, b"", {"Location": f"{other.base}/blob"})
    bait = f'Bearer realm="{other.base}/token", Basic realm="x"'
    other.answers["/blob"] = Answer(401, b"", {"WWW-Authenticate": bait})
    with pytest.raises(RegistryError):
        fetched(server, Login("me", "secret"))
    assert [it.path for it in other.seen] == ["/blob"]


def test_task3_redirects_end(server: Fake) -> None:
    server.answers[PATH] = Answer(302, b"", {"Location": PATH})
    with pytest.raises(RegistryError, match="in circles"):
        fetched(server)
    for where in ("file:///etc/passwd", "gopher://x/", "//"):
        server.answers[PATH] = Answer(302, b"", {"Location": where})
        with pytest.raises(RegistryError):
            fetched(server)


def test_task3_headers_without_end_are_refused(server: Fake) -> None:
    server.answers[PATH] = Answer(200, BLOB, {f"X-{n}": "y" * 500 for n in range(200)})
    with pytest.raises(RegistryError):
        fetched(server)


# --- Task 4


def pushed(server: Fake, source: str = "") -> str:
    return registry.push_blob(session(server), row(BLOB), io.BytesIO(BLOB), source)


def test_task4_what_is_there_is_not_sent(server: Fake) -> None:
    server.answers[f"HEAD {PATH}"] = Answer(200)
    assert pushed(server, "you/y") == "Layer already exists"
    assert [it.method for it in server.seen] == ["HEAD"]


def test_task4_a_blob_is_mounted_from_another_repository(server: Fake) -> None:
    server.answers["/v2/me/x/blobs/uploads/"] = Answer(201)
    assert pushed(server, "you/y") == "Mounted from you/y"
    hexadecimal = digest(BLOB)[7:]
    assert server.seen[-1].path.endswith(f"?mount=sha256%3A{hexadecimal}&from=you%2Fy")


@pytest.mark.parametrize("source", ["", "you/y"])
@pytest.mark.parametrize("where", ["/up/7", "/up/7?state=a%2Fb", "{base}/up/7"])
def test_task4_a_blob_is_uploaded(server: Fake, source: str, where: str) -> None:
    location = where.format(base=server.base)
    server.answers["/v2/me/x/blobs/uploads/"] = Answer(202, b"", {"Location": location})
    server.answers["/up/7"] = Answer(201)
    assert pushed(server, source) == "Pushed"
    put = server.seen[-1]
    assert (put.method, put.body) == ("PUT", BLOB)
    mark = "&" if "?" in where else "?"
    expected = location.removeprefix(server.base) + f"{mark}digest=sha256%3A{digest(BLOB)[7:]}"
    assert put.path == expected
    assert put.headers["Content-Length"] == str(len(BLOB))


def test_task4_the_upload_is_asked_for_after_a_challenge(server: Fake) -> None:
    guard(server)
    server.answers["/v2/me/x/blobs/uploads/"] = Answer(202, b"", {"Location": "/up"})
    inner = server.answers[PATH]
    assert callable(inner)
    server.answers[PATH] = lambda it: Answer(404) if "Authorization" in it.headers else inner(it)
    server.answers["/up"] = Answer(201)
    assert pushed(server) == "Pushed"
    assert server.seen[-1].headers["Authorization"] == "Bearer T"


def test_task4_an_upload_elsewhere_gets_no_credentials(server: Fake, other: Fake) -> None:
    guard(server)
    it = session(server, Login("me", "secret"))
    list(registry.fetch(it, "blobs", row(BLOB)))
    server.answers[PATH] = Answer(404)
    location = f"{other.base}/up"
    server.answers["/v2/me/x/blobs/uploads/"] = Answer(202, b"", {"Location": location})
    other.answers["/up"] = Answer(201)
    assert registry.push_blob(it, row(BLOB), io.BytesIO(BLOB)) == "Pushed"
    assert "Authorization" not in other.seen[0].headers


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"HEAD {PATH}", Answer(403)),
        ("/v2/me/x/blobs/uploads/", Answer(403, b'{"errors": [{"code": "DENIED"}]}')),
        ("/v2/me/x/blobs/uploads/", Answer(202)),
        ("/up", Answer(400, b'{"errors": [{"code": "DIGEST_INVALID", "message": 7}]}')),
        ("/up", Answer(204)),
    ],
)
def test_task4_a_refusal_names_the_blob(server: Fake, path: str, answer: Answer) -> None:
    server.answers["/v2/me/x/blobs/uploads/"] = Answer(202, b"", {"Location": "/up"})
    server.answers["/up"] = Answer(201)
    server.answers[path] = answer
    with pytest.raises(RegistryError, match=digest(BLOB)):
        pushed(server)


def test_task4_an_upload_that_fails_can_be_begun_anew(server: Fake) -> None:
    server.answers["/v2/me/x/blobs/uploads/"] = Answer(202, b"", {"Location": "/up"})
    server.answers["/up"] = Answer(503)
    with pytest.raises(ConnectionCut):
        pushed(server)
