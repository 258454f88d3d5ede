"""Events: written in one write, read back whatever has happened to the log, and filtered."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_docker import events, events_read, moments
from mini_docker.cli import events as command
from mini_docker.errors import UsageError
from mini_docker.gotemplate import TemplateError

NOW = 10**18  # nanoseconds since 1970


def emit(root: Path, action: str = "start", name: str = "web", **attributes: str) -> None:
    """Write down one event of a container called *name*."""
    events.emit(str(root), "container", action, "4adc", {"name": name, **attributes})


def past(root: Path) -> list[dict[str, Any]]:
    """Return all events that there are now."""
    return list(events_read.watch(str(root), 0, time.time_ns()))


def actions(root: Path) -> list[str]:
    return [event["Action"] for event in past(root)]


def event(**fields: Any) -> dict[str, Any]:
    """Return an event as the log has it."""
    actor = {"ID": "4adc463e", "Attributes": {"image": "busybox:1", "name": "web", "tier": "a"}}
    found = {"Type": "container", "Action": "start", "Actor": actor, "scope": "local"}
    return {**found, "time": NOW // 10**9, "timeNano": NOW, **fields}


def passes(found: dict[str, Any], *filters: str) -> bool:
    pairs = [(text.partition("=")[0], text.partition("=")[2]) for text in filters]
    return events_read.Filter(pairs).passes(found)


def test_an_event_is_a_line_in_the_fields_of_the_api(tmp_path: Path) -> None:
    before = time.time_ns()
    emit(tmp_path, exitCode="3", odd='a"b\n\udcff')
    line = (tmp_path / "events.log").read_bytes()
    assert line.count(b"\n") == 1
    found = json.loads(line.decode("utf-8", "surrogateescape"))
    assert (found["Type"], found["Action"], found["scope"]) == ("container", "start", "local")
    named = {"name": "web", "exitCode": "3", "odd": 'a"b\n\udcff'}
    assert found["Actor"] == {"ID": "4adc", "Attributes": named}
    assert before <= found["timeNano"] <= time.time_ns()
    assert found["time"] == found["timeNano"] // 10**9


def test_an_event_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    emit(tmp_path / "nowhere")
    (tmp_path / "events.log").symlink_to("/etc/passwd")  # nor is it written elsewhere
    size = os.stat("/etc/passwd").st_size
    emit(tmp_path)
    assert os.stat("/etc/passwd").st_size == size


def test_a_log_that_is_a_pipe_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.log")
    emit(tmp_path)


def test_of_an_event_that_is_too_long_what_identifies_it_stays(tmp_path: Path) -> None:
    emit(tmp_path, label="x" * 10**6, exitCode="1" * 10**6, image="\0" * 10**5)
    (found,) = past(tmp_path)
    kept = found["Actor"]["Attributes"]
    assert kept["name"] == "web" and kept["exitCode"] == "1" * events.WORD and "label" not in kept
    assert (tmp_path / "events.log").stat().st_size <= events.LINE


def test_a_full_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LIMIT", 1000)
    for number in range(8):
        emit(tmp_path, f"step{number}")
    sizes = [path.stat().st_size for path in sorted(tmp_path.iterdir())]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.log", "events.log.1"]
    assert all(0 < size < 1300 for size in sizes), sizes
    found = actions(tmp_path)
    assert found == [f"step{number}" for number in range(8)][-len(found) :]


def test_writers_at_the_same_time_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty events fill the log once: none may be lost, whoever puts it aside."""
    monkeypatch.setattr(events, "LIMIT", 6000)
    pids = []
    for writer in range(6):
        if not (pid := os.fork()):
            for number in range(10):
                emit(tmp_path, f"{writer}.{number}")
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    assert sorted(actions(tmp_path)) == sorted(f"{w}.{n}" for w in range(6) for n in range(10))


def test_of_two_that_find_the_log_full_one_puts_it_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    monkeypatch.setattr(events, "LIMIT", 300)
    emit(tmp_path, "first", words="x" * 300)

    def late(descriptor: int, kind: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        emit(tmp_path, "quicker")
        flock(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    emit(tmp_path, "slower")
    assert actions(tmp_path) == ["first", "quicker", "slower"]


def test_a_line_that_was_cut_short_costs_only_itself(tmp_path: Path) -> None:
    emit(tmp_path, "first")
    with open(tmp_path / "events.log", "ab") as log:
        log.write(b'{"Type":"container","Acti')
    emit(tmp_path, "third")
    assert actions(tmp_path) == ["first", "third"]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[" * 100000,
        b"null",
        b"{}",
        b'{"Type":"a","Action":"b","Actor":{"ID":"c","Attributes":{"d":1}},"scope":"","time":1,"timeNano":1}',
        b'{"Type":"a","Action":"b","Actor":{"ID":"c","Attributes":{}},"scope":"","time":1,"timeNano":-1}',
        b'{"Type":"a","Action":"b","Actor":{"ID":"c","Attributes":{}},"scope":"","time":1,"timeNano":1e99}',
        b'{"Type":1,"Action":"b","Actor":{"ID":"c","Attributes":{}},"scope":"","time":1,"timeNano":1}',
    ],
)
def test_what_is_no_event_is_left_out(line: bytes) -> None:
    assert events_read.event(line) is None


def following(root: Path, until: int | None = None) -> Iterator[dict[str, Any]]:
    return events_read.watch(str(root), None, until)


def at_each_look(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Have *act* called where a reader waits until its next look."""
    real = time.sleep

    def sleep(seconds: float) -> None:
        act()
        real(min(seconds, 0.01))

    monkeypatch.setattr(time, "sleep", sleep)


def test_what_comes_is_seen_and_what_was_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emit(tmp_path, "old")
    at_each_look(monkeypatch, lambda: emit(tmp_path, "new"))
    assert next(following(tmp_path))["Action"] == "new"


def test_a_reader_goes_with_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is put aside while somebody reads: all of it is read, in order, and once."""
    monkeypatch.setattr(events, "LIMIT", 2000)
    numbers = map(str, range(30))
    files = set()

    def write() -> None:
        for _ in range(3):
            if number := next(numbers, ""):
                emit(tmp_path, number)
        files.add((tmp_path / "events.log").stat().st_ino)

    at_each_look(monkeypatch, write)
    reader = following(tmp_path)
    assert [next(reader)["Action"] for _ in range(30)] == [str(number) for number in range(30)]
    assert len(files) > 1, "it has not been put aside"


def test_a_reader_ends_at_until(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emit(tmp_path, "old")
    left = ["new"]
    at_each_look(monkeypatch, lambda: emit(tmp_path, left.pop()) if left else None)
    until = time.time_ns() + 400_000_000
    assert [it["Action"] for it in following(tmp_path, until)] == ["old", "new"]
    assert time.time_ns() > until


def test_only_what_lies_between_the_moments(tmp_path: Path) -> None:
    moments_ = []
    for action in ("a", "b", "c"):
        moments_.append(time.time_ns())
        emit(tmp_path, action)
    found = events_read.watch(str(tmp_path), moments_[1], moments_[2])
    assert [it["Action"] for it in found] == ["b"]


@pytest.mark.parametrize(
    "filters",
    [
        ["type=container", "event=start", "container=web", "label=tier"],
        ["container=4adc"],
        ["container=other", "container=web"],
        ["image=busybox"],
        ["image=busybox:1"],
        ["label=tier=a", "label=name"],
        ["scope=local"],
        [],
    ],
)
def test_a_filter_that_fits(filters: list[str]) -> None:
    assert passes(event(), *filters)


@pytest.mark.parametrize(
    "filters",
    [
        ["type=image"],
        ["event=die"],
        ["event=star"],
        ["container=web2"],
        ["image=busy"],
        ["label=tier=b"],
        ["label=tier", "label=other"],
        ["container=web", "event=die"],
    ],
)
def test_a_filter_that_does_not_fit(filters: list[str]) -> None:
    assert not passes(event(), *filters)


def test_an_action_with_words_behind_it_is_found_by_its_beginning() -> None:
    assert passes(event(Action="health_status: healthy"), "event=health_status")
    assert passes(event(Action="health_status: healthy"), "event=health_status: healthy")
    assert not passes(event(Action="health_status: healthy"), "event=health_status: unhealthy")
    assert passes(event(Action="exec_create: ls -l"), "event=exec_create")


def test_an_image_is_found_by_its_name_with_and_without_a_tag() -> None:
    actor = {"ID": "sha256:12", "Attributes": {"name": "localhost:5000/a/b:1"}}
    pulled = event(Type="image", Action="pull", Actor=actor)
    assert passes(pulled, "image=localhost:5000/a/b") and passes(pulled, "image=sha256:12")
    assert not passes(pulled, "image=localhost") and not passes(pulled, "image=sha256")


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(UsageError, match="invalid filter 'colour'"):
        events_read.Filter([("colour", "red")])


def test_the_plain_line_is_dockers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        line = command.plain(event(timeNano=NOW + 5))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert line == (
        "2001-09-09T10:46:40.000000005+09:00 container start 4adc463e "
        "(image=busybox:1, name=web, tier=a)"
    )


def test_formats(capsys: pytest.CaptureFixture[str]) -> None:
    line = command._printer(
        "{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Status}} {{.From}}"
    )
    assert line(event()) == "container start web start busybox:1"
    found = json.loads(command._printer("json")(event()))
    assert list(found) == ["status", "id", "from", *event()]
    ended = {"image": "busybox:1", "name": "web", "exitCode": "3", "execDuration": "0"}
    text = command._printer("json")(event(Actor={"ID": "4adc463e", "Attributes": ended}))
    assert list(json.loads(text)["Actor"]["Attributes"]) == sorted(ended)  # as Go prints a map
    with pytest.raises(TemplateError, match="can't evaluate field Nope") as refusal:
        command._printer("{{.Nope}}")
    assert refusal.value.exit_code == 64


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0", 0),
        ("10", 10 * 10**9),
        ("1136073600.000000001", 1136073600_000000001),
        ("1136073600.5", 1136073600_500000000),
        ("2006-01-01T00:00:00Z", 1136073600_000000000),
        ("2006-01-01T00:00:00.25Z", 1136073600_250000000),
        ("2006-01-01T02:30:00+02:30", 1136073600_000000000),
        ("2005-12-31T20:00-04:00", 1136073600_000000000),
        ("10m", NOW - 600 * 10**9),
        ("1h30m", NOW - 5400 * 10**9),
        ("-10s", NOW + 10 * 10**9),
    ],
)
def test_moments(text: str, moment: int) -> None:
    assert moments.parse(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "x", "2006-13-01", "2006-01-01T25", "1.1.1", "9" * 30])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="failed to parse value as time or duration"):
        moments.parse(text)


def test_a_date_without_a_zone_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert moments.parse("2006-01-01") == (1136073600 - 9 * 3600) * 10**9
        assert moments.parse("2006-01-01T09:00") == 1136073600 * 10**9
    finally:
        monkeypatch.undo()
        time.tzset()
