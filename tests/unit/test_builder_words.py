"""Words of a Dockerfile: quotes, escapes, and what stands for a variable."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_docker import builder, builder_globs
from mini_docker.errors import MiniDockerError, UsageError

VALUES = {"x": "1", "empty": "", "path": "/usr/local/lib", "file": "a.tar.gz", "s": "a  b "}


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("$x", "1"),
        ("${x}y", "1y"),
        ("$xy", ""),
        ("'$x'", "$x"),
        ('"$x\'"', "1'"),
        (r"\$x", "$x"),
        (r'"\$x \a \""', r'$x \a "'),
        ("${no:-d}${empty:-d}${empty-d}${x:-d}", "dd1"),
        ("${no:+a}${empty:+a}${empty+a}${x:+a}", "aa"),
        ("${no-${x}}", "1"),
        ("${no:-'a}b'}", "a}b"),
        ("${path#*/}", "usr/local/lib"),
        ("${path##*/}", "lib"),
        ("${path%/*}", "/usr/local"),
        ("${path%%/*}", ""),
        ("${file%.*}", "a.tar"),
        ("${file%%.*}", "a"),
        ("${file#?}", ".tar.gz"),
        ("${file#b}", "a.tar.gz"),
        ("${file/a/A}", "A.tar.gz"),
        ("${file//a/A}", "A.tAr.gz"),
        ("${file//./}", "atargz"),
        (r"${path//\//-}", "-usr-local-lib"),
        ("${path/usr*/x}", "/x"),
        ("${path#$no}", "/usr/local/lib"),
        ("${no#a}", ""),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("", ""),
    ],
)
def test_a_word_is_what_the_reference_says(word: str, result: str) -> None:
    assert builder.expand(word, VALUES) == result


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("${x", "missing '}'"),
        ("${}", "bad substitution"),
        ("${x/a", "missing '/' in ${}"),
        ("${x:=a}", "unsupported modifier (:=) in substitution"),
        ("${x~a}", "unsupported modifier (~) in substitution"),
        ("'a", "looking for matching single-quote"),
        ('a"$x', "looking for matching double-quote"),
        ("${no?}", "no: is not allowed to be unset"),
        ("${empty:?}", "empty: is not allowed to be empty"),
        ("${no?give it}", "no: give it"),
        (r"${x#\a}", r"invalid pattern (\a) in substitution: invalid escape '\a'"),
        ("${x:-" * 60 + "}" * 60, "references in each other"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_word(word: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        builder.expand(word, VALUES)
    assert f'failed to process "{word[:200]}' in str(caught.value)
    assert reason in str(caught.value)


def test_the_escape_character_may_be_a_backtick() -> None:
    assert builder.expand(r"C:\$x`$x", VALUES, "`") == r"C:\1$x"


def test_words_are_separated_after_values_are_put_in_but_not_in_quotes() -> None:
    text = "$s'c d' \"\"  e\\ f"
    assert builder.expand_words(text, VALUES) == ["a", "b", "c d", "e f"]
    assert builder.expand_words('"$s"', VALUES) == ["a  b "]
    assert builder.expand_words(" $empty '' ", VALUES) == []


def test_names_that_are_not_set_are_told() -> None:
    unknown: set[str] = set()
    builder.expand("$x $a ${b:-$c} '$d'", VALUES, unknown=unknown)
    assert unknown == {"a", "b", "c"}


def test_the_result_does_not_grow_beyond_bounds() -> None:
    values = {"a": "x" * 600_000}
    with pytest.raises(UsageError, match="more than 1 MiB"):
        builder.expand("$a$a", values)
    with pytest.raises(UsageError, match="more than"):
        builder.expand("${a//x/yyyyyyyyyyyyyyyy}", values)


@pytest.mark.parametrize(
    "word",
    [
        "${a##" + "*x" * 50 + "y}",
        "${a%%y" + "x*" * 50 + "}",
        "${a//" + "x*" * 50 + "y/}",
        "${a//?*?*?*?*?*?*?*?*y/}",
        "${a//x*y/}",
        "${a%" + "*" * 60_000 + "y}",
    ],
)
def test_no_pattern_goes_on_for_ever(word: str) -> None:
    start = time.process_time()
    assert builder.expand(word, {"a": "x" * 60_000}) == "x" * 60_000
    assert time.process_time() - start < 5


def _expression(pattern: str, greedy: bool) -> str:
    star = "(?s:.*)" if greedy else "(?s:.*?)"
    return "".join(star if c == "*" else "(?s:.)" if c == "?" else re.escape(c) for c in pattern)


@settings(max_examples=400, deadline=None)
@given(st.text("ab*?", max_size=6), st.text("ab", max_size=10), st.booleans())
def test_patterns_are_what_a_regular_expression_says(
    pattern: str, value: str, longest: bool
) -> None:
    ends = [n for n in range(len(value) + 1) if re.fullmatch(_expression(pattern, True), value[:n])]
    end = (max(ends) if longest else min(ends)) if ends else 0
    assert builder_globs.without_prefix(value, pattern, longest) == value[end:]
    back = builder_globs.without_suffix(value[::-1], pattern[::-1], longest)
    assert back == value[end:][::-1]
    if pattern:
        wanted = re.sub(_expression(pattern, True), "-", value, count=1)
        assert builder_globs.replace(value, pattern, "-", False, 99) == wanted


@settings(max_examples=200, deadline=None)
@given(st.text("a$x{}:-+?#%/'\"\\ ", max_size=20))
def test_whatever_is_expanded_nothing_but_a_refusal_comes_of_it(text: str) -> None:
    try:
        builder.expand(text, VALUES)
        builder.expand_words(text, VALUES, "`")
    except MiniDockerError:
        pass
