"""Names of containers, and the nearest right word for a wrong one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import names
from mini_docker.errors import UsageError
from mini_docker.suggest import distance, nearest


@pytest.mark.parametrize("name", ["ab", "a-", "0_", "web.1", "Web_2-b", "a" * names.LONGEST])
def test_a_name_of_letters_digits_and_three_signs_is_one(name: str) -> None:
    names.check(name)


@pytest.mark.parametrize(
    "name", ["", "a", "-a", ".a", "_a", "a b", "a/b", "é1", "a\n", "..", "a" * 201, "a\u0661"]
)
def test_anything_else_is_refused_in_dockers_words(name: str) -> None:
    with pytest.raises(UsageError, match=r"^Invalid container name \("):
        names.check(name)


@given(st.text(alphabet="aZ0_.-/ é\n", max_size=6))
def test_the_grammar_is_dockers(name: str) -> None:
    good = re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+", name, re.ASCII) is not None
    try:
        names.check(name)
    except UsageError:
        assert not good
    else:
        assert good


def test_a_made_up_name_is_two_words_out_of_ten_thousand_pairs() -> None:
    qualities, things = names.QUALITIES.split(), names.THINGS.split()
    assert min(len(set(qualities)), len(set(things))) >= 100
    assert len(set(qualities)) == len(qualities)
    assert len(set(things)) == len(things)
    name = names.random_name(lambda name: "")
    quality, _, thing = name.partition("_")
    assert (quality in qualities, thing in things) == (True, True)
    for word in qualities + things:
        names.check(word)


def test_names_that_are_taken_get_digits_and_no_name_is_given_twice() -> None:
    taken: set[str] = set()
    asked: list[str] = []

    def owner(name: str) -> str:
        asked.append(name)
        return "someone" if len(asked) <= names.ATTEMPTS or name in taken else ""

    name = names.random_name(owner)
    assert name[-1].isdigit()
    names.check(name)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("memroy", "memory"),
        ("memor", "memory"),
        ("nam", "name"),
        ("mem", "memory"),
        ("xyzzy", None),
        ("interactve", "interactive"),
        ("", None),
        ("m" * 1000, None),
    ],
)
def test_the_nearest_word_is_a_typing_error_away(typed: str, meant: str | None) -> None:
    assert nearest(typed, ["interactive", "memory", "memory-swap", "name"]) == meant


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_of_two_words_is_the_same_both_ways(first: str, second: str) -> None:
    assert distance(first, second) == distance(second, first)
    assert (distance(first, second) == 0) == (first == second)
    assert distance(first, second) <= max(len(first), len(second))
