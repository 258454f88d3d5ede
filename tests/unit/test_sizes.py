"""Sizes: read and printed as docker/go-units does (each row was answered by it)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import sizes


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("512", 512),
        ("12b", 12),
        ("64m", 64 << 20),
        ("64MB", 64 << 20),
        ("1KiB", 1024),
        ("1.5g", 3 << 29),
        ("1 k", 1024),
        (".5k", 512),
        ("1e3", 1000),
        ("1_0", 10),
        ("0x1p4", 16),
        ("1p", 1 << 50),
        ("-0", 0),
    ],
)
def test_memory_is_read_in_powers_of_1024(text: str, count: int) -> None:
    assert sizes.ram_in_bytes(text) == count


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid size: ''"),
        ("x", "invalid size: 'x'"),
        ("-1", "invalid size: '-1'"),
        ("5zz", "invalid suffix: 'zz'"),
        ("1kbb", "invalid suffix: 'kbb'"),
        ("1bb", "invalid suffix: 'bb'"),
        ("1e", "invalid suffix: 'e'"),
        ("1k ", 'strconv.ParseFloat: parsing "1k": invalid syntax'),
        ("1  k", 'strconv.ParseFloat: parsing "1 ": invalid syntax'),
        ("9e19", "invalid size: '9e19': value out of range"),
        ("9999999p", "invalid size: '9999999p': value out of range"),
    ],
)
def test_what_is_no_size_is_refused_in_dockers_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        sizes.ram_in_bytes(text)
    assert str(caught.value) == message


def test_disk_sizes_are_read_in_powers_of_1000() -> None:
    assert sizes.from_human_size("1.5k") == 1500
    assert sizes.from_human_size("32MB") == 32_000_000


@pytest.mark.parametrize(
    ("count", "three", "four", "binary"),
    [
        (0, "0B", "0B", "0B"),
        (999, "999B", "999B", "999B"),
        (1023, "1.02kB", "1.023kB", "1023B"),
        (9995, "9.99kB", "9.995kB", "9.761KiB"),
        (999_999, "1e+03kB", "1000kB", "976.6KiB"),
        (12_345_678, "12.3MB", "12.35MB", "11.77MiB"),
        (5 << 30, "5.37GB", "5.369GB", "5GiB"),
    ],
)
def test_sizes_are_printed_with_few_digits(count: int, three: str, four: str, binary: str) -> None:
    assert sizes.human_size(count) == three
    assert sizes.human_size(count, 4) == four
    assert sizes.bytes_size(count) == binary


@given(st.integers(0, 2**62))
def test_a_printed_size_reads_back_within_its_digits(count: int) -> None:
    read = sizes.ram_in_bytes(sizes.bytes_size(count)) if count < 1 << 60 else count
    assert abs(read - count) <= count / 1000


@given(st.text(alphabet="0123456789.kmgtpibKB -+e_x", max_size=12) | st.text(max_size=8))
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    for read in (sizes.ram_in_bytes, sizes.from_human_size):
        try:
            assert 0 <= read(text) < 1 << 63
        except ValueError:
            continue
