"""Stages: which a target needs, what their names mean, and which arguments reach them."""

from __future__ import annotations

from typing import Any

import pytest

from mini_docker import builder, builder_config, builder_stages
from mini_docker.builder_build import Request
from mini_docker.builder_scope import Scope
from mini_docker.errors import UsageError
from mini_docker.store import Store


def plan(text: str, **asked: object) -> builder_stages.Plan:
    request = Request(Store("/nowhere"), text)
    for name, value in asked.items():
        setattr(request, name, value)
    return builder_stages.plan(builder.parse(text), request)


def numbers(text: str, **asked: object) -> list[int]:
    return [stage.number for stage in plan(text, **asked).stages]


FOUR = """\
FROM a AS one
RUN 1
FROM b AS Two
COPY --from=one /x /x
FROM c AS three
RUN --mount=type=bind,from=two,target=/m 3
FROM one AS four
RUN 4
"""


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ("", [0, 3]), ("four", [0, 3]), ("three", [0, 1, 2]), ("TWO", [0, 1]), ("one", [0]),
        ("0", [0]), ("2", [0, 1, 2]),
    ],
)  # fmt: skip
def test_only_what_the_target_needs_is_built(target: str, needed: list[int]) -> None:
    found = plan(FOUR, target=target)
    assert [stage.number for stage in found.stages] == needed
    assert found.total == sum(1 + len(stage.steps) for stage in found.stages)
    assert found.stages[-1].number == found.target


def test_from_means_a_stage_above_and_else_an_image() -> None:
    found = plan("FROM b AS a\nFROM a AS b\nFROM b\n")
    assert [stage.above for stage in found.stages] == [-1, 0, 1]
    assert found.stages[0].base == "b", "no stage of that name stands above it"
    assert numbers("FROM a AS a\nRUN x\n") == [0]
    assert plan("FROM x AS scratch\nFROM scratch\n").stages[-1].above == -1


def test_a_number_means_a_stage_before() -> None:
    assert numbers("FROM a\nRUN x\nFROM b\nCOPY --from=0 / /\n") == [0, 1]
    for wrong in ("1", "2", "99999999999"):
        with pytest.raises(UsageError, match="invalid stage index"):
            plan(f"FROM a\nFROM b\nCOPY --from={wrong} / /\n")


@pytest.mark.parametrize(
    "text",
    [
        "FROM x AS a\nCOPY --from=a / /\n",
        "FROM x AS a\nCOPY --from=b / /\nFROM y AS b\nCOPY --from=a / /\n",
        "FROM x AS a\nCOPY --from=b / /\nFROM a AS b\n",
        "FROM x AS a\nRUN --mount=from=c,target=/m 1\nFROM a AS b\nFROM b AS c\n",
    ],
)
def test_a_circle_of_stages_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="circular dependency detected on stage"):
        plan(text)


def test_a_stage_comes_after_those_that_it_needs() -> None:
    text = "FROM x AS a\nCOPY --from=c / /\nFROM x AS b\nRUN 1\nFROM b AS c\nRUN 2\n"
    assert numbers(text, target="a") == [1, 2, 0]
    assert [stage.first for stage in plan(text, target="a").stages] == [1, 3, 5]


def test_many_stages_in_a_row_are_no_deep_recursion() -> None:
    lines = ["FROM x AS s0", *(f"FROM s{n} AS s{n + 1}" for n in range(5000))]
    assert len(plan("\n".join(lines)).stages) == 5001


def test_an_unknown_target_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'"tree" could not be found \(did you mean three\?\)'):
        plan(FOUR, target="tree")
    with pytest.raises(UsageError, match=r'"x" could not be found$'):
        plan("FROM a AS l\n", target="x")


def test_arguments_before_from() -> None:
    text = "ARG v=1\nARG w=b$v\nFROM i:$v AS x$v\nFROM i:${w:-no}\nCOPY --from=0 / /\n"
    with pytest.raises(UsageError):
        plan(text)  # a stage's name has no variables
    text = text.replace("AS x$v", "AS x")
    assert [it.base for it in plan(text).stages] == ["i:1", "i:b1"]
    assert [it.base for it in plan(text, build_args={"v": "2"}).stages] == ["i:2", "i:b2"]
    with pytest.raises(UsageError, match="should not be blank"):
        plan("FROM $nothing\n")
    assert plan("FROM --platform=$BUILDPLATFORM a\n").stages[0].platform.startswith("linux/")


def scope(given: dict[str, str] | None = None, above: dict[str, str] | None = None) -> Scope:
    return Scope(given or {}, above or {}, "\\", set())


def test_where_an_argument_has_its_value_from() -> None:
    it = scope({"given": "g", "both": "g"}, {"above": "a", "both": "a", "own": "a"})
    for name, default in (("given", "d"), ("above", None), ("own", "d"), ("both", None)):
        it.declare(name, default)
    it.declare("none", None)
    assert it.arguments == {"given": "g", "above": "a", "own": "d", "both": "g"}


def test_the_environment_wins_over_arguments() -> None:
    it, config = scope(), {"Env": ["x=env"]}
    it.declare("x", "arg")
    it.declare("y", "arg")
    assert it.expand("$x $y $z", config) == "env arg "
    assert it.seen(config) == {"y": "arg"}
    assert it.environment(config) == ["y=arg", "x=env"]


def test_proxies_are_known_and_change_no_key() -> None:
    it = scope({"HTTP_PROXY": "http://p", "other": "1"})
    assert it.environment({}) == ["HTTP_PROXY=http://p"] and it.seen({}) == {}


def test_a_document_keeps_its_quotes() -> None:
    it = scope()
    it.declare("x", "1")
    assert it.expand_document("a \"$x\" '$x' don't \\$x\n", {}) == "a \"1\" '1' don't $x\n"


def change(name: str, words: list[str], config: dict[str, Any] | None = None) -> object:
    return builder_config.apply(config or {}, name, builder_config.Words(words))


def test_what_instructions_change() -> None:
    assert change("CMD", ["x y"]) == {"Cmd": ["/bin/sh", "-c", "x y"]}
    shell = {"Shell": ["/bin/bash", "-lc"]}
    assert change("CMD", ["x"], shell) == {**shell, "Cmd": ["/bin/bash", "-lc", "x"]}
    assert change("ENV", ["a", "1", "b", "2"], {"Env": ["b=0", "c=3"]}) == {
        "Env": ["b=2", "c=3", "a=1"]
    }
    assert change("WORKDIR", ["b"], {"WorkingDir": "/a"}) == {"WorkingDir": "/a/b"}
    assert change("WORKDIR", ["../../.."], {"WorkingDir": "/a"}) == {"WorkingDir": "/"}
    assert change("EXPOSE", ["80", "90-91/udp"]) == {
        "ExposedPorts": {"80/tcp": {}, "90/udp": {}, "91/udp": {}}
    }
    health = builder_config.Words(["CMD", "x"], False, ["--interval=1s", "--retries=2"])
    assert builder_config.apply({}, "HEALTHCHECK", health) == {
        "Healthcheck": {"Interval": 10**9, "Retries": 2, "Test": ["CMD-SHELL", "x"]}
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("EXPOSE", ["70000"]),
        ("EXPOSE", ["9-8"]),
        ("VOLUME", [" "]),
        ("ENV", ["", "x"]),
        ("STOPSIGNAL", ["a b"]),
        ("STOPSIGNAL", ["SIGNOTHING"]),
        ("STOPSIGNAL", ["65"]),
        ("SHELL", ["x"]),
        ("HEALTHCHECK", ["WHAT", "x"]),
        ("HEALTHCHECK", ["NONE", "x"]),
    ],
)
def test_what_they_refuse(name: str, words: list[str]) -> None:
    with pytest.raises(UsageError):
        change(name, words)
