"""--env-file: what Docker makes of its lines, and how it refuses the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import envfile
from mini_docker.errors import UsageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "variables"


def test_a_line_is_a_variable_and_its_value_is_taken_as_it_is(path: Path) -> None:
    path.write_bytes(
        b'\xef\xbb\xbfFIRST=1\r\n\n# a remark\n  INDENTED= two words \nQUOTED="a"\nEMPTY=\nA=b=c'
    )
    assert envfile.read(str(path)) == [
        "FIRST=1",
        "INDENTED= two words ",
        'QUOTED="a"',
        "EMPTY=",
        "A=b=c",
    ]


def test_a_bare_name_takes_our_own_value(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_DOCKER_TEST", "x y")
    monkeypatch.delenv("MINI_DOCKER_UNSET", raising=False)
    path.write_text("MINI_DOCKER_TEST\nMINI_DOCKER_UNSET\n")
    assert envfile.read(str(path)) == ["MINI_DOCKER_TEST=x y"]
    assert envfile.read(str(path), inherit=False) == ["MINI_DOCKER_TEST", "MINI_DOCKER_UNSET"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"=x", "no variable name on line '=x'"),
        (b"A B=1", "variable 'A B' contains whitespaces"),
        (b"D =3", "variable 'D ' contains whitespaces"),
        (b"export X=1", "variable 'export X' contains whitespaces"),
        (b"ok=1\n\xff=1", "invalid utf8 bytes at line 2"),
        (b"A=\0", "variable 'A' contains a null byte"),
        (b"x" * (envfile.LIMIT + 1), f"it is larger than {envfile.LIMIT} bytes"),
    ],
)
def test_what_is_no_variable_is_refused_with_the_file(path: Path, line: bytes, why: str) -> None:
    path.write_bytes(line)
    with pytest.raises(UsageError) as caught:
        envfile.read(str(path))
    assert str(caught.value) == f"invalid env file ({path}): {why}"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^open .*/none: no such file or directory$"):
        envfile.read(str(tmp_path / "none"))
    with pytest.raises(UsageError, match=r"is a directory$"):
        envfile.read(str(tmp_path))


@given(st.binary(max_size=40) | st.from_regex(rb"([A-C ]{1,3}=?[ -~]{0,4}\n){0,4}"))
def test_any_file_gives_variables_or_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    try:
        found = envfile.read(str(path))
    except UsageError:
        return
    assert all("=" in line and "\0" not in line for line in found)
