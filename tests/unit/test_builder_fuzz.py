"""Whatever a Dockerfile says: it is planned, or refused in the engine's own words."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from mini_docker import (
    builder,
    builder_add,
    builder_build,
    builder_checks,
    builder_config,
    builder_download,
    builder_forms,
    builder_git,
    builder_place,
    builder_select,
    builder_stages,
    builder_volumes,
)
from mini_docker.builder_commands import Run
from mini_docker.builder_config import Words
from mini_docker.builder_files import Files
from mini_docker.builder_forms import NAMES
from mini_docker.builder_lines import DockerfileError
from mini_docker.builder_scope import Scope
from mini_docker.builder_select import Root
from mini_docker.errors import MiniDockerError, UsageError
from mini_docker.store import Store

COUNT = 2000  # of Dockerfiles for each instruction
FLAGS = (
    *("chown", "chmod", "from", "link", "parents", "exclude", "checksum", "keep-git-dir", "mount"),
    *("network", "security", "device", "platform", "interval", "retries", "timeout", "unpack"),
)
KEYS = (
    *("type", "source", "src", "target", "dst", "from", "id", "sharing", "mode", "uid", "gid"),
    *("size", "env", "required", "ro", "rw", "readonly", "what"),
)
PIECES = (
    *("a", "b", "x", "/", "..", ".", "*", "**", "?", "[", "]", "[z-a]", "[^", "-", "\\", "$", "${"),
    *("}", ":", ":-", "#", "%", "//", "=", ",", '"', "'", "<<", "<<E", "\t", " ", "\0", "\r", "~"),
    *("0", "1", "-1", "9" * 30, "9" * 5000, "1:2", "é", "\udce9", "\ud800", "\u0663", "²", "\x1b"),
    *("root", "u+x", "0777", "a" * 300, "true", "http://", "https://[", "git@h:p", "h.git", "@"),
    *("bind", "cache", "tmpfs", "secret", "sha256:", "1.5e309k", "1h", "nan", "inf", "[]", '["a"]'),
    *("CMD", "NONE", "AS", "as", "ARG", "\u2028", "\x85", "ssh://", "github.com/", "?ref=", "{{"),
)


def text(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.choice((1, 1, 2, 3, 6))))


def mount(chance: random.Random) -> str:
    kinds = ("bind", "cache", "tmpfs", "secret", text(chance))
    pairs = [f"{chance.choice(KEYS)}={text(chance)}" for _ in range(chance.randrange(4))]
    return ",".join((f"type={chance.choice(kinds)}", "target=/t", *pairs))


def line(chance: random.Random, name: str) -> str:
    flags = []
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        flag = chance.choice(FLAGS)
        value = mount(chance) if flag == "mount" else text(chance)
        flags.append(f"--{flag}={value}" if chance.random() < 0.9 else f"--{flag}")
    words = [text(chance) for _ in range(chance.choice((0, 1, 2, 2, 3)))]
    return " ".join([name, *flags, *words]).replace("\n", " ")


def carry_out(dockerfile: str, root: Root, request: builder_build.Request) -> None:
    """Do what a build of *dockerfile* does before it starts a container or asks a server."""
    parsed = builder.parse(dockerfile)
    plan = builder_stages.plan(parsed, request)
    builder_checks.check(parsed, builder_checks.Options(""), builder_checks.Surroundings())
    config: dict[str, Any] = {}
    scope = Scope({}, plan.arguments, plan.escape, plan.used)
    for it in (it for stage in plan.stages for it in stage.steps):
        if it.name == "RUN":
            check_run(Run(it, scope, config), root)
        elif it.name in ("COPY", "ADD"):
            check_copy(Files(it, scope, config), root)
        elif it.name not in ("ARG", "MAINTAINER"):
            pairs = builder_forms.pairs(it.words) if it.name in ("ENV", "LABEL") else [it.words]
            words = [scope.expand(word, config) for pair in pairs for word in pair]
            config = builder_config.apply(config, it.name, Words(words, it.json, it.flags))


def check_run(run: Run, root: Root) -> None:
    for volume in run.volumes:
        if volume.kind == "tmpfs":
            builder_volumes.tmpfs(volume)
        for field in ("mode", "uid", "gid"):
            volume.number(field, 0, 8 if field == "mode" else 10)
        builder_select.one(root, volume.get("source") or ".")


def check_copy(files: Files, root: Root) -> None:
    if files.chown:
        builder_place.owner(files.chown, root.path)
    files.excluded()
    for source in files.sources:
        remote = builder_git.parse(source) if files.it.name == "ADD" else None
        if files.it.name == "ADD" and not remote and builder_download.is_url(source):
            builder_add.check_sum(files.checksum, source)
            builder_add.url_name(source)
        builder_select.select(root, source, files.on("parents"))


@pytest.mark.parametrize("name", NAMES)
def test_no_instruction_is_a_bug(name: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:\nb:x:9:9::/:\n")
    (tmp_path / "a").touch()
    (tmp_path / "x").mkdir()
    chance, slowest = random.Random(name), 0.0
    request = builder_build.Request(Store(str(tmp_path)), "")
    with Root(str(tmp_path)) as root:
        for _ in range(COUNT):
            asked = f"FROM scratch\nARG x=a\n{line(chance, name)}\n"
            begun = time.thread_time()
            try:
                carry_out(asked, root, request)
            except MiniDockerError as error:
                assert "\n" not in str(error), asked
            except Exception as error:
                pytest.fail(f"{type(error).__name__}: {error!s:.200}: {asked!r:.600}")
            slowest = max(slowest, time.thread_time() - begun)
    assert slowest < 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("COPY x[z-a] /", "syntax error in pattern: 'x[z-a]'"),
        ("COPY --chown=1:99999999999 a /", "invalid group ID: 99999999999"),
        (f"COPY --chown={'1' * 5000} a /", "invalid user ID: 1111"),
        ("COPY --chown=-5 a /", "invalid user ID: -5"),
        (f"RUN --mount=type=cache,target=/t,uid={'1' * 5000} x", "invalid value '1111"),
        (f"RUN --mount={'x' * 200_000} x", "field larger than field limit"),
        ("RUN --mount=type=bind,source=*,target=/t x", '"*" not found in the build context'),
        ("RUN --mount=type=bind,source=a\0,target=/t x", "null byte"),
        ("COPY a\0 /", "null byte"),
        (f"EXPOSE {'9' * 5000}", "invalid containerPort: 9999"),
        (f"STOPSIGNAL 000000001{'9' * 5000}", "invalid signal"),
    ],
    ids=range(11),
)
def test_a_malformed_line_is_refused_in_one(tmp_path: Path, line: str, reason: str) -> None:
    (tmp_path / "a").touch()
    request = builder_build.Request(Store(str(tmp_path)), "")
    with Root(str(tmp_path)) as root, pytest.raises(MiniDockerError) as caught:
        carry_out(f"FROM scratch\n{line}\n", root, request)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_a_mount_that_cannot_be_read_names_its_line(tmp_path: Path) -> None:
    request = builder_build.Request(Store(str(tmp_path)), "")
    parsed = builder.parse(f"FROM scratch\nENV a=b\nRUN --mount={'x' * 200_000} x\n")
    with pytest.raises(DockerfileError) as caught:
        builder_stages.plan(parsed, request)
    assert caught.value.line == 3


@pytest.mark.parametrize(
    "url", [f"http://h/{'a' * 256}", "http://h/", "http://h/%00", "http://[/a"]
)
def test_a_url_without_a_name_of_a_file(url: str) -> None:
    with pytest.raises(UsageError):
        builder_add.url_name(url)
    assert builder_add.url_name(f"http://h/{'a' * 255}?x=1") == "a" * 255
