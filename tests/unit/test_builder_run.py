"""RUN: what --mount means, which command line a here-document makes, who is told when."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mini_docker import builder, builder_volumes
from mini_docker.builder_build import View
from mini_docker.builder_commands import Run
from mini_docker.builder_log import MOST, Turns
from mini_docker.builder_scope import Scope
from mini_docker.errors import MiniDockerError, UsageError


def run(text: str, config: dict[str, Any] | None = None, **given: str) -> Run:
    scope = Scope(given, {}, "\\", set())
    for name in given:
        scope.declare(name, None)
    it = builder.parse(f"FROM x\n{text}\n").instructions[1]
    return Run(it, scope, config or {})


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("RUN echo $x", ["/bin/sh", "-c", "echo $x"]),
        ('RUN ["a", "$x"]', ["a", "$x"]),
        ("RUN <<E\na\nb\nE", ["/bin/sh", "-c", "a\nb\n"]),
        ("RUN <<-E\n\ta\nE", ["/bin/sh", "-c", "a\n"]),
        ("RUN cat <<E\na\nE", ["/bin/sh", "-c", "cat <<E\na\nE"]),
        ("RUN <<E\n#!/bin/x\na\nE", ["/bin/sh", "-c", "/dev/pipes/E"]),
    ],
)
def test_command_lines(text: str, argv: list[str]) -> None:
    assert run(text).argv == argv


def test_the_shell_of_the_image_runs_the_line() -> None:
    assert run("RUN x", {"Shell": ["/bin/ash", "-ec"]}).argv == ["/bin/ash", "-ec", "x"]


def test_arguments_are_in_the_key_and_in_the_history() -> None:
    one, two = run("RUN x", v="1"), run("RUN x", v="2")
    assert one.arguments == {"v": "1"} and one.text("") == two.text("")
    assert one.note() == "RUN |1 v=1 /bin/sh -c x"
    assert run("RUN x").note() == "RUN /bin/sh -c x"
    assert run("RUN --network=none x").text("") == run("RUN x").text("none") != one.text("")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN --security=insecure x", "insecure"),
        ("RUN --network=bridge x", "bridge"),
        ("RUN --mount=type=ssh x", "SSH"),
        ("RUN --mount=type=what,target=/x x", "unsupported mount type 'what'"),
        ("RUN --mount=type=bind x", "target is required"),
        ("RUN --mount=type=tmpfs,target=/ x", "the target is the root"),
        ("RUN --mount=type=tmpfs,target=/x,id=y x", "unexpected key 'id'"),
        ("RUN --mount=type=cache,target=/x,sharing=all x", "sharing"),
        ("RUN --mount=type=secret x", "needs an id or a target"),
        ("RUN --mount=what x", "key=value pair"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(MiniDockerError, match=message):
        run(text)


def test_mounts() -> None:
    config = {"WorkingDir": "/w"}
    it = builder_volumes.parse("type=cache,dst=c,mode=0700,uid=5", config)
    assert (it.kind, it.target) == ("cache", "/w/c")
    assert it.number("mode", 0, 8) == 0o700 and it.number("uid", 0) == 5
    assert builder_volumes.parse("type=secret,id=a/b", {}).target == "/run/secrets/a/b"
    assert builder_volumes.parse("type=secret,id=t,env=T", {}).target == ""
    assert builder_volumes.parse('"target=/a,b",rw', {}).target == "/a,b"
    assert builder_volumes.parse("target=/a,rw", {}).on("readwrite")
    assert not builder_volumes.parse("target=/a,rw=false", {}).on("readwrite")
    row = builder_volumes.tmpfs(builder_volumes.parse("type=tmpfs,target=/t,size=1m", {}))
    assert "size=1048576" in row["options"]
    with pytest.raises(UsageError):
        builder_volumes.parse("type=cache,target=/x,uid=-1", {}).number("uid", 0)


class Heard(View):
    def __init__(self) -> None:
        self.words: list[Any] = []

    def image(self, id: str) -> None:
        self.words.append(id)

    def output(self, stream: int, data: bytes) -> None:
        self.words.append(len(data))


def test_stages_are_told_of_one_after_the_other() -> None:
    view = Heard()
    turns = Turns(view, [1, 2, 3])
    first, second, third = (turns.of(number) for number in (1, 2, 3))
    third.image("c")
    second.image("b")
    first.image("a")
    assert view.words == ["a"]
    turns.finish(3)
    turns.finish(1)
    assert view.words == ["a", "b"]
    second.image("b2")
    turns.finish(2)
    assert view.words == ["a", "b", "b2", "c"]


def test_who_has_very_much_to_say_waits() -> None:
    view = Heard()
    turns = Turns(view, [1, 2])
    late = turns.of(2)

    def talk() -> None:
        for _ in range(4):
            late.output(1, bytes(MOST // 2))

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive() and view.words == []
    turns.finish(1)
    thread.join(5)
    assert not thread.is_alive() and view.words == [MOST // 2] * 4


def test_a_build_that_is_given_up_keeps_nobody() -> None:
    turns = Turns(Heard(), [1, 2])
    late = turns.of(2)

    def talk() -> None:
        for _ in range(3):
            late.output(1, bytes(MOST))

    thread = threading.Thread(target=talk)
    thread.start()
    turns.give_up()
    thread.join(5)
    assert not thread.is_alive()
