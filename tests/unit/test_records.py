"""records: JSON files that are whole, read and written without the json module."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import records
from mini_docker.errors import ConfigError

LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text() | st.floats(-1e9, 1e9)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_what_is_written_is_what_json_reads(value: object) -> None:
    assert json.loads(records.dump(value)) == value
    assert json.loads(records.dump(value, "  ")) == value


@given(VALUES)
def test_what_json_writes_is_read(value: object) -> None:
    assert records.parse(json.dumps(value)) == value
    assert records.parse(json.dumps(value, indent=3, ensure_ascii=False)) == value


@given(st.text())
def test_what_json_refuses_is_refused(text: str) -> None:
    try:
        wanted = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            records.parse(text)
    else:
        found = records.parse(text)
        assert found == wanted or wanted != wanted  # NaN


def test_an_indented_record_is_as_json_has_it() -> None:
    value = {"a": [1, {"b": None}, []], "c": {}, "d": "é\n"}
    assert records.dump(value, "  ") == json.dumps(value, indent=2, ensure_ascii=False)


def test_a_set_is_not_json() -> None:
    with pytest.raises(TypeError, match="set"):
        records.dump({"a": {1}})


@pytest.mark.parametrize("text", ["", "{", "[1,", "[" * 200_000, '{"a" 1}', "\0", "{} {}"])
def test_a_broken_record_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"state\.json: it is not a JSON record"):
        records.read(str(path))


def test_a_record_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LIMIT", 10)
    path = tmp_path / "big.json"
    path.write_text('"' + "x" * 20 + '"')
    with pytest.raises(ConfigError, match="larger than 10 bytes"):
        records.read(str(path))


def test_a_missing_record_is_another_matter(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        records.read(str(tmp_path / "none.json"))


def test_a_failed_write_leaves_the_old_record_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    records.write(str(path), {"old": 1})

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(ConfigError, match="No space left"):
        records.write(str(path), {"new": 2})
    assert json.loads(path.read_text()) == {"old": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_bytes_that_are_no_text_survive(tmp_path: Path) -> None:
    path = str(tmp_path / "a.json")
    name = os.fsdecode(b"caf\xe9")
    records.write(path, {"name": name})
    assert records.read(path) == {"name": name}
    assert b"caf\xe9" in Path(path).read_bytes()


def test_two_threads_write_one_record(tmp_path: Path) -> None:
    """A build makes stages side by side, and the first containers of both want the same filter."""
    path, failures = str(tmp_path / "record.json"), []

    def write(number: int) -> None:
        try:
            for _ in range(300):
                records.write(path, {"number": number})
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert records.read(path)["number"] in range(4)
    assert [it.name for it in tmp_path.iterdir()] == ["record.json"]
