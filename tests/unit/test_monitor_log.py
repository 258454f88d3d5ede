"""The log that a monitor holds: what cannot be opened, and what fails, ends no container."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from mini_docker import logs, logs_read, monitor_log
from mini_docker.monitor_log import Late


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a container."""
    directory = tmp_path / ("ab" * 32)
    directory.mkdir()
    return directory


def read(place: Path, config: dict[str, Any]) -> tuple[bytes, list[str]]:
    reader = logs_read.Reader(str(place), config)
    return b"".join(run.text for run in reader.present(living=False)), reader.remarks()


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_log_that_cannot_be_opened_is_tried_again(
    place: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, real = {"Type": driver}, os.open
    late = Late(str(place), config)
    late.create()

    def refuse(path: str, *rest: Any, **named: Any) -> int:
        if path.endswith(".log") and not path.endswith("monitor.log"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        late.write(1, b"one\n")
        late.write(1, b"two\n")
    late.write(1, b"three\n")  # too soon
    assert late.writer is None
    monkeypatch.setattr(monitor_log, "PAUSE", 0)
    late.write(1, b"four\n")
    late.close()
    assert read(place, config) == (
        b"four\n",
        ["14 bytes of the log could not be written to the disk"],
    )
    (line,) = (place / "monitor.log").read_text().splitlines()
    assert line.startswith("the log is lost for now: ") and "No space left on device" in line


def test_what_was_lost_at_the_end_is_told_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Late(str(place), {})

    def refuse(*_: Any) -> logs.Writer:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(logs, "writer", refuse)
        late.write(1, b"one\n")
    late.close()
    assert read(place, {}) == (b"", ["4 bytes of the log could not be written to the disk"])


def test_what_fails_otherwise_ends_the_log(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Late(str(place), {})
    late.write(1, b"one\n")
    writer = late.writer
    assert writer

    def fail(*_: Any) -> None:
        raise TypeError("a student's mistake")

    monkeypatch.setattr(type(writer), "write", fail)
    late.write(1, b"two\n")
    late.write(1, b"three\n")
    late.close()
    assert isinstance(late.writer, logs.Nothing)
    assert "TypeError: a student's mistake" in (place / "monitor.log").read_text()
    assert read(place, {})[0] == b"one\n"
