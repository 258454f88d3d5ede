"""The options of log drivers, refused in docker's words; recorded from dockerd 20.10."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mini_docker import logs_options
from mini_docker.errors import ConfigError


@pytest.fixture
def daemon_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "daemon.json"
    monkeypatch.setenv("MINI_DOCKER_CONFIG", str(path))
    return path


NEW = "failed to initialize logging driver: "


@pytest.mark.parametrize(
    ("driver", "options", "message"),
    [
        ("foo", {}, 'error looking up logging plugin foo: plugin "foo" not found'),
        ("none", {"x": "y"}, "invalid logging opts for driver none"),
        ("json-file", {"foo": ""}, "unknown log opt 'foo' for json-file log driver"),
        ("local", {"labels": "x"}, "unknown log opt 'labels' for log driver local"),
        ("", {"mode": "x"}, "logger: logging mode not supported: x"),
        (
            "",
            {"max-buffer-size": "1m"},
            "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
        ),
        (
            "",
            {"max-buffer-size": "x", "mode": "non-blocking"},
            "logger: mode=non-blocking is not supported: it would lose lines; leave it out",
        ),
        ("", {"max-size": "0"}, NEW + "max-size must be a positive number"),
        ("", {"max-size": "x"}, NEW + "invalid size: 'x'"),
        ("", {"max-size": "-1"}, NEW + "invalid size: '-1'"),
        ("", {"max-file": "x"}, NEW + 'strconv.Atoi: parsing "x": invalid syntax'),
        ("", {"max-file": "0"}, NEW + "max-file cannot be less than 1"),
        ("", {"compress": "x"}, NEW + 'strconv.ParseBool: parsing "x": invalid syntax'),
        (
            "",
            {"compress": "true"},
            NEW + "compress cannot be true when max-file is less than 2 or max-size is not set",
        ),
        (
            "local",
            {"max-file": "1"},
            NEW + "compression cannot be enabled when max file count is 1",
        ),
    ],
)
def test_nonsense_is_refused(
    daemon_json: Path, driver: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        logs_options.complete(driver, options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels-regex": "("}, "invalid log opt labels-regex: "),
        ({"env-regex": "*"}, "invalid log opt env-regex: "),
        ({"tag": "{{.Foo"}, NEW + "template: "),
        ({"tag": "{{.Foo}}"}, NEW + "template: "),
    ],
)
def test_patterns_and_tags_are_looked_at(
    daemon_json: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        logs_options.complete("", options)
    assert str(caught.value).startswith(message)


def test_what_is_said_and_what_is_not() -> None:
    rotation = logs_options.rotation
    assert rotation("json-file", {}) == (0, 1, False)
    assert rotation("json-file", {"max-size": "10m", "max-file": "3"}) == (10**7, 3, False)
    assert rotation("json-file", {"max-size": "1k", "max-file": "2", "compress": "1"})[2] is True
    assert rotation("local", {}) == (20 * 2**20, 5, True)
    assert rotation("local", {"max-file": "1", "compress": "false"}) == (20 * 2**20, 1, False)


def test_daemon_json_completes_what_is_not_said(daemon_json: Path) -> None:
    complete = logs_options.complete
    assert complete("", {}) == {"Type": "json-file", "Config": {}}
    opts = {"max-size": "1m", "max-file": "2"}
    daemon_json.write_text(json.dumps({"log-driver": "local", "log-opts": opts}))
    assert complete("", {}) == {"Type": "local", "Config": opts}
    assert complete("", {"max-file": "7"})["Config"] == {"max-size": "1m", "max-file": "7"}
    assert complete("local", {})["Config"] == opts
    assert complete("json-file", {}) == {"Type": "json-file", "Config": {}}
    assert complete("none", {}) == {"Type": "none", "Config": {}}


@pytest.mark.parametrize(
    "text", ['{"log-driver": 7}', '{"log-opts": []}', '{"log-opts": {"max-file": 3}}']
)
def test_a_daemon_json_of_a_wrong_type_is_named(daemon_json: Path, text: str) -> None:
    daemon_json.write_text(text)
    with pytest.raises(ConfigError, match=r"daemon\.json"):
        logs_options.complete("", {})
