"""configuration: the file daemon.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_docker import configuration
from mini_docker.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "daemon.json"
    monkeypatch.setenv("MINI_DOCKER_CONFIG", str(path))
    return path


def test_most_machines_have_none(file: Path) -> None:
    assert configuration.read() == {}


def test_keys_are_dockers(file: Path) -> None:
    file.write_text('{"userns-remap": "default"}')
    assert configuration.read() == {"userns-remap": "default"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"hosts": [], "userns-remap": "x"}', "don't match any configuration option: hosts"),
        ('{"userns-remap": true}', "userns-remap is missing or of a wrong type"),
        ('"text"', "it is not a JSON object"),
        ("{]", "it is not a JSON record"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_files_name(
    file: Path, text: str, words: str
) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=words) as refusal:
        configuration.read()
    assert str(file) in str(refusal.value)


def test_a_directory_is_no_file(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        configuration.read()


def test_the_path_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINI_DOCKER_CONFIG", raising=False)
    assert configuration.path() == "/etc/mini-docker/daemon.json"
