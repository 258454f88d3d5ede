"""--ulimit: what Docker takes, and how it refuses the rest."""

from __future__ import annotations

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import ulimits


def test_a_limit_is_soft_and_hard_and_the_hard_one_may_be_left_out() -> None:
    assert ulimits.parse("nofile=1024:2048") == ("nofile", 1024, 2048)
    assert ulimits.parse("core=0") == ("core", 0, 0)
    assert ulimits.parse("stack=+5:-1") == ("stack", 5, -1)
    assert ulimits.parse("nproc=-1") == ("nproc", -1, -1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nofile", "invalid ulimit argument: nofile"),
        ("as=1", "invalid ulimit type: as"),
        ("NOFILE=1", "invalid ulimit type: NOFILE"),
        ("nofile=", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("nofile=5:", 'strconv.ParseInt: parsing "": invalid syntax'),
        ("nofile=0x5", 'strconv.ParseInt: parsing "0x5": invalid syntax'),
        ("nofile=" + "9" * 20, f'strconv.ParseInt: parsing "{"9" * 20}": value out of range'),
        (
            "nofile=2:1",
            "ulimit soft limit must be less than or equal to hard limit: 2 > 1",
        ),
        (
            "nofile=-1:5",
            "ulimit soft limit must be less than or equal to hard limit: "
            "soft: -1 (unlimited), hard: 5",
        ),
        (
            "nofile=1:2:3",
            "too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`",
        ),
        ("nofile=-2", "invalid ulimit value: -2: a limit is -1 (unlimited), 0 or more"),
    ],
)
def test_what_is_no_limit_is_refused_in_dockers_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        ulimits.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", sorted(ulimits.RESOURCES))
def test_the_numbers_are_the_kernels(name: str) -> None:
    known = getattr(resource, f"RLIMIT_{name.upper()}", None)
    if known is not None:
        assert ulimits.RESOURCES[name] == known
    else:
        assert (name, ulimits.RESOURCES[name]) == ("locks", 10)


@given(st.sampled_from(sorted(ulimits.RESOURCES)), st.integers(-1, 2**63 - 1))
def test_a_limit_reads_back(name: str, value: int) -> None:
    assert ulimits.parse(f"{name}={value}") == (name, value, value)


@given(st.text(alphabet="nofile=:-+0123456789 ", max_size=24) | st.text(max_size=8))
def test_any_text_is_a_limit_or_a_value_error(text: str) -> None:
    try:
        _, soft, hard = ulimits.parse(text)
    except ValueError:
        return
    assert hard == -1 or -1 < soft <= hard
