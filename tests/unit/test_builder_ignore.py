"""What .dockerignore leaves out."""

from __future__ import annotations

import random
import re
import time

import pytest

from mini_docker import builder, builder_patterns, builder_ways
from mini_docker.errors import UsageError


@pytest.mark.parametrize(
    ("patterns", "out", "kept"),
    [
        (["a"], ["a", "a/b", "a/b/c"], ["ab", "b/a"]),
        (["a/b"], ["a/b", "a/b/c"], ["a", "b", "a/bc"]),
        (["*.md"], ["x.md", "x.md/y"], ["a/x.md", "x.mdx"]),
        (["*/*.md"], ["a/x.md"], ["x.md", "a/b/x.md"]),
        (["**/*.md"], ["x.md", "a/x.md", "a/b/x.md"], ["x.mdx"]),
        (["**/a/b"], ["a/b", "x/y/a/b/c"], ["xa/b"]),
        (["a/**"], ["a/b", "a/b/c"], ["a", "ab"]),
        (["a/**/b"], ["a/b", "a/x/b", "a/x/y/b/z"], ["ab", "a/xb"]),
        (["a?c"], ["abc"], ["ac", "a/c"]),
        (["[a-c]x"], ["ax", "cx/y"], ["dx"]),
        (["[^a-c]x"], ["dx"], ["ax"]),
        ([r"\*"], ["*"], ["a"]),
        ([r"a[\]]b"], ["a]b"], ["a[b"]),
        (["a.b"], ["a.b"], ["axb"]),
        (["*", "!a"], ["b", "b/a"], ["a", "a/b"]),
        (["*", "!a", "a/b"], ["a/b", "a/b/c"], ["a", "a/c"]),
        (["a", "!a/b", "a/b/*"], ["a", "a/b/c", "a/c"], ["a/b"]),
        (["!a"], [], ["a", "b"]),
        (["**"], ["a", "a/b"], ["."]),
        (["."], [], ["a"]),
        (["a**b"], ["ab", "axx/b"], ["axb"]),  # not Go's filepath.Match, but patternmatcher
        (["**ab"], ["xab", "a/xab"], ["xabc"]),
        (["^a"], ["^a"], ["a"]),
        (["^a*"], ["ab"], ["^ab"]),  # a ^ besides a star is an expression's
    ],
)
def test_patterns_leave_out_what_docker_leaves_out(
    patterns: list[str], out: list[str], kept: list[str]
) -> None:
    ignore = builder.Ignore(patterns)
    assert [path for path in out + kept if ignore.matches(path)] == out


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "[-a]", "[a-]", "[b-a]", "a\\", "[^]", "!"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        builder.Ignore([pattern])


def test_the_file_is_read_with_comments_slashes_and_negations() -> None:
    text = "\ufeff# no\r\n/a/b/\r\n  c//d \n!/e\n! f\n #g\n\n/\n./h\n"
    assert builder.read_ignore(text) == ["a/b", "c/d", "!e", "!f", "#g", "/", "h"]


def test_a_directory_is_passed_by_unless_something_in_it_may_be_wanted() -> None:
    assert builder.Ignore(["a"]).prunes("a")
    assert not builder.Ignore(["a/*"]).prunes("a")
    assert not builder.Ignore(["a", "!a/b"]).prunes("a")
    assert builder.Ignore(["a", "!b/c"]).prunes("a")
    assert builder.Ignore(["a", "!*.md"]).prunes("a")
    assert not builder.Ignore(["a", "!*/*.md"]).prunes("a")
    assert not builder.Ignore(["a", "!**/x"]).prunes("a")
    assert not builder.Ignore(["*", "!src/*.c"]).prunes("src")
    assert builder.Ignore(["*", "!src/*.c"]).prunes("doc")


def test_what_a_pruned_directory_holds_is_left_out() -> None:
    chance = random.Random(7)
    for _ in range(400):
        patterns = [
            chance.choice(["", "!"])
            + "/".join(chance.choice(["a", "b", "*", "**", "a*", "?"]) for _ in range(3))
            for _ in range(4)
        ]
        ignore = builder.Ignore(patterns)
        for directory in ("a", "b", "a/b", "b/a"):
            if ignore.prunes(directory):
                inside = [
                    directory,
                    *(f"{directory}/{rest}" for rest in ("a", "b", "ab/b", "a/b/a")),
                ]
                assert all(map(ignore.matches, inside)), (patterns, directory)


def _go(pattern: str) -> str:
    """Return patternmatcher's own expression, as compile() in its source writes it."""
    written, rest = "", pattern
    while rest:
        if rest.startswith("**"):
            rest = rest[2:].removeprefix("/")
            written += "(.*/)?" if rest else ".*"
            continue
        written += {"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0]))
        rest = rest[1:]
    return written


def test_both_ways_to_match_answer_as_the_models_expression() -> None:
    chance = random.Random(11)
    for _ in range(3000):
        pattern = "x" + "".join(chance.choice(["a", "b", "/", "*", "**", "?"]) for _ in range(6))
        pattern = builder_patterns.clean(pattern)
        path = builder_patterns.clean(
            "x" + "".join(chance.choice("aabb/") for _ in range(chance.randrange(9)))
        )
        parts = path.split("/")
        heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
        wanted = any(re.fullmatch(_go(pattern), head) for head in heads)
        tokens = builder_patterns.tokens(pattern)
        assert builder_ways.matcher(tokens)(path) == wanted, (pattern, path)
        assert builder_ways._Ways(tokens).match(path) == wanted, (pattern, path)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 60 + "b",
        "a/" + "**/a/" * 60 + "b",
        "a**" * 40 + "b",
        "[^b]*" * 40 + "/b",
        "**/*a*a*a*b",
    ],
)
def test_no_pattern_goes_on_for_ever(pattern: str) -> None:
    ignore = builder.Ignore([pattern])
    start = time.process_time()
    for path in ("a" * 4000, "a/" * 1999 + "a", "a" * 250):
        assert not ignore.matches(path)
    assert time.process_time() - start < 5


def test_a_context_of_twenty_thousand_files_is_sorted_out_in_a_second() -> None:
    ignore = builder.Ignore(
        ["node_modules", "**/*.pyc", "**/.git", "*.log", "docs/**/*.md", "!docs/README.md", "**/*~"]
    )
    paths = [f"src/part{n % 50}/sub{n % 7}/file{n}.py" for n in range(20_000)]
    start = time.process_time()
    assert not any(map(ignore.matches, paths))
    assert time.process_time() - start < 2
