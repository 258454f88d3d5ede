"""Wildcards of COPY and ADD: what they stand for, and that none goes on for ever."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mini_docker import builder_select, builder_wild
from mini_docker.builder_select import Root
from mini_docker.errors import UsageError


@pytest.mark.parametrize(  # of Go's path/filepath/match_test.go, but for those with a slash
    ("pattern", "name", "matches"),
    [
        *(("abc", "abc", True), ("*", "abc", True), ("*c", "abc", True), ("a*", "a", True)),
        *(("a*", "abc", True), ("a*b?c*x", "abxbbxdbxebxczzx", True)),
        *(("a*b?c*x", "abxbbxdbxebxczzy", False), ("ab[c]", "abc", True), ("ab[b-d]", "abc", True)),
        *(("ab[e-g]", "abc", False), ("ab[^c]", "abc", False), ("ab[^b-d]", "abc", False)),
        *(("ab[^e-g]", "abc", True), (r"a\*b", "a*b", True), (r"a\*b", "ab", False)),
        *(("a?b", "a☺b", True), ("a[^a]b", "a☺b", True), ("a???b", "a☺b", False)),
        *(("[a-\u03b6]*", "\u03b1", True), ("*[a-\u03b6]", "A", False), (r"[\]a]", "]", True)),
        *((r"[\-]", "-", True), (r"[x\-]", "x", True), (r"[x\-]", "z", False)),
        *(("*x", "xxx", True), ("**a**b", "xaxb", True), ("**a**b", "xbxa", False)),
        *(("^a*", "^ab", True), ("^a*", "ab", False), ("a*\n?", "a\n\nb", True)),
    ],
)
def test_a_pattern_is_gos(pattern: str, name: str, matches: bool) -> None:
    assert builder_wild.matcher(pattern)(name) is matches


@pytest.mark.parametrize(
    "pattern", ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "[z-a]"]
)
def test_a_malformed_pattern_is_refused(tmp_path: Path, pattern: str) -> None:
    with Root(str(tmp_path)) as root, pytest.raises(UsageError, match="syntax error in pattern"):
        builder_select.select(root, f"{pattern}*")


def test_no_pattern_goes_on_for_ever(tmp_path: Path) -> None:
    (tmp_path / ("a" * 200)).touch()
    below = tmp_path.joinpath(*["a"] * 20)
    below.mkdir(parents=True)
    patterns = [f"{'*a' * 13}*b", f"{'*[^b]' * 40}c", f"{'*?' * 100}*b", f"*/{'a/' * 1500}a"]
    begun = time.monotonic()
    with Root(str(tmp_path)) as root:
        for pattern in patterns:
            assert builder_select.select(root, pattern) == [], pattern
        found = builder_select.select(root, "**/" * 20 + "a", parents=True)
    assert len(found) == 20, "each once, whatever ways lead there"
    assert time.monotonic() - begun < 2


def test_what_a_pattern_finds(tmp_path: Path) -> None:
    for name in ("a/x", "a/b/x", "b/x", "a/y", "a*", "c\\d", "top"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to("a")
    for pattern, parents, wanted in (
        ("*/x", False, ["a/x", "b/x", "a/x"]),
        ("**/x", True, ["a/x", "a/b/x", "b/x"]),
        ("a/**/x", True, ["a/x", "a/b/x"]),
        ("a/**", True, ["a/b", "a/x", "a/y"]),
        ("**/x", False, ["a/x", "b/x", "a/x"]),
        (r"a\*", False, ["a*"]),
        (r"c\\d", False, ["c\\d"]),
        (r"c\\*", False, ["c\\d"]),
        ("t?p", False, ["top"]),
    ):
        with Root(str(tmp_path)) as root:
            found = [it.path for it in builder_select.select(root, pattern, parents)]
        assert found == wanted, pattern


def test_what_stands_for_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (tmp_path / str(number)).mkdir()
    monkeypatch.setattr(builder_wild, "WIDEST", 3)
    with Root(str(tmp_path)) as root:
        for pattern in ("*", "*/x", "**/x"):
            with pytest.raises(UsageError, match="more than 3"):
                builder_select.select(root, pattern, parents=True)
