"""The values that flags take: converted, and refused, as the docker command does it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker.cli.kinds import KINDS
from mini_docker.cli.options import Command, Flag, parse
from mini_docker.errors import UsageError


def convert(kind: str, text: str) -> Any:
    """Return the value of ``--flag text`` for a flag of *kind*."""
    command = Command("x", "", "", [Flag("flag", "f", kind, help="x")])
    return parse(command, ["--flag", text]).flag


# Each row was answered by the docker command 28.2; a string is its reason for refusing.
CONVERSIONS: list[tuple[str, str, object]] = [
    ("int", "0x10", 16),
    ("int", "010", 8),
    ("int", "0_10", 8),
    ("int", "0b11", 3),
    ("int", "1_000", 1000),
    ("int", "+5", 5),
    ("int", "08", 'strconv.ParseInt: parsing "08": invalid syntax'),
    ("int", " 1", 'strconv.ParseInt: parsing " 1": invalid syntax'),
    ("int", "", 'strconv.ParseInt: parsing "": invalid syntax'),
    ("int", "٣", 'strconv.ParseInt: parsing "٣": invalid syntax'),
    ("int", "9" * 19, 'strconv.ParseInt: parsing "9999999999999999999": value out of range'),
    ("size", "x", "invalid size: 'x'"),
    ("size", "5zz", "invalid suffix: 'zz'"),
    ("size", "-1", "invalid size: '-1'"),
    ("size", "0.5g", 512 << 20),
    ("swap", "-1", -1),
    ("swap", "-2", "invalid size: '-2'"),
    ("cpus", "1.5", 1_500_000_000),
    ("cpus", "3/2", 1_500_000_000),
    ("cpus", "1e-9", 1),
    ("cpus", "1e-10", "value is too precise"),
    ("cpus", "1/3", "value is too precise"),
    ("cpus", "1/0", "failed to parse 1/0 as a rational number"),
    ("cpus", "many", "failed to parse many as a rational number"),
    ("uint16", "65535", 65535),
    ("uint16", "65536", 'strconv.ParseUint: parsing "65536": value out of range'),
    ("uint16", "-1", 'strconv.ParseUint: parsing "-1": invalid syntax'),
    ("duration", "1m30s", 90 * 10**9),
    ("duration", "5", 'time: missing unit in duration "5"'),
    ("ulimit", "nofile=1:2", [("nofile", 1, 2)]),
    ("ulimit", "foo=1", "invalid ulimit type: foo"),
    ("stream", "StdErr", ["stderr"]),
    ("stream", "foo", "valid streams are STDIN, STDOUT and STDERR"),
    ("env", "=x", "invalid environment variable: =x"),
    ("label", "a.b=c", ["a.b=c"]),
    ("label", " =c", "invalid label ' =c': empty name"),
    ("rate", "/dev/sda:1mb", [("/dev/sda", 1 << 20)]),
    ("rate", "foo", "bad format: foo"),
    ("rate", "foo:1", "bad format for device path: foo:1"),
    ("iops", "/dev/sda:100", [("/dev/sda", 100)]),
    (
        "iops",
        "/dev/sda:0x5",
        "invalid rate for device: /dev/sda:0x5. The correct format is "
        "<device-path>:<number>. Number must be a positive integer",
    ),
    ("weight", "/dev/sda:10", [("/dev/sda", 10)]),
    ("weight", "/dev/sda:5", "invalid weight for device: /dev/sda:5"),
]


@pytest.mark.parametrize(("kind", "text", "wanted"), CONVERSIONS)
def test_values_are_converted_as_docker_converts_them(kind: str, text: str, wanted: object) -> None:
    if not isinstance(wanted, str):
        assert convert(kind, text) == wanted
        return
    with pytest.raises(UsageError) as caught:
        convert(kind, text)
    shown = f'invalid argument "{text}" for "-f, --flag" flag: {wanted}'
    assert str(caught.value) == f"{shown}  See 'mini-docker x --help'."


def test_floating_point_numbers_are_read_as_go_reads_them() -> None:
    assert [convert("float", text) for text in ("1.5", "2e3", "1_0", "0x1p4", "-.5")] == [
        1.5, 2000.0, 10.0, 16.0, -0.5,
    ]  # fmt: skip
    for text in ("", " 1", "0x10", "1e400", "x"):
        with pytest.raises(UsageError, match=r"strconv\.ParseFloat: parsing"):
            convert("float", text)


def test_a_bare_variable_takes_its_value_from_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MINI_DOCKER_TEST", "a=b")
    monkeypatch.delenv("MINI_DOCKER_UNSET", raising=False)
    assert convert("env", "MINI_DOCKER_TEST") == ["MINI_DOCKER_TEST=a=b"]
    assert convert("env", "MINI_DOCKER_UNSET") == ["MINI_DOCKER_UNSET"]


def test_a_filter_is_a_name_and_a_value() -> None:
    assert convert("filter", "Status=a=b") == [("status", "a=b")]
    with pytest.raises(UsageError, match=r"bad format of filter \(expected name=value\)"):
        convert("filter", "x")


@given(st.sampled_from(sorted(KINDS)), st.text("0123456789abkmx.-+_/:= e" + chr(0x663)))
def test_any_value_is_converted_or_refused(kind: str, text: str) -> None:
    command = Command("x", "", "", [Flag("flag", kind=kind, help="x")], maximum=0)
    try:
        parse(command, [f"--flag={text}"])
    except UsageError as error:
        assert str(error).isprintable()
