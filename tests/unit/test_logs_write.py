"""Writing a log: entries, rotation, compression, a full disk, a handover."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mini_docker import logs, logs_compress, logs_files, logs_json, logs_read, timestamps
from mini_docker.errors import ConfigError
from mini_docker.monitor_log import Late


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a container."""
    directory = tmp_path / ("ab" * 32)
    directory.mkdir()
    return directory


def config(driver: str = "json-file", **options: str) -> dict[str, Any]:
    return {
        "Type": driver,
        "Config": {name.replace("_", "-"): text for name, text in options.items()},
    }


def log(place: Path) -> Path:
    return Path(logs_files.path(str(place), "json-file"))


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_entries_are_lines_in_dockers_format(place: Path) -> None:
    writer = logs.writer(str(place), {})
    writer.write(1, b'to <be> & "so"\nor')
    writer.write(2, b"oops\n")
    writer.write(1, b" not\nlast")
    writer.close()
    found = entries(log(place))
    texts = [(entry["stream"], entry["log"]) for entry in found]
    assert texts == [
        ("stdout", 'to <be> & "so"\n'),
        ("stderr", "oops\n"),
        ("stdout", "or not\n"),
        ("stdout", "last"),
    ]
    assert rb'"log":"to \u003cbe\u003e \u0026 \"so\"\n"' in log(place).read_bytes()
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", e["time"]) for e in found
    )
    assert list(found[0]) == ["log", "stream", "time"]
    assert log(place).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ("2026-01-02T03:04:05.678901230Z", b"2026-01-02T03:04:05.67890123Z"),
        ("2026-01-02T03:04:50.000000000Z", b"2026-01-02T03:04:50Z"),
    ],
)
def test_a_time_has_no_zeros_at_its_end(
    now: str, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timestamps, "now", lambda: now)
    assert logs_json.moment() == text


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_writer_hands_over_half_lines_and_its_losses(place: Path, driver: str) -> None:
    writer = logs.writer(str(place), config(driver))
    writer.write(1, b"\xffhalf")
    writer.write(2, b"x" * 20000)
    again = logs.writer(str(place), config(driver), writer.leave())
    again.write(1, b" and half\n")
    again.write(2, b"y\n")
    again.close()
    if driver == "json-file":
        assert [entry["log"] for entry in entries(log(place))] == [
            "x" * 16384,
            "\ufffdhalf and half\n",
            "x" * (20000 - 16384) + "y\n",
        ]
    else:
        data = (place / "local-logs/container.log").read_bytes()
        assert b"\x1a\x0e\xffhalf and half" in data and data.count(b"x" * 16384) == 1


def test_attributes_survive_a_handover(place: Path) -> None:
    record: dict[str, Any] = {"Id": "ab" * 32, "Name": "web", "Path": "sh", "Args": ["-c", "x"]}
    record |= {
        "Image": "",
        "Created": "",
        "Config": {"Labels": {"a": "<1>", "b": "2"}, "Env": ["P=q", "R=s"]},
    }
    (place / "container.json").write_text(json.dumps(record))
    options = config(labels="a,none", env_regex="^P", tag="{{.Name}}/{{.ID}}")
    writer = logs.writer(str(place), options)
    writer.write(1, b"one\n")
    again = logs.writer(str(place), options, writer.leave())
    again.write(1, b"two\n")
    again.close()
    wanted = {"P": "q", "a": "<1>", "tag": "web/abababababab"}
    assert [entry["attrs"] for entry in entries(log(place))] == [wanted, wanted]
    assert rb"\u003c1\u003e" in log(place).read_bytes()


def test_files_are_put_aside_at_their_limit_and_nothing_is_lost_up_to_it(place: Path) -> None:
    writer = logs.writer(str(place), config(max_size="1k", max_file="3"))
    for number in range(100):
        writer.write(1, b"".join(b"%d %d\n" % (number, part) for part in range(10)))
    writer.close()
    names = sorted(path.name.partition("json.log")[2] for path in place.iterdir())
    assert names == ["", ".1", ".2"]
    texts: list[str] = []
    for suffix in (".2", ".1", ""):
        path = Path(f"{log(place)}{suffix}")
        assert 1000 <= path.stat().st_size < 1100 or not suffix
        texts += [entry["log"] for entry in entries(path)]
    everything = [f"{number} {part}\n" for number in range(100) for part in range(10)]
    assert len(texts) > 20 and texts == everything[-len(texts) :]


def test_one_file_begins_anew(place: Path) -> None:
    writer = logs.writer(str(place), config(max_size="200"))
    before = log(place).stat().st_ino
    for number in range(10):
        writer.write(1, b"%d\n" % number)
    writer.close()
    assert [path.name for path in place.iterdir()] == [log(place).name]
    assert log(place).stat().st_ino != before, "whoever reads the old one goes on with it"
    assert entries(log(place))[-1]["log"] == "9\n"


def compressed(place: Path) -> list[Path]:
    """Wait until all files are compressed that were put aside; return their paths."""
    give_up = time.monotonic() + 20
    while [path for path in place.rglob("*.log.*") if path.suffix != ".gz"]:
        assert time.monotonic() < give_up, f"not compressed: {list(place.rglob('*'))}"
        time.sleep(0.005)
    found = sorted(place.rglob("*.gz"), key=lambda path: int(path.suffixes[-2][1:]))
    assert [path.suffixes[-2] for path in found] == [f".{n + 1}" for n in range(len(found))]
    return found


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_what_was_put_aside_is_compressed_without_another_line(place: Path, driver: str) -> None:
    """And nobody has to be waited for."""
    options = config(driver, max_size="20k", max_file="3", compress="true")
    writer = logs.writer(str(place), options)
    writer.write(1, b"x\n" * 9 + b"".join(b"%d\n" % number for number in range(700)))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    path = compressed(place)[-1]
    plain = gzip.decompress(path.read_bytes())
    assert len(plain) >= 20_000 and b"x" in plain
    assert path.read_bytes()[:4] == b"\x1f\x8b\x08\x10", "and its comment is the inode"
    assert int(path.read_bytes()[10:].partition(b"\0")[0]) > 0
    writer.close()


def test_a_child_that_begins_late_compresses_the_right_files(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names move on while it starts."""
    real, ours = os.fork, os.getpid()

    def fork() -> int:
        if not (pid := real()) and os.getppid() != ours:
            time.sleep(0.3)
        return pid

    monkeypatch.setattr(os, "fork", fork)
    writer = logs.writer(str(place), config(max_size="20k", max_file="50", compress="true"))
    writer.write(1, b"".join(b"%d\n" % number for number in range(1000)))
    writer.close()
    found = compressed(place)
    assert len(found) > 2
    text = b"".join(gzip.decompress(path.read_bytes()) for path in reversed(found))
    rows = [json.loads(line)["log"] for line in text.splitlines()]
    assert rows == [f"{number}\n" for number in range(len(rows))]


def test_close_leaves_nothing_behind_that_is_not_compressed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do those stay that somebody was at who was killed."""
    options = config(max_size="2k", max_file="9", compress="true")
    with monkeypatch.context() as patch:
        patch.setattr(logs_compress.Packer, "begin", lambda packer: None)
        writer = logs.writer(str(place), options)
        writer.write(1, b"".join(b"%d\n" % number for number in range(100)))
    assert len(list(place.glob("*.log.[0-9]"))) > 2
    Path(f"{log(place)}.gz.tmp").write_bytes(b"half of one")
    writer.close()
    compressed(place)
    assert read(place, options) == [b"%d\n" % number for number in range(100)]


@pytest.mark.parametrize("call", ["fork", "ftruncate"])
def test_what_cannot_be_compressed_costs_nothing_else(
    place: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    options = config(max_size="2k", max_file="99", compress="true")
    report = place / "monitor.log"
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        writer = logs.writer(str(place), options)
        for number in range(100):
            writer.write(1, b"%d\n" % number)
        give_up = time.monotonic() + 20
        while not report.exists() or (lines := report.read_bytes()) == b"":
            assert time.monotonic() < give_up, "nobody tells"
    assert lines.endswith(b"-json.log: Resource temporarily unavailable\n")
    assert lines.count(b"\n") == 1, "once is enough"
    assert read(place, options) == [b"%d\n" % number for number in range(100)]
    while (claimed := logs_compress.Packer(str(log(place)), "")._claim()) < 0:
        assert time.monotonic() < give_up, "who failed does not end"
    os.close(claimed)
    writer.close()
    compressed(place)


class Disk:
    """A disk with so much room: os.write() writes what it can, as the kernel does."""

    def __init__(self, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = room
        real = os.write

        def write(descriptor: int, data: bytes) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            count = real(descriptor, bytes(data[: self.room]))
            self.room -= count
            return count

        monkeypatch.setattr(os, "write", write)


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_full_disk_costs_whole_entries_and_the_log_says_so(
    place: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_files, "PAUSE", 0)
    disk = Disk(450, monkeypatch)
    writer = logs.writer(str(place), config(driver))
    path = Path(logs_files.path(str(place), driver))
    for number in range(20):
        writer.write(1, b"line %d\n" % number)
    room = disk.room
    size = path.stat().st_size
    assert size < 450 and room == 0
    disk.room = 10**6
    writer.write(1, b"after\n")
    writer.close()
    data = path.read_bytes()
    assert b"No space left on device" in data[size:] and b"after" in data[size:]
    if driver == "json-file":
        found = entries(path)
        assert found[-1]["log"] == "after\n" and found[-2]["lost"] > 500 and not found[-2]["log"]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_who_empties_the_log_on_a_full_disk_gets_no_hole(
    place: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_files, "PAUSE", 0)
    disk = Disk(5000, monkeypatch)
    writer = logs.writer(str(place), config(driver))
    path = Path(logs_files.path(str(place), driver))
    shorten = os.ftruncate

    def shortened(descriptor: int, size: int) -> None:
        disk.room += os.fstat(descriptor).st_size - size
        shorten(descriptor, size)

    monkeypatch.setattr(os, "ftruncate", shortened)
    writer.write(1, b"line\n" * 200)
    assert b"No space left on device" in path.read_bytes()
    os.truncate(path, 0)
    disk.room = 10**6
    writer.write(1, b"after\n")
    writer.close()
    assert path.stat().st_size < 500 and b"\0\0\0\0" not in path.read_bytes()
    reader = logs_read.Reader(str(place), config(driver))
    assert b"".join(run.text for run in reader.runs()) == b"after\n"
    assert len(reader.remarks()) == 1 and reader.path == str(path)


def test_a_full_disk_stops_no_rotation(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is no room for a new file the old ones stay as they are."""
    monkeypatch.setattr(logs_files, "PAUSE", 0)
    writer = logs.writer(str(place), config(max_size="100", max_file="3"))
    writer.write(1, b"one\ntwo\n")
    before = sorted((path.name, path.stat().st_ino) for path in place.iterdir())
    real = os.open

    def refuse(path: str, *rest: Any) -> int:
        if path.endswith(".new"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        for _ in range(3):
            writer.write(1, b"three\nfour\n")
    assert sorted((path.name, path.stat().st_ino) for path in place.iterdir()) == before
    writer.write(1, b"five\n")
    writer.close()
    assert any("lost" in entry for path in place.iterdir() for entry in entries(path))


def test_half_an_entry_of_a_killed_writer_spoils_nothing(place: Path) -> None:
    log(place).write_bytes(
        b'{"log":"whole\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}\n{"lo'
    )
    writer = logs.writer(str(place), {})
    writer.write(1, b"next\n")
    writer.close()
    lines = log(place).read_bytes().splitlines()
    assert lines[1] == b'{"lo' and json.loads(lines[2])["log"] == "next\n"


def test_who_empties_the_file_does_not_fool_us(place: Path) -> None:
    writer = logs.writer(str(place), config(max_size="1k", max_file="2"))
    for _ in range(12):
        writer.write(1, b"x" * 100 + b"\n")
        os.truncate(log(place), 0)
    writer.close()
    assert not Path(f"{log(place)}.1").exists(), "it never had a thousand bytes"


def test_none_keeps_nothing(place: Path) -> None:
    writer = logs.writer(str(place), config("none"))
    writer.write(1, b"x\n")
    assert writer.leave() == b""
    writer.close()
    assert not list(place.iterdir())


def test_an_unknown_driver_is_refused(place: Path) -> None:
    with pytest.raises(ConfigError, match='logging plugin foo: plugin "foo" not found'):
        logs.writer(str(place), config("foo"))


def test_a_log_that_cannot_be_opened_is_named(place: Path) -> None:
    log(place).mkdir()
    with pytest.raises(ConfigError, match=r"cannot open the log .*-json\.log: Is a directory"):
        logs.writer(str(place), {})


@pytest.mark.timeout(10)
@pytest.mark.parametrize("number", ["", ".new"])
def test_a_named_pipe_holds_no_writer_up(place: Path, number: str) -> None:
    os.mkfifo(f"{log(place)}{number}")
    late = Late(str(place), config(max_size="1b"))
    late.create()
    for _ in range(3):
        late.write(1, bytes(2**17))
    late.close()
    said = (place / "monitor.log").read_text() if not number else ""
    assert number or ("cannot open the log" in said and "not a regular file" in said)


def dies(step: int, work: Callable[[], None]) -> bool:
    """Do *work* in a child that is killed at its *step*th change of a name; say whether it was."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    left = step

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                os._exit(9)
            return call(*arguments)

        return wrapped

    try:
        for name in ("rename", "unlink", "open"):
            setattr(os, name, counted(getattr(os, name)))
        work()
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_a_monitor_killed_at_any_step_of_a_rotation_loses_nothing(place: Path, driver: str) -> None:
    options = config(driver, max_size="200", max_file="9", compress="false")
    lines = [b"line %d\n" % number for number in range(18)]

    def work() -> None:
        writer = logs.writer(str(place), options)
        for line in lines[9:]:
            writer.write(1, line)
        writer.close()

    steps, dead = 0, True
    while dead:
        steps += 1
        shutil.rmtree(place)
        place.mkdir()
        before = logs.writer(str(place), options)
        for line in lines[:9]:
            before.write(1, line)
        before.close()
        dead = dies(steps, work)
        found = read(place, options)
        assert found == lines[: len(found)] and len(found) >= 9, f"killed at step {steps}"
        after = logs.writer(str(place), options)
        after.write(1, b"after\n" * 6)
        after.close()
        assert read(place, options) == [*found, *[b"after\n"] * 6], f"killed at step {steps}"
    assert steps > 5 and found == lines


def read(place: Path, options: dict[str, Any]) -> list[bytes]:
    """Return the lines of the log, and demand that nothing is to be remarked."""
    reader = logs_read.Reader(str(place), options)
    text = b"".join(run.text for run in reader.present(living=False))
    assert reader.remarks() == []
    return text.splitlines(keepends=True)
