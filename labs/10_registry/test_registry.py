"""Lab 10: registry.

    lab check 10              every task
    lab check 10 -k task1     one task
    sudo lab check 10         with a registry on a socket as well

The registry is in memory here: course/pretend_registry.py stands in the place of the session's
http, notes what it is asked, and cuts, lies and refuses where a test wants it to. What was
fetched is hashed by the grader itself.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import registry

from course.pretend_registry import HOST, TOKENS, Registry, descriptor, digest, served
from course.story import Story
from mini_docker.errors import ConnectionCut, RegistryError
from mini_docker.registry_credentials import Login
from mini_docker.registry_serve_store import Storage

BASE = f"https://{HOST}"
REALM = f"https://{TOKENS}/token"
BEARER = f'Bearer realm="{REALM}",service="{HOST}"'
PULL = "repository:web:pull"
ANNA = Login("anna", "pässword")
BASIC = "Basic " + base64.b64encode("anna:pässword".encode()).decode()
PIECE = 2**18


def data(size: int) -> bytes:
    """Return *size* bytes in which no place looks like another."""
    return hashlib.shake_128(b"layer").digest(size)


def open_session(pretend: Any, login: Login | None = None, **facts: Any) -> registry.Session:
    """Return a session at the repository "web" of the pretend registry."""
    scopes = facts.get("scopes", [PULL])
    return registry.Session(pretend, facts.get("base", BASE), "web", scopes, login)


def see(story: Story, call: Callable[[], Any], mistake: str = "") -> dict[str, Any]:
    """Make *call* in a process of its own; return what it gave, or what it raised."""

    def work() -> dict[str, Any]:
        try:
            return {"value": call(), "error": ""}
        except NotImplementedError:
            raise
        except Exception as error:
            seen = {"value": None, "error": type(error).__name__, "message": str(error)}
            return {**seen, "fits": isinstance(error, RegistryError)}

    return dict(story.value(work, mistake=mistake))


def given(story: Story, seen: dict[str, Any], mistake: str = "") -> Any:
    """Check that what see() saw is no error; return the value."""
    saw = f"{seen['error']}: {seen.get('message')}"
    story.check(not seen["error"], saw, "no exception: nothing was refused", mistake)
    return seen["value"]


def refused(story: Story, seen: dict[str, Any], *words: str, mistake: str = "") -> None:
    """Check that what see() saw is RegistryError with *words* in its message."""
    expected = "RegistryError" + (f", with {' and '.join(map(repr, words))} in it" if words else "")
    if not seen["error"]:
        story.fail("no error", expected, mistake)
    saw = f"{seen['error']}: {seen['message']}"
    story.check(seen["fits"], saw, expected, mistake)
    for word in words:
        story.check(word in seen["message"], saw, expected, f"the message leaves out {word!r}")


def listed(asked: list[dict[str, Any]]) -> str:
    """Say what a registry was asked, for a story."""
    lines = []
    for it in asked:
        query = "&".join(f"{key}={value}" for key, value in it["query"])
        path = it["path"] + (f"?{query}" if query else "")
        span = it["headers"].get("Range", "")
        lines.append(f"{it['method']} {path}{f' ({span})' if span else ''}: {it.get('status')}")
    return "; ".join(line.replace("sha256:", "").strip() for line in lines) or "nothing was asked"


# Task 1: authorize


def answered(
    challenge: str, login: Login | None = None, token: Any = None, **facts: Any
) -> tuple[Story, dict[str, Any]]:
    """Return the story of authorize(), and what was seen: header, life, what was asked."""
    who = "anna's session" if login else "a session without a login"
    hand = f"curl -i {BASE}/v2/; curl '{REALM}?service={HOST}&scope={PULL}'"
    story = Story(f"authorize({who} at {facts.get('base', BASE)}, {challenge!r})", hand)
    pretend = Registry()
    pretend.token = {"token": "T0K3N"} if token is None else token

    def call() -> dict[str, Any]:
        session = open_session(pretend, login, **facts)
        seen: dict[str, Any] = {"error": "", "message": "", "fits": False}
        try:
            registry.authorize(session, challenge)
        except NotImplementedError:
            raise
        except Exception as error:
            seen |= {"error": type(error).__name__, "message": str(error)}
            seen["fits"] = isinstance(error, RegistryError)
        life = session.expires - time.monotonic()
        seen["life"] = "for ever" if life == float("inf") else round(life)
        return {**seen, "header": session.header, "asked": pretend.asked}

    seen: dict[str, Any] = story.value(call)
    return story, seen


def has_header(story: Story, seen: dict[str, Any], wanted: str, mistake: str = "") -> None:
    given(story, {**seen, "value": None}, mistake)
    if seen["header"] == BASIC != wanted:
        mistake = "the password goes to the registry itself: it is for the token server alone"
    saw = f"the header is {seen['header']!r}"
    story.check(seen["header"] == wanted, saw, repr(wanted), mistake)


def token_query(story: Story, seen: dict[str, Any]) -> list[list[str]]:
    """Return the query that the token server got, sorted."""
    given(story, {**seen, "value": None})
    asked = [it for it in seen["asked"] if it["host"] == TOKENS]
    expected = "one request to the token server, which the challenge names as its realm"
    story.check(len(asked) == 1, listed(seen["asked"]), expected)
    return sorted(asked[0]["query"])


def test_task1_a_bearer_challenge_is_answered_with_a_token() -> None:
    story, seen = answered(BEARER)
    has_header(story, seen, "Bearer T0K3N", 'the scheme stands before the token: "Bearer T0K3N"')


def test_task1_the_token_server_learns_which_service_and_scope() -> None:
    story, seen = answered(BEARER)
    query = token_query(story, seen)
    expected = [["scope", PULL], ["service", HOST]]
    without = "a token without a scope opens nothing" if ["scope", PULL] not in query else ""
    story.check(query == expected, f"it was asked for {query}", f"{expected}", without)


def test_task1_every_scope_is_a_pair_of_its_own() -> None:
    scopes = [PULL, "repository:base:pull"]
    story, seen = answered(BEARER, scopes=scopes)
    found = [value for key, value in token_query(story, seen) if key == "scope"]
    one = "a mount needs two repositories: every scope is a pair of its own, scope=...&scope=..."
    story.check(sorted(found) == sorted(scopes), f"scope={found}", f"scope={scopes}", one)


def test_task1_a_challenge_without_a_service_asks_for_none() -> None:
    story, seen = answered(f'Bearer realm="{REALM}"')
    query = token_query(story, seen)
    saw = f"it was asked for {query}"
    none = "the challenge names no service, so there is none to ask for"
    story.check(query == [["scope", PULL]], saw, f"scope={PULL} alone", none)


def test_task1_who_has_logged_in_says_so_to_the_token_server() -> None:
    story, seen = answered(BEARER, ANNA)
    has_header(story, seen, "Bearer T0K3N")
    sent = [it["headers"].get("Authorization") for it in seen["asked"]]
    own = "ask_token() shows the session's login to the token server: call that"
    story.check(sent == [BASIC], f"the token server got Authorization: {sent}", BASIC, own)


@pytest.mark.parametrize(
    "token", [{"access_token": "T0K3N"}, {"token": "", "access_token": "T0K3N"}]
)
def test_task1_an_access_token_is_a_token(token: dict[str, str]) -> None:
    story, seen = answered(BEARER, token=token)
    oauth = "OAuth's servers call it access_token: look for both"
    has_header(story, seen, "Bearer T0K3N", oauth)


def lives(token: dict[str, Any], wanted: int, mistake: str) -> None:
    """Check that the header is good for *wanted* seconds after the token server's answer."""
    story, seen = answered(BEARER, token={"token": "T0K3N", **token})
    given(story, {**seen, "value": None})
    life = seen["life"]
    if isinstance(life, int) and abs(life) > 100_000:
        mistake = "expires is on the clock of time.monotonic(), which Session.request looks at"
    saw = f"the answer says {token}; expires is {life} seconds from now"
    good = isinstance(life, int) and abs(life - wanted) <= 2
    story.check(good, saw, f"{wanted} seconds from now", mistake)


def test_task1_a_token_lives_as_long_as_its_server_says() -> None:
    lives({"expires_in": 900}, 900, "expires_in counts seconds from now")


def test_task1_a_token_lives_a_minute_at_least() -> None:
    short = "older servers give tokens for a few seconds: TOKEN_LIFE is the least"
    lives({"expires_in": 5}, 60, short)


@pytest.mark.parametrize("more", [{}, {"expires_in": None}, {"expires_in": "soon"}])
def test_task1_a_token_lives_a_minute_if_nobody_says(more: dict[str, Any]) -> None:
    lives(more, 60, "an expires_in that is missing, or no number, means TOKEN_LIFE")


def test_task1_a_basic_challenge_is_answered_with_the_login() -> None:
    story, seen = answered('Basic realm="the class"', ANNA)
    has_header(story, seen, BASIC, "login.basic() makes the header")
    story.check(not seen["asked"], listed(seen["asked"]), "no request: nobody has to be asked")


def test_task1_a_password_does_not_expire() -> None:
    story, seen = answered('Basic realm="the class"', ANNA)
    has_header(story, seen, BASIC)
    saw = f"expires is {seen['life']} seconds from now"
    again = "each request would be refused first: a password does not expire, math.inf"
    story.check(seen["life"] == "for ever", saw, "never", again)


@pytest.mark.parametrize(
    ("challenge", "login", "header"),
    [
        (f'Basic realm="x", {BEARER}', None, "Bearer T0K3N"),
        (f'Basic realm="x", {BEARER}', ANNA, BASIC),
        (f'{BEARER}, Basic realm="x"', ANNA, "Bearer T0K3N"),
        (f"Negotiate, {BEARER}", None, "Bearer T0K3N"),
        ('Bearer error="invalid", Basic realm="x"', ANNA, BASIC),
    ],
)
def test_task1_of_several_challenges_the_first_possible_is_answered(
    challenge: str, login: Login | None, header: str
) -> None:
    story, seen = answered(challenge, login)
    passed = "a challenge that we cannot answer is passed over, and the next one tried"
    has_header(story, seen, header, passed)


@pytest.mark.parametrize(
    "challenge", ['Basic realm="the class"', "Negotiate", 'Bearer error="invalid_token"']
)
def test_task1_what_cannot_be_answered_is_an_error_with_the_challenge(challenge: str) -> None:
    story, seen = answered(challenge)
    silent = "without an answer there is no header, and the refusal must not be swallowed"
    refused(story, seen, HOST, challenge.partition(" ")[0], mistake=silent)


def test_task1_a_401_without_a_challenge_is_an_error() -> None:
    story, seen = answered("", ANNA)
    refused(story, seen, HOST, mistake="the password went to somebody who had not asked for it")


def test_task1_a_realm_without_tls_gets_nothing() -> None:
    story, seen = answered(f'Bearer realm="http://{TOKENS}/token"', ANNA)
    plain = "the password went over the wire for all to read: refuse a realm that is not https"
    story.check(not seen["asked"], listed(seen["asked"]), "no request at all", plain)
    refused(story, seen, mistake=plain)


def test_task1_after_a_realm_without_tls_no_other_challenge_is_tried() -> None:
    story, seen = answered(f'Bearer realm="http://{TOKENS}/token", Basic realm="x"', ANNA)
    over = "a realm without TLS was passed over: who sends us there gets no password at all"
    refused(story, seen, mistake=over)
    story.check(not seen["asked"], listed(seen["asked"]), "no request at all", over)


def test_task1_a_registry_without_tls_may_have_such_a_realm() -> None:
    realm = f'Bearer realm="http://{TOKENS}/token"'
    story, seen = answered(realm, base=f"http://{HOST}")
    local = "who speaks to the registry without TLS has chosen that: see session.base"
    has_header(story, seen, "Bearer T0K3N", local)


@pytest.mark.parametrize("token", [{}, {"token": 42}, {"token": ["a"]}, {"access_token": None}])
def test_task1_an_answer_without_a_token_is_an_error(token: dict[str, Any]) -> None:
    story, seen = answered(BEARER, token=token)
    nothing = f"the server answered {token}: that is no token, and a header of it opens nothing"
    refused(story, seen, HOST, mistake=nothing)


def test_task1_a_request_that_was_refused_is_let_in_the_second_time() -> None:
    blob = data(100)
    pretend = Registry(blob)
    pretend.guard = BEARER
    story = Story(f"session.request('HEAD', ...) where a stranger gets 401 and {BEARER}")

    def call() -> Any:
        session = open_session(pretend)
        first = session.request("HEAD", f"blobs/{digest(blob)}").status
        second = session.request("HEAD", f"blobs/{digest(blob)}").status
        return [first, second, len([it for it in pretend.asked if it["host"] == TOKENS])]

    value = given(story, see(story, call))
    saw = f"answers {value[0]} and {value[1]}; {value[2]} tokens were asked for"
    story.check(value == [200, 200, 1], saw, "200 and 200, with one token for both")


# Task 2: choose

ARM7 = ("linux", "arm", ("v7", "v6", "v5", ""))
AMD64 = ("linux", "amd64", ("v1", ""))


def offer(name: str, platform: Any) -> dict[str, Any]:
    """Return a row of an index; *platform* "OS/ARCHITECTURE/VARIANT", or what stands there."""
    if isinstance(platform, str) and "/" in platform:
        words = platform.split("/")
        platform = dict(zip(("os", "architecture", "variant"), words, strict=False))
    return {**descriptor(name.encode()), "platform": platform}


def chosen(*platforms: Any, us: Any = AMD64) -> tuple[Story, dict[str, Any]]:
    """Return the story of choose(), and the number of the row that it took."""
    rows = [offer(f"row {n}", it) for n, it in enumerate(platforms)]
    said = ", ".join(str(it) for it in platforms) or "nothing"
    story = Story(f"choose() for {us[0]}/{us[1]} {us[2]} in an index with {said}")

    def call() -> Any:
        found: Any = registry.choose({"schemaVersion": 2, "manifests": rows}, us)
        return rows.index(found) if found in rows else repr(found)

    return story, see(story, call)


def takes(number: int, *platforms: Any, us: Any = AMD64, mistake: str = "") -> None:
    """Check that choose() takes row *number*."""
    story, seen = chosen(*platforms, us=us)
    value = given(story, seen, mistake)
    if isinstance(value, int):
        saw = f"row {value}: {platforms[value]}"
    else:
        saw = f"{value}, which is no row of the index"
    story.check(value == number, saw, f"row {number}: {platforms[number]}, the whole row", mistake)


def test_task2_the_row_for_our_architecture_is_taken() -> None:
    first = "the first row was taken, whatever it is for: exec format error"
    takes(1, "linux/arm64", "linux/amd64", "linux/s390x", mistake=first)


def test_task2_the_operating_system_counts_as_well() -> None:
    takes(1, "windows/amd64", "linux/amd64", mistake="os was not compared: this one is Windows'")


@pytest.mark.parametrize(
    "rows",
    [
        ("linux/arm/v5", "linux/arm/v7", "linux/arm/v6"),
        ("linux/arm/v7", "linux/arm/v6", "linux/arm/v5"),
        ("linux/arm/v5", "linux/arm/v6", "linux/arm/v7"),
    ],
)
def test_task2_the_best_variant_is_taken_wherever_it_stands(rows: tuple[str, ...]) -> None:
    slow = "the row whose variant is the first in variants is the best one, not the first row"
    takes(rows.index("linux/arm/v7"), *rows, us=ARM7, mistake=slow)


def test_task2_an_older_variant_runs_too() -> None:
    exact = "a v7 runs what was made for v6: every one of variants will do"
    takes(0, "linux/arm/v6", "linux/arm64/v8", us=ARM7, mistake=exact)


def test_task2_a_variant_that_we_cannot_run_is_not_taken() -> None:
    newer = "variants names all that this machine can run, and v7 is not among them"
    us = ("linux", "arm", ("v6", "v5", ""))
    takes(1, "linux/arm/v7", "linux/arm/v5", us=us, mistake=newer)
    story, seen = chosen("linux/arm/v7", us=us)
    refused(story, seen, mistake=newer)


def test_task2_a_row_without_a_variant_has_the_empty_one() -> None:
    missing = 'a platform without "variant" has the variant ""'
    takes(0, "linux/arm", us=ARM7, mistake=missing)
    takes(1, "linux/arm", "linux/arm/v5", us=ARM7, mistake=missing)
    takes(0, "linux/riscv64", us=("linux", "riscv64", ("",)), mistake=missing)


def test_task2_of_two_rows_for_us_the_upper_one_is_taken() -> None:
    last = "of two that serve alike the upper one counts"
    takes(0, "linux/amd64", "linux/amd64", mistake=last)
    takes(1, "linux/arm/v6", "linux/arm/v7", "linux/arm/v7", us=ARM7, mistake=last)


@pytest.mark.parametrize("strange", [None, "linux", {}, {"os": "linux"}, 7, []])
def test_task2_a_row_without_a_platform_is_for_nobody(strange: Any) -> None:
    nobody = "a registry may write what it likes: a row whose platform is no object is for nobody"
    takes(1, strange, "linux/amd64", mistake=nobody)


@pytest.mark.parametrize("strange", ["x", None, 3, ["linux", "amd64"]])
def test_task2_a_row_that_is_no_object_is_for_nobody(strange: Any) -> None:
    rows = [strange, offer("ours", "linux/amd64")]
    story = Story(f"choose() in an index with {strange!r} and a row for linux/amd64")
    seen = see(story, lambda: registry.choose({"manifests": rows}, AMD64)["digest"])
    nobody = "a registry may write what it likes: a row that is no object is for nobody"
    value = given(story, seen, nobody)
    story.check(value == rows[1]["digest"], f"{value}", "the row for linux/amd64")


@pytest.mark.parametrize(
    ("rows", "us", "what"),
    [
        (("linux/arm64", "unknown/unknown"), AMD64, "linux/amd64"),
        ((), AMD64, "linux/amd64"),
        (("linux/amd64/v3",), ("linux", "s390x", ("",)), "linux/s390x"),
    ],
)
def test_task2_an_index_without_us_is_refused_in_dockers_words(
    rows: tuple[str, ...], us: Any, what: str
) -> None:
    story, seen = chosen(*rows, us=us)
    words = f"no matching manifest for {what} in the manifest list entries"
    refused(story, seen, words, mistake="nothing there runs on this machine")


# Task 3: fetch


def fetched(
    content: bytes, *cuts: tuple[str, int], kind: str = "blobs", **facts: Any
) -> tuple[Story, dict[str, Any]]:
    """Return the story of fetch(), and what came: sizes, whether it is right, what was asked.

    *facts*: "ranges", whether the registry knows Range; "given", what it sends in the place of
    *content*; "status", what it answers every GET.
    """
    pretend = Registry()
    row = descriptor(content)
    pretend.blobs[row["digest"]] = facts.get("given", content)
    pretend.cuts = list(cuts)
    pretend.ranges = facts.get("ranges", True)
    if "status" in facts:
        pretend.statuses["GET"] = facts["status"]
    hows = {"break": "breaks after {}", "end": "ends after {}", "refuse": "is refused"}
    said = "".join(
        f"; connection {n} {hows[how].format(at)}" for n, (how, at) in enumerate(cuts[:4], 1)
    )
    more = "; and so on" if len(cuts) > 4 else ""
    did = f"list(fetch(session, {kind!r}, a row of {len(content)} bytes)){said}{more}"
    story = Story(did, f"curl -r COUNT- {BASE}/v2/web/{kind}/sha256:... | sha256sum")

    def call() -> dict[str, Any]:
        proof, seen = hashlib.sha256(), {"error": "", "message": "", "fits": False, "cut": False}
        sizes = []
        try:
            for piece in registry.fetch(open_session(pretend), kind, row):
                proof.update(piece)
                sizes.append(len(piece))
        except NotImplementedError:
            raise
        except Exception as error:
            seen |= {"error": type(error).__name__, "message": str(error)}
            seen |= {"fits": isinstance(error, RegistryError)}
            seen |= {"cut": isinstance(error, ConnectionCut)}
        seen |= {"sizes": sizes, "count": sum(sizes), "asked": pretend.asked[:12]}
        seen |= {"right": proof.hexdigest() == row["digest"][7:], "pauses": pretend.pauses[:12]}
        seen |= {
            "requests": len(pretend.asked),
            "open": sum(not it.closed for it in pretend.answers),
        }
        return {**seen, "read": max((n for it in pretend.answers for n in it.asked), default=0)}

    endless = "five cuts in a row are enough: TRIES"
    seen: dict[str, Any] = story.value(call, mistake=endless)
    return story, seen


def whole(story: Story, seen: dict[str, Any], content: bytes, mistake: str = "") -> None:
    """Check that all of *content* came, once."""
    given(story, {**seen, "value": None}, mistake)
    saw = f"{seen['count']} bytes came; asked: {listed(seen['asked'])}"
    if seen["count"] > len(content):
        mistake = mistake or "bytes came twice: after a cut ask for the rest, and yield no more"
    good = seen["count"] == len(content) and seen["right"]
    story.check(good, saw, f"the {len(content)} bytes that were promised, each once", mistake)


def test_task3_the_content_comes_whole_and_right() -> None:
    content = data(1000)
    story, seen = fetched(content)
    whole(story, seen, content)


@pytest.mark.parametrize("kind", ["blobs", "manifests"])
def test_task3_it_is_asked_for_by_its_digest(kind: str) -> None:
    content = data(1000)
    story, seen = fetched(content, kind=kind)
    asked = [it["path"] for it in seen["asked"]]
    expected = f"{kind}/{digest(content)}"
    story.check(asked == [expected], f"asked: {asked}", f"GET {expected}, once")


def test_task3_a_large_blob_comes_in_pieces() -> None:
    content = data(3 * PIECE + 5)
    story, seen = fetched(content)
    whole(story, seen, content)
    saw = f"pieces of {seen['sizes']}; read() was asked for as much as {seen['read']}"
    memory = "a layer may have gigabytes: read PIECE bytes at a time, and yield them"
    good = max(seen["sizes"]) <= PIECE and seen["read"] <= PIECE
    story.check(good, saw, f"pieces of {PIECE} bytes, the last one less", memory)


def test_task3_a_piece_is_there_before_the_next_is_read() -> None:
    content = data(4 * PIECE)
    pretend = Registry(content)
    story = Story("next(fetch(...)) of a blob with four pieces: the first piece alone")

    def call() -> Any:
        next(iter(registry.fetch(open_session(pretend), "blobs", descriptor(content))))
        return [len(it.asked) for it in pretend.answers]

    seen = see(story, call)
    value = given(story, seen)
    collected = "the pieces were collected first: yield each as soon as it is hashed"
    story.check(value == [1], f"read() was called {value} times", "once", collected)


def test_task3_a_wrong_content_is_refused_with_its_digest() -> None:
    content = data(1000)
    story, seen = fetched(content, given=content[:500] + b"X" + content[501:])
    believed = "the registry was believed: hash what came, and compare it with row['digest']"
    refused(story, seen, digest(content), mistake=believed)
    story.check(not seen["cut"], "ConnectionCut", "RegistryError: to try again would not help")


def test_task3_no_more_is_read_than_was_promised() -> None:
    content = data(1000)
    story, seen = fetched(content, given=content + data(2 * PIECE))
    much = "row['size'] bytes are the promise: whatever comes after them is not read"
    whole(story, seen, content, much)
    saw = f"read() was asked for {seen['read']} bytes"
    story.check(seen["read"] <= len(content), saw, f"at most {len(content)}", much)


@pytest.mark.parametrize("how", ["break", "end", "refuse"])
def test_task3_after_a_cut_the_rest_is_asked_for(how: str) -> None:
    content = data(1000)
    at = 0 if how == "refuse" else 400
    story, seen = fetched(content, (how, at))
    gone = "a pull must outlive a cut connection: ask for the rest"
    if how == "end":
        gone = "it ended too early, and nobody counted: that is a cut as well"
    ranges = [it["headers"].get("Range", "") for it in seen["asked"]]
    expected = ["", f"bytes={at}-" if at else ""]
    again = "what is here already was fetched again: open_at() takes the byte to begin at"
    mistake = again if len(ranges) > 1 else gone
    story.check(ranges == expected, f"Range: {ranges}", f"{expected}", mistake)
    whole(story, seen, content, gone)


def test_task3_the_rest_of_the_rest_is_counted_from_the_beginning() -> None:
    content = data(1000)
    story, seen = fetched(content, ("break", 400), ("break", 300))
    whole(story, seen, content)
    ranges = [it["headers"].get("Range", "") for it in seen["asked"]]
    expected = ["", "bytes=400-", "bytes=700-"]
    story.check(ranges == expected, f"Range: {ranges}", f"{expected}")


def test_task3_a_registry_that_knows_no_range_is_read_from_the_beginning() -> None:
    content = data(1000)
    story, seen = fetched(content, ("break", 400), ranges=False)
    whole(story, seen, content, "200 is all from the beginning: open_at() skips what we have")


def test_task3_the_hash_goes_on_over_a_cut() -> None:
    content = data(2 * PIECE)
    story, seen = fetched(content, ("break", PIECE + 7))
    anew = "the digest is that of all that came, before and after the cut: one hash for both"
    whole(story, seen, content, anew)


def test_task3_it_waits_longer_after_each_cut_in_a_row() -> None:
    content = data(1000)
    story, seen = fetched(content, ("refuse", 0), ("break", 10), ("end", 10))
    whole(story, seen, content)
    saw = f"pause() was called with {seen['pauses']}"
    busy = "pause(CUTS) doubles with each cut in a row: a registry in trouble is left in peace"
    story.check(seen["pauses"] == [1, 2, 3], saw, "[1, 2, 3]", busy)


@pytest.mark.parametrize("how", ["break", "end", "refuse"])
def test_task3_after_five_cuts_in_a_row_it_gives_up(how: str) -> None:
    content = data(1000)
    story, seen = fetched(content, *[(how, 0)] * 100)
    saw = f"{seen['error']}: {seen['message']}, after {seen['requests']} requests"
    expected = f"ConnectionCut with {digest(content)} in it, after five requests"
    endless = "five cuts in a row are enough: TRIES"
    good = seen["cut"] and digest(content) in seen["message"]
    story.check(good, saw, expected, endless if seen["requests"] > 5 else "")
    story.check(seen["requests"] == 5, saw, expected, endless)


def test_task3_a_little_between_two_cuts_does_not_make_a_new_row() -> None:
    content = data(100_000)
    story, seen = fetched(content, *[("break", 1000)] * 60)
    saw = f"{seen['requests']} requests; {seen['error'] or 'all came'}"
    drip = "a thousand bytes between two cuts are less than a PIECE: the row goes on"
    story.check(seen["cut"] and seen["requests"] == 5, saw, "ConnectionCut after five", drip)


def test_task3_a_piece_or_more_between_two_cuts_makes_a_new_row() -> None:
    content = data(9 * PIECE)
    story, seen = fetched(content, *[("break", PIECE)] * 8)
    moving = "it was getting on: a cut PIECE bytes after the last one begins a new row"
    whole(story, seen, content, moving)
    saw = f"pause() was called with {seen['pauses']}"
    story.check(seen["pauses"] == [1] * 8, saw, f"{[1] * 8}", moving)


def test_task3_after_a_piece_five_cuts_in_a_row_are_enough() -> None:
    content = data(3 * PIECE)
    story, seen = fetched(content, ("break", PIECE), *[("break", 0)] * 60)
    saw = f"{seen['requests']} requests; {seen['error'] or 'all came'}"
    stuck = "it got on once, and then no more: a new row needs PIECE bytes since the last cut"
    expected = "ConnectionCut after five: the cut at PIECE, and four without a byte"
    story.check(seen["cut"] and seen["requests"] == 5, saw, expected, stuck)


def test_task3_a_refusal_is_not_tried_again() -> None:
    story, seen = fetched(data(1000), status=404)
    refused(story, seen, mistake="404 was taken for content")
    saw = f"{seen['requests']} requests, {len(seen['pauses'])} pauses"
    again = "a refusal is no cut: asking again brings the same answer. Catch ConnectionCut alone"
    story.check(seen["requests"] == 1 and not seen["cut"], saw, "one request", again)


def test_task3_every_answer_is_closed() -> None:
    content = data(1000)
    story, seen = fetched(content, ("break", 400), ("end", 300))
    whole(story, seen, content)
    saw = f"{seen['open']} of {seen['requests']} answers are open"
    leak = "an answer is a connection: with open_at(...) as reply gives it back"
    story.check(seen["open"] == 0, saw, "none", leak)


def test_task3_nothing_at_all_is_a_content_too() -> None:
    story, seen = fetched(b"")
    whole(story, seen, b"")


# Task 4: push_blob


class Push:
    """A pretend registry, a blob in a file, and what push_blob() makes of the two."""

    def __init__(self, *there: bytes) -> None:
        self.content = data(5000)
        self.row = descriptor(self.content)
        self.registry = Registry(*there)

    def __call__(self, source: str = "", did: str = "") -> tuple[Story, dict[str, Any]]:
        called = f"push_blob(session, row, file{f', {source!r}' if source else ''})"
        hand = (
            f"curl -I {BASE}/v2/web/blobs/sha256:...; curl -i -X POST {BASE}/v2/web/blobs/uploads/"
        )
        story = Story(f"{called}: {did}" if did else called, hand)

        def call() -> Any:
            words = [source] if source else []
            session = open_session(self.registry)
            seen: dict[str, Any] = {"error": "", "message": "", "fits": False, "value": None}
            try:
                file = io.BytesIO(self.content)
                seen["value"] = registry.push_blob(session, self.row, file, *words)
            except NotImplementedError:
                raise
            except Exception as error:
                seen |= {"error": type(error).__name__, "message": str(error)}
                seen["fits"] = isinstance(error, RegistryError)
            there = self.registry.blobs.get(self.row["digest"]) == self.content
            return {**seen, "there": there, "asked": self.registry.asked}

        seen: dict[str, Any] = story.value(call)
        return story, seen


def says(story: Story, seen: dict[str, Any], wanted: str, mistake: str = "") -> None:
    """Check that it said how the registry got the blob."""
    given(story, seen, mistake)
    saw = f"it said {seen['value']!r}; asked: {listed(seen['asked'])}"
    story.check(seen["value"] == wanted, saw, repr(wanted), mistake)


def methods(seen: dict[str, Any]) -> list[str]:
    return [it["method"] for it in seen["asked"]]


def test_task4_a_new_blob_is_pushed() -> None:
    story, seen = Push()(did="the registry has nothing")
    says(story, seen, "Pushed")
    story.check(seen["there"], f"it is not there; asked: {listed(seen['asked'])}", "the content")


def test_task4_three_requests_do_it() -> None:
    story, seen = Push()(did="the registry has nothing")
    given(story, seen)
    story.check(methods(seen) == ["HEAD", "POST", "PUT"], listed(seen["asked"]), "HEAD, POST, PUT")


def test_task4_what_is_there_is_not_sent_again() -> None:
    push = Push(data(5000))
    story, seen = push(did="the registry has the blob")
    twice = "the registry has it: HEAD blobs/DIGEST asks, and 200 is the answer"
    story.check(methods(seen) == ["HEAD"], listed(seen["asked"]), "HEAD, and nothing else", twice)
    says(story, seen, "Layer already exists", twice)


@pytest.mark.parametrize("status", [204, 403, 500])
def test_task4_a_registry_that_refuses_to_say_gets_nothing(status: int) -> None:
    push = Push()
    push.registry.statuses["HEAD"] = status
    story, seen = push(did=f"HEAD is answered with {status}")
    only = "404 alone means that the blob is missing; any other answer is a refusal"
    if status == 204:
        only = "200 alone means that the blob is there; any other answer is a refusal"
    refused(story, seen, mistake=only)
    story.check(methods(seen) == ["HEAD"], listed(seen["asked"]), "HEAD, and nothing else", only)


def test_task4_a_blob_of_another_repository_is_mounted() -> None:
    push = Push()
    push.registry.others["base"] = {push.row["digest"]}
    story, seen = push("base", "the repository base has the blob")
    sent = "the content crossed the network, and the registry had it: mount=DIGEST&from=SOURCE"
    story.check("PUT" not in methods(seen), listed(seen["asked"]), "HEAD and POST", sent)
    says(story, seen, "Mounted from base")


def test_task4_the_mount_names_digest_and_source() -> None:
    push = Push()
    push.registry.others["team/base"] = {push.row["digest"]}
    story, seen = push("team/base", "the repository team/base has the blob")
    given(story, seen)
    query = sorted(
        tuple(pair) for it in seen["asked"] if it["method"] == "POST" for pair in it["query"]
    )
    expected = [("from", "team/base"), ("mount", push.row["digest"])]
    story.check(query == expected, f"POST with {query}", f"{expected}")


def test_task4_a_mount_that_did_not_happen_is_an_upload() -> None:
    push = Push()
    story, seen = push("base", "the repository base does not have the blob any more")
    believed = "202 to a mount: the registry waits for the content at Location"
    says(story, seen, "Pushed", believed)
    story.check(
        seen["there"], f"it is not there; asked: {listed(seen['asked'])}", "there", believed
    )
    once = "one POST does both: its answer says which of the two it was"
    wanted = ["HEAD", "POST", "PUT"]
    story.check(methods(seen) == wanted, listed(seen["asked"]), "HEAD, POST, PUT", once)


def test_task4_without_a_source_nothing_is_mounted() -> None:
    story, seen = Push()(did="no source")
    given(story, seen)
    query = [it["query"] for it in seen["asked"] if it["method"] == "POST"]
    story.check(query == [[]], f"POST with {query}", "POST without mount and from")


@pytest.mark.parametrize(
    "place",
    [
        "/v2/web/blobs/uploads/77",
        "/v2/web/blobs/uploads/77?_state=a%2Bb%3D%3D",
        f"{BASE}/v2/web/blobs/uploads/77?_state=x&more=y",
        "https://uploads.example/put/77?_state=x",
    ],
)
def test_task4_the_content_goes_where_the_location_says(place: str) -> None:
    push = Push()
    push.registry.place = place
    story, seen = push(did=f"the answer to POST has Location: {place}")
    mistake = "Location is a path or a URL, and session.request takes it as it is"
    if any("?" in value for it in seen["asked"] for _, value in it["query"]):
        mistake = "Location has a query already: what is added to it begins with &"
    says(story, seen, "Pushed", mistake)
    story.check(seen["there"], f"it is not there; asked: {listed(seen['asked'])}", "there", mistake)
    parts = urlsplit(place)
    wanted = f"{parts.hostname or HOST} {parts.path.removeprefix('/v2/web/')}"
    went = [f"{it['host']} {it['path']}" for it in seen["asked"] if it["method"] == "PUT"]
    elsewhere = "the content goes to the host and the path of Location, and to no other"
    story.check(went == [wanted], f"PUT to {went}", wanted, elsewhere)


def test_task4_an_upload_without_a_location_is_refused() -> None:
    push = Push()
    push.registry.place = ""
    story, seen = push(did="the answer to POST is 202, without Location")
    nowhere = "without a Location nobody knows where to send it: that is a refusal"
    story.check("PUT" not in methods(seen), listed(seen["asked"]), "no PUT after that", nowhere)
    refused(story, seen, mistake=nowhere)


def test_task4_the_file_itself_is_the_body() -> None:
    story, seen = Push()(did="the registry has nothing")
    given(story, seen)
    puts = [it for it in seen["asked"] if it["method"] == "PUT"]
    story.check(len(puts) == 1, listed(seen["asked"]), "one PUT")
    memory = "the blob was read into memory: request() takes the file as its body"
    story.check(puts[0]["body"] == "file", "a body of bytes", "the file as body", memory)


def test_task4_the_upload_says_how_much_of_what_comes() -> None:
    story, seen = Push()(did="the registry has nothing")
    given(story, seen)
    sent = {
        k.lower(): v
        for it in seen["asked"]
        if it["method"] == "PUT"
        for k, v in it["headers"].items()
    }
    found = {key: sent.get(key) for key in ("content-length", "content-type")}
    wanted = {"content-length": "5000", "content-type": "application/octet-stream"}
    chunked = "without Content-Length a file goes out in chunks, which some registries refuse"
    story.check(found == wanted, f"{found}", f"{wanted}", chunked)


@pytest.mark.parametrize(
    ("method", "status"),
    [*itertools.product(("POST", "PUT"), (400, 403, 413)), ("POST", 200), ("PUT", 202)],
)
def test_task4_a_refusal_is_an_error_with_the_registrys_reason(method: str, status: int) -> None:
    push = Push()
    push.registry.statuses[method] = status
    story, seen = push(did=f"{method} is answered with {status}")
    swallowed = f"{method} was refused, and nobody looked at the status"
    if status < 300:
        good = "201 or 202" if method == "POST" else "201"
        swallowed = f"{status} says nothing of the kind: {good} is the answer to a {method}"
    went_on = "PUT" in methods(seen) and method == "POST"
    story.check(not went_on, listed(seen["asked"]), "no PUT after that", swallowed)
    refused(story, seen, f"the reason for {status}", mistake=swallowed)


def test_task4_a_mount_that_nobody_asked_for_is_refused() -> None:
    push = Push()
    push.registry.statuses["POST"] = 201
    story, seen = push(did="no source, and the answer to POST is 201")
    claimed = "201 to a POST without mount says that a blob is there which nobody has sent"
    refused(story, seen, mistake=claimed)


def test_task4_a_registry_that_got_something_else_is_no_success() -> None:
    push = Push()
    push.row = {**push.row, "digest": digest(b"other")}
    story, seen = push(did="the file is not what its row promises")
    refused(
        story, seen, mistake="201 alone means that the registry has hashed it and found it right"
    )


# A registry on a socket


def real(base: str, login: Login | None = None) -> registry.Session:
    """Return a session over HTTP."""
    import ssl

    from mini_docker import registry_http

    http = registry_http.Http(lambda _: ssl.create_default_context(), lambda _: True, 0.01)
    return registry.Session(http, base, "web", ["repository:web:pull,push"], login)


@pytest.mark.root
def test_task1_a_real_registry_lets_us_in_with_a_password(tmp_path: Path) -> None:
    from mini_docker import registry_serve_auth

    users = registry_serve_auth.Users({}, ("anna", "pässword"))
    story = Story("GET /v2/ of `mini-docker registry serve --user anna`, with anna's login")
    with served(str(tmp_path), users) as base:
        seen = see(story, lambda: real(base, ANNA).request("GET", "/v2/").status)
        stranger = see(story, lambda: real(base).request("GET", "/v2/").status)
    value = given(story, seen)
    story.check(value == 200, f"status {value}", "200")
    refused(story, stranger, mistake="a stranger has nothing to answer with")


@pytest.mark.root
def test_task2_a_real_index_leads_to_the_manifest_for_us(tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.{}.v1+json"
    story = Story("choose() in an index that came from a registry on a socket")
    storage = Storage(str(tmp_path))
    rows = []
    for name in "arm64", "amd64":
        storage.put_blob("web", digest(name.encode()), name.encode())
        manifest = {"schemaVersion": 2, "config": descriptor(name.encode()), "layers": []}
        text = json.dumps(manifest).encode()
        storage.put_manifest("web", digest(text), kind.format("manifest"), text)
        rows.append({**descriptor(text), "platform": {"os": "linux", "architecture": name}})
    index = json.dumps({"schemaVersion": 2, "manifests": rows}).encode()
    storage.put_manifest("web", "all", kind.format("index"), index)

    def call() -> Any:
        found = real(base).request("GET", "manifests/all").whole(10_000)
        return registry.choose(json.loads(found), AMD64)["digest"]

    with served(str(tmp_path)) as base:
        value = given(story, see(story, call))
    wanted = rows[1]["digest"]
    story.check(value == wanted, f"{value}", f"{wanted}, the one for linux/amd64")


@pytest.mark.root
def test_task3_a_real_blob_comes_over_a_socket(tmp_path: Path) -> None:
    content = data(3 * PIECE + 11)
    story = Story("fetch() from `mini-docker registry serve`")
    Storage(str(tmp_path)).put_blob("web", digest(content), content)

    def call() -> str:
        pieces = registry.fetch(real(base), "blobs", descriptor(content))
        return digest(b"".join(pieces))

    with served(str(tmp_path)) as base:
        value = given(story, see(story, call))
    story.check(value == digest(content), f"{value}", digest(content))


@pytest.mark.root
def test_task4_a_real_registry_takes_a_blob_and_mounts_it(tmp_path: Path) -> None:
    content = data(3 * PIECE + 11)
    row = descriptor(content)
    story = Story("push_blob() to the repository web, again, and mounted from there into two")

    def call() -> list[str]:
        session, said = real(base), []
        for name, source in ("web", ""), ("web", ""), ("two", "web"), ("three", "nobody"):
            session.name = name
            said.append(registry.push_blob(session, row, io.BytesIO(content), source))
        return said

    with served(str(tmp_path)) as base:
        value = given(story, see(story, call))
    expected = ["Pushed", "Layer already exists", "Mounted from web", "Pushed"]
    story.check(value == expected, f"{value}", f"{expected}")
    kept = tmp_path / "blobs/sha256" / row["digest"][7:]
    story.check(kept.read_bytes() == content, "the registry keeps something else", "the content")
