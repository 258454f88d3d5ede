"""Lab 9: images.

    lab check 9              every task
    lab check 9 -k task1     one task

All four functions are pure: what goes in decides what comes out, and no test needs root. Names
are compared with what Docker's own parser makes of them, digests with those of sha256sum.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import io
import json
import lzma
import shlex
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable
from typing import Any

import images
import pytest

from course.story import Story
from mini_docker.errors import UsageError

HEX = "1e2ad5b0f6a2cf0b3d8f1c7e9a4b5d6c7e8f90123456789abcdef0123456789a"
DIGEST = f"sha256:{HEX}"


def see(story: Story, call: Callable[[], Any]) -> dict[str, Any]:
    """Make *call* in a process of its own; return what it gave, or what it raised."""

    def work() -> dict[str, Any]:
        try:
            return {"value": call(), "error": ""}
        except NotImplementedError:
            raise
        except UsageError as error:
            return {"value": None, "error": "UsageError", "message": str(error)}
        except Exception as error:
            return {"value": None, "error": type(error).__name__, "message": str(error)}

    return dict(story.value(work))


def given(story: Story, call: Callable[[], Any]) -> Any:
    """As see(), for a call that has no reason to fail: return its value."""
    seen = see(story, call)
    saw = f"{seen['error']}: {seen.get('message')}"
    story.check(not seen["error"], saw, "no exception: there is nothing wrong with this")
    return seen["value"]


# Task 1: parse


def shown(text: str) -> str:
    """Return *text*, or what a reader needs of it."""
    return text if len(text) < 80 else f"{text[:20]}...{text[-20:]} ({len(text)} characters)"


def hand(text: str) -> str:
    """Return commands that show what the course's parse() makes of *text*, or ""."""
    if "@" in text or len(text) >= 80:  # tag takes no digest; nobody types 248 letters
        return ""
    name = shlex.quote(text)
    command = "MINI_DOCKER_PROGRESS= mini-docker"
    return f"{command} tag busybox {name}; {command} images; {command} rmi {name}"


RULES = (
    "cannot specify 64-byte hexadecimal strings",
    "must be lowercase",
    "must not be more than 255 characters",
    "unsupported digest algorithm",
    "invalid checksum digest length",
    "invalid checksum digest format",
    "invalid reference format",  # last: the second one's message begins so
)


def rule(message: str) -> str:
    """Return which of RULES the *message* is about."""
    return next((words for words in RULES if words in message), "")


def parts(text: str) -> tuple[Story, dict[str, str]]:
    """Return the story of parse(TEXT), and the parts of the Reference that it gave."""
    story = Story(f"parse({shown(text)!r})", hand(text))

    def call() -> Any:
        it = images.parse(text)
        names = ("domain", "path", "tag", "digest")
        return {name: getattr(it, name) for name in names} if hasattr(it, "path") else repr(it)

    found = given(story, call)
    story.check(isinstance(found, dict), f"it gave {found}", "a Reference")
    return story, dict(found)


def means(text: str, wanted: list[str], mistakes: dict[tuple[str, str], str] | None = None) -> None:
    """Check that parse(TEXT) gives domain, path, tag and digest as *wanted*.

    *mistakes*: what a wrong value of a part, ("tag", "latest"), tells.
    """
    story, found = parts(text)
    for name, value in zip(("domain", "path", "tag", "digest"), wanted, strict=True):
        words = (mistakes or {}).get((name, found[name]), "")
        saw = f"{name} {found[name]!r}, of {found}"
        story.check(found[name] == value, saw, f"{name} {value!r}", words)


def refuses(text: str, *words: str, accepted: str = "", **more: Any) -> None:
    """Check that parse(TEXT) raises UsageError with all of *words* in its message."""
    story = Story(f"parse({shown(text)!r}{', algorithms=()' if more else ''})")
    seen = see(story, lambda: str(images.parse(text, **more)))
    saw = f"{seen['error']}: {seen['message']}" if seen["error"] else f"it gave {seen['value']}"
    expected = f"UsageError: {' ... '.join(words)}"
    story.check(bool(seen["error"]), saw, expected, accepted or "what breaks a rule was accepted")
    other = f"{seen['error']} came through: a name that is none is the user's error, UsageError"
    story.check(seen["error"] == "UsageError", saw, expected, other)
    told, meant = rule(seen["message"]), rule(" ".join(words))
    late = "the right rule, in other words: compare what the message shows with what it should"
    if told != meant:
        late = f"another rule was looked at first: {told!r}" if told else ""
    story.check(told == meant, saw, expected, late)
    for word in words:
        story.check(word in seen["message"], saw, expected, late)


def test_task1_a_name_alone_is_an_official_image() -> None:
    latest = "a tag was added: parse() says what is written, Reference.full() adds latest"
    means("busybox", ["docker.io", "library/busybox", "", ""], {("tag", "latest"): latest})


def test_task1_a_tag_stands_behind_the_colon() -> None:
    means("busybox:1.36", ["docker.io", "library/busybox", "1.36", ""])


def test_task1_a_user_s_image_has_no_library() -> None:
    means("me/tool:1.9", ["docker.io", "me/tool", "1.9", ""])


def test_task1_a_host_goes_before_the_first_slash() -> None:
    means("registry.example.com/team/tool", ["registry.example.com", "team/tool", "", ""])


def test_task1_the_colon_of_a_port_is_not_the_tag_s() -> None:
    port = "the port was taken for a tag: only a colon behind the domain begins one"
    wanted = ["localhost:5000", "tool", "", ""]
    means(
        "localhost:5000/tool",
        wanted,
        {("domain", "docker.io"): port, ("domain", "localhost"): port},
    )


def test_task1_port_and_tag_together() -> None:
    wanted = ["registry.example.com:5000", "team/tool", "1.9", ""]
    last = "the last colon of all was looked for, and the first one was the tag's, or the reverse"
    means("registry.example.com:5000/team/tool:1.9", wanted, {("tag", "5000/team/tool:1.9"): last})


def test_task1_a_digest_stands_behind_the_at() -> None:
    inside = "the colon inside of the digest was taken for the tag's: split at @ first"
    mistakes = {("tag", HEX): inside, ("path", "library/busybox@sha256"): inside}
    means(f"busybox@{DIGEST}", ["docker.io", "library/busybox", "", DIGEST], mistakes)


def test_task1_tag_and_digest_together() -> None:
    wanted = ["docker.io", "library/busybox", "1.36", DIGEST]
    dropped = "the tag was dropped beside the digest; parse() keeps what is written"
    means(f"busybox:1.36@{DIGEST}", wanted, {("tag", ""): dropped})


def test_task1_all_five_parts_together() -> None:
    wanted = ["[2001:db8::1]:5000", "a/b/c", "v1.0-rc_2", DIGEST]
    means(f"[2001:db8::1]:5000/a/b/c:v1.0-rc_2@{DIGEST}", wanted)


@pytest.mark.parametrize(
    ("text", "domain", "path"),
    [
        ("localhost/tool", "localhost", "tool"),
        ("local/tool", "docker.io", "local/tool"),
        ("LOCAL/tool", "LOCAL", "tool"),
        ("a.b/tool", "a.b", "tool"),
        ("docker.io/busybox", "docker.io", "library/busybox"),
        ("index.docker.io/busybox", "docker.io", "library/busybox"),
        ("docker.io/library/busybox", "docker.io", "library/busybox"),
        ("library/busybox", "docker.io", "library/busybox"),
        ("a/b/c/d", "docker.io", "a/b/c/d"),
    ],
)
def test_task1_the_domain_is_what_docker_takes_for_one(text: str, domain: str, path: str) -> None:
    means(text, [domain, path, "", ""])


def test_task1_without_a_slash_there_is_no_domain() -> None:
    means("localhost:5000", ["docker.io", "library/localhost", "5000", ""])


def test_task1_a_tag_may_have_capitals() -> None:
    means("tool:RC-1", ["docker.io", "library/tool", "RC-1", ""])


def test_task1_sha512_is_a_digest_too() -> None:
    digest = f"sha512:{HEX * 2}"
    means(f"tool@{digest}", ["docker.io", "library/tool", "", digest])


def test_task1_63_hexadecimal_digits_are_a_name() -> None:
    means(HEX[:63], ["docker.io", f"library/{HEX[:63]}", "", ""])


def test_task1_only_the_whole_text_can_be_an_id() -> None:
    part = "only 64 digits and nothing else could be an id: with a tag they are a name"
    story = Story("parse() of 64 hexadecimal digits and :1")
    seen = see(story, lambda: str(images.parse(f"{HEX}:1")))
    saw = f"{seen['error']}: {seen.get('message')}"
    story.check(not seen["error"], saw, "no exception: this has a tag", part)
    means(f"{HEX}:1", ["docker.io", f"library/{HEX}", "1", ""])


def test_task1_an_id_has_no_capitals() -> None:
    refuses(HEX.upper(), f"repository name (library/{HEX.upper()}) must be lowercase")


def test_task1_64_hexadecimal_digits_are_no_name() -> None:
    words = ("invalid repository name (", HEX, "cannot specify 64-byte hexadecimal strings")
    refuses(HEX, *words, accepted="an id was taken for a name")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Busybox", "library/Busybox"),
        ("me/Tool:1", "me/Tool"),
        ("localhost:5000/Tool", "Tool"),
        (f"Tool@{DIGEST}", f"library/Tool@{DIGEST}".partition(":")[0]),
        ("Tool:-", "library/Tool"),
    ],
)
def test_task1_a_capital_in_the_name_is_an_error_that_shows_it(text: str, name: str) -> None:
    refuses(text, f"repository name ({name}) must be lowercase")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "@",
        "/tool",
        "a//b",
        "tool/",
        "-tool",
        "tool-",
        "a..b",
        "a___b",
        "a b",
        "tööl",
        "a/../b",
    ],
)
def test_task1_a_path_that_breaks_its_rule_is_refused(text: str) -> None:
    refuses(text, "invalid reference format")


@pytest.mark.parametrize("text", ["-a.com/tool", "a.com:/tool", "a.com:x/tool", "a_b.com/tool"])
def test_task1_a_domain_that_breaks_its_rule_is_refused(text: str) -> None:
    refuses(text, "invalid reference format")


@pytest.mark.parametrize("text", ["tool:", f"tool:@{DIGEST}"])
def test_task1_an_empty_tag_is_not_the_same_as_none(text: str) -> None:
    empty = "what stands behind the colon is empty, and nobody looked: `if tag` is false for ''"
    refuses(text, "invalid reference format", accepted=empty)


def test_task1_an_empty_digest_is_not_the_same_as_none() -> None:
    empty = "what stands behind the @ is empty, and nobody looked: `if digest` is false for ''"
    refuses("tool@", "invalid reference format", accepted=empty)


@pytest.mark.parametrize(
    "text", ["tool:-1", "tool:.1", "tool:a:b", "tool:a/b", f"tool:{'a' * 129}"]
)
def test_task1_a_tag_that_breaks_its_rule_is_refused(text: str) -> None:
    refuses(text, "invalid reference format", accepted="is_tag() was not asked")


def test_task1_a_tag_of_128_characters_is_fine() -> None:
    means(f"tool:{'a' * 128}", ["docker.io", "library/tool", "a" * 128, ""])


@pytest.mark.parametrize("digest", ["sha256", "sha256:12", ":" + HEX, f"sha256:{'x' * 64}"])
def test_task1_a_digest_that_breaks_its_rule_is_refused(digest: str) -> None:
    refuses(f"tool@{digest}", "invalid reference format", accepted="is_digest() was not asked")


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        (DIGEST[:-1], "invalid checksum digest length"),
        (f"sha256:{HEX.upper()}", "invalid checksum digest format"),
        (f"md5:{HEX[:32]}", "unsupported digest algorithm"),
    ],
)
def test_task1_a_digest_of_no_known_form_is_refused(digest: str, words: str) -> None:
    refuses(f"tool@{digest}", words, accepted="check_digest() was not asked")


def test_task1_which_algorithms_there_are_is_the_caller_s_to_say() -> None:
    ignored = "the parameter algorithms was not handed on to check_digest()"
    words = "unsupported digest algorithm"
    refuses(f"tool@{DIGEST}", words, accepted=ignored, algorithms=())


def test_task1_a_path_has_at_most_255_characters() -> None:
    means("a" * 247, ["docker.io", f"library/{'a' * 247}", "", ""])
    counted = "the length is that of the path, with the library/ that was put before it"
    refuses("a" * 248, "repository name must not be more than 255 characters", accepted=counted)


@pytest.mark.parametrize("end", [":", ":-1", "@", "@sha256", "-", "/"])
def test_task1_a_broken_part_comes_before_the_length(end: str) -> None:
    refuses("a" * 300 + end, "invalid reference format")


def test_task1_the_length_comes_before_what_the_digest_is() -> None:
    counted = "repository name must not be more than 255 characters"
    for digest in f"md5:{HEX[:32]}", DIGEST[:-1], f"sha256:{HEX.upper()}":
        refuses(f"{'a' * 300}@{digest}", counted)


def test_task1_a_long_domain_does_not_count() -> None:
    means(f"{'a' * 60}.com/{'b' * 255}", [f"{'a' * 60}.com", "b" * 255, "", ""])


# Task 2: merge


def merged(image: dict[str, Any], asked: dict[str, Any]) -> tuple[Story, dict[str, Any]]:
    """Return the story of merge(), and the config that it gave."""
    story = Story(f"merge(image={image}, asked={asked})")
    found = given(story, lambda: images.merge(image, asked))
    story.check(isinstance(found, dict), f"it gave {found!r}", "the container's config: a dict")
    return story, dict(found)


def check(story: Story, found: dict[str, Any], name: str, wanted: Any, mistake: str = "") -> None:
    """Check the field *name* of *found*; an object or a list that is empty may be missing."""
    seen = found.get(name)
    saw, expected = f"{name} {json.dumps(seen)}", f"{name} {json.dumps(wanted)}"
    same = (not seen and not wanted) if wanted in ({}, []) else seen == wanted
    story.check(same, saw, expected, mistake)


SH, GIT, HELP, LOG, LS = ["sh"], ["git"], ["help"], ["log"], ["-c", "ls"]
OTHER = "the image's Cmd came along: it holds arguments for another program than the asked one"
TOGETHER = "the asked command took the place of the Entrypoint too: it is the arguments only"


def program(image: list[Any], asked: list[Any]) -> tuple[Story, dict[str, Any]]:
    """Return merge() of an image and a command line, each with an Entrypoint and a Cmd."""

    def config(pair: list[Any]) -> dict[str, Any]:
        return {k: v for k, v in zip(("Entrypoint", "Cmd"), pair, strict=True) if v is not None}

    story, found = merged(config(image), config(asked))
    words = " ".join(asked[1] or [])
    flag = f"--entrypoint '{asked[0][0]}' " if asked[0] else ""
    story.hand = f"mini-docker run --rm {flag}IMAGE {words}".rstrip()
    return story, found


def test_task2_an_image_s_command_runs_if_nothing_is_asked() -> None:
    story, found = program([None, SH], [None, None])
    check(story, found, "Cmd", SH)
    check(story, found, "Entrypoint", None)


def test_task2_an_asked_command_takes_the_place_of_the_image_s() -> None:
    story, found = program([None, SH], [None, ["ls"]])
    check(story, found, "Cmd", ["ls"], "both commands in a row: one takes the other's place")
    check(story, found, "Entrypoint", None)


def test_task2_an_entrypoint_keeps_its_default_arguments() -> None:
    story, found = program([GIT, HELP], [None, None])
    check(story, found, "Entrypoint", GIT)
    check(story, found, "Cmd", HELP)


def test_task2_with_an_entrypoint_the_asked_command_is_its_arguments() -> None:
    story, found = program([GIT, HELP], [None, LOG])
    check(story, found, "Entrypoint", GIT, TOGETHER)
    check(story, found, "Cmd", LOG)


def test_task2_an_asked_entrypoint_comes_without_the_image_s_command() -> None:
    story, found = program([GIT, HELP], [SH, None])
    check(story, found, "Entrypoint", SH)
    check(story, found, "Cmd", None, OTHER)


def test_task2_an_asked_entrypoint_where_the_image_has_a_command_only() -> None:
    story, found = program([None, HELP], [SH, None])
    check(story, found, "Entrypoint", SH)
    check(story, found, "Cmd", None, OTHER)


def test_task2_an_asked_entrypoint_with_an_asked_command() -> None:
    story, found = program([GIT, HELP], [SH, LS])
    check(story, found, "Entrypoint", SH)
    check(story, found, "Cmd", LS, "the asked command got lost beside an asked Entrypoint")


EMPTY = '[""] itself was kept: the container would run a program without a name'


def test_task2_an_empty_entrypoint_takes_the_image_s_away() -> None:
    story, found = program([GIT, HELP], [[""], ["ls"]])
    kept = 'the image\'s Entrypoint is back: [""] is an answer, and not silence'
    check(story, found, "Entrypoint", None, EMPTY if found.get("Entrypoint") == [""] else kept)
    check(story, found, "Cmd", ["ls"])


def test_task2_an_empty_entrypoint_takes_the_image_s_command_away_too() -> None:
    story, found = program([GIT, HELP], [[""], None])
    check(story, found, "Entrypoint", None, EMPTY if found.get("Entrypoint") == [""] else "")
    check(story, found, "Cmd", None, OTHER)


@pytest.mark.parametrize("nothing", [[], None])
def test_task2_an_empty_list_says_nothing(nothing: list[str] | None) -> None:
    story, found = program([nothing, nothing], [nothing, nothing])
    check(story, found, "Entrypoint", None, "an empty list: without one, None")
    check(story, found, "Cmd", None, "an empty list: without one, None")
    story, found = merged({"Entrypoint": GIT, "Cmd": HELP}, {"Entrypoint": nothing, "Cmd": nothing})
    check(story, found, "Entrypoint", GIT, "an empty list was taken for an answer")
    check(story, found, "Cmd", HELP, "an empty list was taken for an answer")


SIMPLE = [("User", "web", "0"), ("WorkingDir", "/app", "/"), ("StopSignal", "SIGINT", "9")]


@pytest.mark.parametrize(("name", "image", "asked"), SIMPLE)
def test_task2_what_is_asked_wins(name: str, image: str, asked: str) -> None:
    story, found = merged({name: image}, {name: asked})
    check(story, found, name, asked, "the image won: the command line has the last word")


@pytest.mark.parametrize(("name", "image", "asked"), SIMPLE)
@pytest.mark.parametrize("nothing", ["", None])
def test_task2_what_says_nothing_leaves_the_image_s(
    name: str, image: str, asked: str, nothing: str | None
) -> None:
    story, found = merged({name: image}, {name: nothing})
    swept = f"{nothing!r} took the image's {name} away: it says nothing"
    check(story, found, name, image, swept)


@pytest.mark.parametrize(("name", "image", "asked"), SIMPLE)
def test_task2_what_only_one_of_them_has_is_in(name: str, image: str, asked: str) -> None:
    story, found = merged({name: image}, {})
    check(story, found, name, image)
    story, found = merged({}, {name: asked})
    check(story, found, name, asked)


@pytest.mark.parametrize(
    ("name", "image", "asked"),
    [
        ("OnBuild", ["RUN make"], ["RUN true"]),
        ("Shell", ["/bin/bash", "-c"], ["/bin/sh", "-c"]),
        ("StopTimeout", 30, 5),
        ("com.example.new", "x", "y"),
    ],
)
def test_task2_a_field_of_any_name_comes_along(name: str, image: Any, asked: Any) -> None:
    known = "only fields of a list were copied: what the image has, and you do not know, counts too"
    for ours, theirs, wanted in ({}, {name: image}, image), ({name: asked}, {}, asked):
        story, found = merged(theirs, ours)
        check(story, found, name, wanted, known if name not in found else "")
    story, found = merged({name: image}, {name: asked})
    check(story, found, name, asked, known if name not in found else "")


def test_task2_variables_of_both_are_in_the_asked_ones_first() -> None:
    story, found = merged({"Env": ["PATH=/bin", "LANG=C"]}, {"Env": ["DEBUG=1", "A=b=c"]})
    wanted = ["DEBUG=1", "A=b=c", "PATH=/bin", "LANG=C"]
    lost = "the image's variables are gone: asking for one must not lose the PATH"
    mistake = lost if found.get("Env") == wanted[:2] else ""
    check(story, found, "Env", wanted, mistake)


def test_task2_a_variable_that_is_asked_for_is_not_in_twice() -> None:
    story, found = merged({"Env": ["PATH=/bin", "LANG=C"]}, {"Env": ["LANG=de_DE"]})
    twice = "LANG is in twice: which one counts then depends on who reads it"
    count = sum(str(it).startswith("LANG=") for it in found.get("Env") or [])
    check(story, found, "Env", ["LANG=de_DE", "PATH=/bin"], twice if count > 1 else "")


def test_task2_a_variable_is_another_if_its_name_only_begins_the_same() -> None:
    story, found = merged({"Env": ["PATH=/bin", "PATHS=x"]}, {"Env": ["PATHS=y", "PA=z"]})
    begins = "names were compared by their beginning: PATH is not PATHS; the name ends at ="
    check(story, found, "Env", ["PATHS=y", "PA=z", "PATH=/bin"], begins)


def test_task2_a_name_alone_takes_the_image_s_variable_away() -> None:
    story, found = merged({"Env": ["PATH=/bin", "DEBUG=1"]}, {"Env": ["DEBUG"]})
    whole = "the image's DEBUG=1 is still there: the name alone is asked for, to take it away"
    mistake = whole if "DEBUG=1" in (found.get("Env") or []) else ""
    check(story, found, "Env", ["DEBUG", "PATH=/bin"], mistake)


NO_VARIABLES: list[dict[str, Any]] = [{}, {"Env": None}, {"Env": []}]


@pytest.mark.parametrize("nothing", NO_VARIABLES)
def test_task2_without_asked_variables_the_image_s_are_in(nothing: dict[str, Any]) -> None:
    story, found = merged({"Env": ["PATH=/bin"]}, nothing)
    check(story, found, "Env", ["PATH=/bin"])
    story, found = merged(nothing, {"Env": ["PATH=/bin"]})
    check(story, found, "Env", ["PATH=/bin"])


@pytest.mark.parametrize(
    ("name", "image", "asked", "both"),
    [
        ("Labels", {"a": "1", "b": "2"}, {"b": "3"}, {"a": "1", "b": "3"}),
        ("Volumes", {"/data": {}}, {"/log": {}}, {"/data": {}, "/log": {}}),
        ("ExposedPorts", {"80/tcp": {}}, {"53/udp": {}}, {"80/tcp": {}, "53/udp": {}}),
    ],
)
def test_task2_objects_are_joined(
    name: str, image: dict[str, Any], asked: dict[str, Any], both: dict[str, Any]
) -> None:
    story, found = merged({name: image}, {name: asked})
    replaced = "the asked object took the place of the image's: both are in, key by key"
    check(story, found, name, both, replaced if found.get(name) == asked else "")
    silence: list[Any] = [None, {}]
    for nothing in silence:
        story, found = merged({name: image}, {name: nothing})
        check(story, found, name, image)
        story, found = merged({name: nothing}, {name: asked})
        check(story, found, name, asked)


def test_task2_a_health_check_is_joined_and_zero_says_nothing() -> None:
    image = {"Test": ["CMD", "ok"], "Interval": 30, "Retries": 3}
    asked = {"Test": [], "Interval": 5, "Retries": 0}
    story, found = merged({"Healthcheck": image}, {"Healthcheck": asked})
    zero = "a 0 or an empty Test of the command line swept away what the image says"
    wanted = {"Test": ["CMD", "ok"], "Interval": 5, "Retries": 3}
    check(story, found, "Healthcheck", wanted, zero)


def test_task2_an_asked_test_leaves_the_rest_of_a_health_check() -> None:
    image = {"Test": ["CMD", "ok"], "Interval": 30, "Retries": 3}
    story, found = merged({"Healthcheck": image}, {"Healthcheck": {"Test": ["CMD", "no"]}})
    swept = "the asked Test took the whole check's place: what it does not say is the image's"
    check(story, found, "Healthcheck", {**image, "Test": ["CMD", "no"]}, swept)


def test_task2_only_a_health_check_s_values_can_say_nothing() -> None:
    story, found = merged({"Labels": {"a": "1"}}, {"Labels": {"a": ""}})
    check(story, found, "Labels", {"a": ""}, "a label may be empty: that is a value")


def test_task2_image_and_command_line_stay_as_they_are() -> None:
    image = {"Env": ["A=1", "B=2"], "Labels": {"a": "1"}, "Cmd": ["sh"], "Entrypoint": ["git"]}
    image |= {"Volumes": {"/data": {}}, "Healthcheck": {"Retries": 3}}
    asked = {"Env": ["A=3"], "Labels": {"b": "2"}, "Entrypoint": ["sh"], "User": "web"}
    asked |= {"Healthcheck": {"Interval": 5, "Retries": 0}}
    before = copy.deepcopy((image, asked))
    story = Story(f"merge(image={image}, asked={asked})")

    def call() -> Any:
        kind = type(images.merge(image, asked)).__name__
        return kind, image, asked

    kind, *after = given(story, call)
    story.check(kind == "dict", f"it gave a {kind}", "the container's config: a dict")
    expected = "both as they were before: they are somebody else's"
    changed = "the image was changed: the next container of it gets what this one was asked for"
    story.check(after[0] == before[0], f"the image is now {after[0]}", expected, changed)
    story.check(after[1] == before[1], f"what was asked is now {after[1]}", expected)


# Task 3: diff_id


def layer(size: int = 4000) -> bytes:
    """Return a small tar with a file of *size* bytes that are not all the same."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("etc/motd")
        member.size = size
        tar.addfile(member, io.BytesIO((b"one line of many\n" * (size // 17 + 1))[:size]))
    return archive.getvalue()


def sha256sum(data: bytes) -> str:
    """Return the digest of *data* as the program sha256sum has it."""
    done = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True)
    return f"sha256:{done.stdout.split()[0].decode()}"


class Blob(io.BytesIO):
    """A blob that counts how much of it is asked for at a time, and may give less."""

    def __init__(self, data: bytes, most: int = 2**30) -> None:
        super().__init__(data)
        self.most = most
        self.largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = 2**62 if size is None or size < 0 else size
        self.largest = max(self.largest, wanted)
        return super().read(min(wanted, self.most))


def is_digest_of(
    blob: bytes, tar: bytes, what: str, hand: str, mistakes: dict[str, str] | None = None
) -> None:
    """Check that diff_id() of *blob* is the digest of *tar*."""
    story = Story(f"diff_id of {what}", hand)
    found = given(story, lambda: images.diff_id(io.BytesIO(blob)))
    wanted = sha256sum(tar)
    known = {wanted.removeprefix("sha256:"): "the digits alone: what they are must stand before"}
    known |= {sha256sum(b""): "the digest of nothing at all, e3b0c442..."}
    known |= {sha256sum(blob): "the blob was hashed as it is, compressed: that is its own digest"}
    known |= mistakes or {}
    story.check(found == wanted, f"it gave {found}", wanted, known.get(found, ""))


def test_task3_a_read_that_gives_less_is_not_the_end() -> None:
    tar = layer(50_000)
    story = Story("diff_id of a tar that arrives 1000 bytes at a time, as from a network")
    found = given(story, lambda: images.diff_id(Blob(tar, 1000)))
    short = "a short read was taken for the end: only no bytes at all are the end"
    story.check(found == sha256sum(tar), f"it gave {found}", sha256sum(tar), short)


def test_task3_a_tar_as_it_is() -> None:
    is_digest_of(layer(), layer(), "a tar that is not compressed", "sha256sum layer.tar")


@pytest.mark.parametrize(("program", "compress"), [("gzip", gzip.compress), ("xz", lzma.compress)])
def test_task3_a_compressed_layer_has_the_digest_of_its_tar(
    program: str, compress: Callable[[bytes], bytes]
) -> None:
    hand = f"{program} -cd layer.tar.* | sha256sum"
    is_digest_of(compress(layer()), layer(), f"a tar compressed by {program}", hand)


def test_task3_two_ways_to_compress_are_one_layer() -> None:
    fast, best = (gzip.compress(layer(), level, mtime=level) for level in (1, 9))
    story = Story("diff_id of one tar, compressed by `gzip -1` and by `gzip -9`")
    found = given(story, lambda: [images.diff_id(io.BytesIO(it)) for it in (fast, best)])
    story.check(isinstance(found[0], str), f"it gave {found}", "a digest")
    story.check(
        *(
            found[0] == found[1],
            f"two diff ids: {' and '.join(map(str, found))}",
            "one and the same",
        ),
        "the blobs were hashed as they are: a compressor's choices are no part of a layer",
    )


def test_task3_a_layer_of_several_pieces_is_read_to_its_end() -> None:
    tar = layer(3 * images.PIECE + 17)
    first = {
        sha256sum(tar[:size]): f"only the first {size} bytes were hashed" for size in (2**20, 2**18)
    }
    hand = "gzip -cd layer.tar.gz | sha256sum"
    is_digest_of(gzip.compress(tar, 1), tar, f"a layer of {len(tar)} bytes", hand, first)


def test_task3_a_layer_is_never_in_memory_as_a_whole() -> None:
    tar = layer(4 * images.PIECE)
    story = Story(f"diff_id of a tar of {len(tar)} bytes, counting what is asked for at a time")

    def call() -> Any:
        blob = Blob(tar)
        return images.diff_id(blob), blob.largest

    found, largest = given(story, call)
    story.check(found == sha256sum(tar), f"it gave {found}", sha256sum(tar))
    saw = "all of it at once" if largest > 2**40 else f"{largest} bytes at once"
    whole = "the whole layer was read into memory; a layer can be larger than that"
    story.check(largest <= images.PIECE, saw, f"at most PIECE, {images.PIECE} bytes", whole)


def test_task3_no_piece_is_kept_after_it_was_read() -> None:
    tar = layer(16 * images.PIECE)
    blob = Blob(tar)
    story = Story("diff_id of a tar of 16 MiB, measuring how much memory it takes")

    def call() -> Any:
        tracemalloc.start()
        return images.diff_id(blob), tracemalloc.get_traced_memory()[1]

    found, most = given(story, call)
    story.check(found == sha256sum(tar), f"it gave {found}", sha256sum(tar))
    kept = "the pieces were collected, and hashed at the end: update() takes them one by one"
    saw = f"{most / 2**20:.0f} MiB at once"
    story.check(most < 8 * images.PIECE, saw, "a few pieces of 1 MiB", kept)


# Task 4: chain_ids

ONE, TWO, THREE = (f"sha256:{hashlib.sha256(word).hexdigest()}" for word in (b"1", b"2", b"3"))


def link(below: str, diff: str) -> str:
    """Return what sha256sum makes of two ids with a blank between them."""
    return sha256sum(f"{below} {diff}".encode())


def chain(diff_ids: Any) -> tuple[Story, list[str]]:
    """Return the story of chain_ids(), and what it gave."""
    short = [it[:12] + "..." for it in diff_ids]
    story = Story(f"chain_ids({short})", 'printf "%s %s" CHAIN DIFF | sha256sum')
    found = given(story, lambda: images.chain_ids(diff_ids))
    story.check(isinstance(found, list), f"it gave {found!r}", "a list")
    wanted = f"{len(diff_ids)} ids, one for each layer"
    story.check(len(found) == len(diff_ids), f"it gave {len(found)} ids: {found}", wanted)
    return story, found


def test_task4_the_lowest_layer_s_chain_id_is_its_diff_id() -> None:
    story, found = chain([ONE])
    hashed = "the digest of the diff id: below the lowest layer there is nothing to add"
    mistake = hashed if found[0] in (sha256sum(ONE.encode()), link("", ONE)) else ""
    story.check(found == [ONE], f"it gave {found}", f"{[ONE]}", mistake)


def test_task4_no_layers_have_no_ids() -> None:
    story, found = chain([])
    story.check(found == [], f"it gave {found}", "an empty list: an image may have no layer")


def test_task4_the_second_is_the_digest_of_both_with_a_blank_between() -> None:
    story, found = chain([ONE, TWO])
    bare = [it.removeprefix("sha256:") for it in (ONE, TWO)]
    wanted = link(ONE, TWO)
    mistakes = {
        sha256sum(f"{ONE}{TWO}".encode()): "there is no blank between the two",
        sha256sum(f"{ONE} {TWO}\n".encode()): "a newline at the end was hashed too",
        link(*bare): "the digits alone were hashed: each id goes in with its sha256:",
        link(TWO, ONE): "the wrong way round: the chain id from below comes first",
        TWO: "the diff id as it is: nothing says what this layer lies upon",
        wanted.removeprefix("sha256:"): "the digits alone: an id begins with sha256:",
    }
    story.check(found[0] == ONE, f"it gave {found[0]} first", f"{ONE}, the lowest layer's")
    story.check(found[1] == wanted, f"it gave {found[1]}", wanted, mistakes.get(found[1], ""))


def test_task4_the_third_builds_upon_the_chain() -> None:
    story, found = chain([ONE, TWO, THREE])
    wanted = [ONE, link(ONE, TWO), link(link(ONE, TWO), THREE)]
    mistakes = {
        link(TWO, THREE): "two diff ids were hashed: the first of the pair is the chain id below,"
        " or the lowest layer could be exchanged and nobody would notice",
        sha256sum(f"{ONE} {TWO} {THREE}".encode()): "all diff ids were hashed in one row; each"
        " chain id is made from the one below",
    }
    story.check(found == wanted, f"it gave {found}", f"{wanted}", mistakes.get(found[2], ""))


def test_task4_stacks_share_what_they_have_in_common_from_below() -> None:
    story, found = chain([ONE, TWO, THREE])
    _, other = chain([ONE, TWO, ONE])
    saw = f"{found} and {other}"
    story.check(found[:2] == other[:2], saw, "the same first two ids as for another third layer")
    story.check(found[2] != other[2], saw, "two ids for two stacks")


def test_task4_the_same_layer_in_another_place_is_another_id() -> None:
    story, found = chain([ONE, ONE, ONE])
    story.check(len(set(found)) == 3, f"it gave {found}", "three ids: each lies upon another stack")


def test_task4_a_tall_stack_is_as_long_as_it_is() -> None:
    diff_ids = tuple(f"sha256:{hashlib.sha256(bytes([n])).hexdigest()}" for n in range(125))
    story = Story("chain_ids() of 125 layers", 'printf "%s %s" CHAIN DIFF | sha256sum')
    found = given(story, lambda: images.chain_ids(diff_ids))
    wanted = diff_ids[0]
    for diff in diff_ids[1:]:
        wanted = f"sha256:{hashlib.sha256(f'{wanted} {diff}'.encode()).hexdigest()}"
    seen = found[-1] if isinstance(found, list) and len(found) == 125 else found
    story.check(seen == wanted, f"it gave {seen!r:.90}", f"125 ids, of which the last is {wanted}")


def test_task4_the_diff_ids_stay_as_they_are() -> None:
    story = Story("chain_ids() of a list of three, which is looked at afterwards")

    def call() -> Any:
        diff_ids = [ONE, TWO, THREE]
        found = images.chain_ids(diff_ids)
        return found, diff_ids

    found, diff_ids = given(story, call)
    story.check(isinstance(found, list), f"it gave {found!r}", "a list")
    changed = "the caller's list was changed: the image's own config would be wrong from here on"
    saw = f"the list is now {diff_ids}"
    story.check(diff_ids == [ONE, TWO, THREE], saw, "the diff ids, as before", changed)
