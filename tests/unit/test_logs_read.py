"""Reading a log back: what was written, however it was rotated, compressed or damaged."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_docker import (
    logs,
    logs_chain,
    logs_compress,
    logs_files,
    logs_local,
    logs_read,
    logs_runs,
    moments,
)
from mini_docker.errors import ConfigError, StateError

DRIVERS = ("json-file", "local")


def config(driver: str = "json-file", **options: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): text for name, text in options.items()}
    return {"Type": driver, "Config": named}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The directory of a container."""
    directory = tmp_path / ("cd" * 32)
    directory.mkdir()
    return directory


def write(place: Path, options: dict[str, Any], *chunks: bytes, stream: int = 1) -> Path:
    """Write a log; return its path."""
    writer = logs.writer(str(place), options)
    for chunk in chunks:
        writer.write(stream, chunk)
    writer.close()
    return Path(logs_files.path(str(place), options.get("Type", "json-file")))


def read(place: Path, options: dict[str, Any], last: int = -1) -> tuple[bytes, list[str]]:
    """Return the text of a log, or of its *last* lines, and what is remarked."""
    reader = logs_read.Reader(str(place), options, last)
    text = b"".join(run.text for run in reader.runs())
    reader.decoder.end()
    return text, reader.remarks()


def pack(path: Path) -> None:
    """Write *path*.gz."""
    with path.open("rb") as file, open(f"{path}.gz", "wb") as out:
        logs_compress.compress(file.fileno(), out.fileno())


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_was_written_is_read(place: Path, driver: str) -> None:
    text = 'one\n\n\ttwo \\ " <&> \u2028 \U0001f600 \\n \\\\\n'.encode() * 50 + b"last"
    write(place, config(driver), text[:1234], text[1234:])
    assert read(place, config(driver)) == (text, [])


def test_local_keeps_every_byte(place: Path) -> None:
    text = bytes(range(256)) * 300
    write(place, config("local"), text)
    assert read(place, config("local")) == (text, [])


def test_what_is_no_character_becomes_one_that_says_so(place: Path) -> None:
    write(place, {}, b"a\xffb\xe2\x82c\n")
    assert read(place, {})[0] == "a\ufffdb\ufffd\ufffdc\n".encode()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("size", [16382, 16383, 16384, 16385, 32768, 40000])
def test_a_long_line_is_one_line_again(place: Path, driver: str, size: int) -> None:
    text = b"before\n" + b"x" * size + b"\nafter\n"
    write(place, config(driver), text)
    assert read(place, config(driver)) == (text, [])
    assert read(place, config(driver), last=2)[0] == text[7:]


@pytest.mark.parametrize("driver", DRIVERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_text_in_any_chunks(
    tmp_path_factory: pytest.TempPathFactory, driver: str, data: st.DataObject
) -> None:
    place = tmp_path_factory.mktemp("log") / ("ef" * 32)
    place.mkdir()
    letters = st.sampled_from(["a", "\n", "\\", '"', "n", "<", "\u2028", "é", "\x00", "\x7f", "\r"])
    chunks = [part.encode() for part in data.draw(st.lists(st.text(letters, max_size=20)))]
    write(place, config(driver), *chunks)
    text = b"".join(chunks)
    assert read(place, config(driver)) == (text, [])
    number = data.draw(st.integers(0, 6))
    lines = [line + b"\n" for line in text.split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    lines = [line for line in lines if line]
    wanted = b"".join(lines[-number:] if number else [])
    assert read(place, config(driver), last=number)[0] == wanted
    shutil.rmtree(place)


@pytest.mark.parametrize("compress", ["false", "true"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_last_lines_across_files(place: Path, driver: str, compress: str) -> None:
    options = config(driver, max_size="2k", max_file="5")
    options["Config"]["compress"] = "false"
    lines = [b"%d\n" % number for number in range(110)]
    path = write(place, options, *lines)
    if compress == "true":
        for aside in place.rglob(f"{path.name}.[1-3]"):
            pack(aside)
            aside.unlink()
    everything, _ = read(place, options)
    assert everything == b"".join(lines)
    for number in (0, 1, 5, 40, 60, 109, 110, 500):
        wanted = b"".join(lines[-number:] if number else [])
        assert read(place, options, last=number) == (wanted, [])


def test_the_last_lines_of_a_large_log_need_not_the_rest(place: Path) -> None:
    path = write(place, {}, *[b"x" * 99 + b"\n"] * 10)
    line = path.read_bytes().splitlines(keepends=True)[0]
    with path.open("wb") as file:
        file.truncate(2**33)  # eight GB of nothing
        file.seek(2**33)
        file.write(b"\n" + line * 100_000)
    assert read(place, {}, last=1000)[0] == (b"x" * 99 + b"\n") * 1000


ENTRY = b'{"log":"%s\\n","stream":"stdout","time":"2026-01-02T03:04:05.%09dZ"}\n'


@pytest.mark.parametrize(
    "damage",
    [
        b"\0" * 5000 + b"\n",
        b"\xff\xfe rubbish\n",
        b'{"log":"half of an ent\n',
        b'{"log":"x\\n","stream":"stdout","time":"yesterday"}\n',
        b'{"log":"x\\n","stream":"stdout"}\n',
        b'{"log":7,"stream":"stdout","time":"2026-01-02T03:04:05Z"}\n',
        b"[1]\n",
        b'"x"\n',
        b"\n",
        b"[" * 100_000 + b"\n",
        b"x" * (logs_runs.LONGEST + 100_000) + b"\n",
    ],
)
@pytest.mark.parametrize("same", [True, False])
def test_a_damaged_place_costs_itself(place: Path, damage: bytes, same: bool) -> None:
    entries = [ENTRY % (b"%d" % number, 7 if same else number) for number in range(2000)]
    path = write(place, {})
    path.write_bytes(b"".join([*entries[:1000], damage, *entries[1000:]]))
    text, remarks = read(place, {})
    assert text == b"".join(b"%d\n" % number for number in range(2000))
    assert remarks == ["the log is damaged: what could not be read is left out"]


def test_a_whole_entry_behind_half_a_one_is_read(place: Path) -> None:
    path = write(place, {})
    path.write_bytes(ENTRY % (b"1", 1) + b'{"log":"ha' + ENTRY % (b"2", 1) + ENTRY % (b"3", 1))
    text, remarks = read(place, {})
    assert text == b"1\n2\n3\n" and len(remarks) == 1


def test_two_entries_without_a_newline_between_them_are_two(place: Path) -> None:
    """The writer of the first was killed before the last byte of it."""
    path = write(place, {})
    glued = (ENTRY % (b"1", 1))[:-1] + (ENTRY % (b"2", 1))[:-1] + ENTRY % (b"3", 2)
    path.write_bytes(ENTRY % (b"0", 1) + glued + ENTRY % (b"4", 2))
    assert read(place, {}) == (b"0\n1\n2\n3\n4\n", [])


def test_null_is_what_is_left_out(place: Path) -> None:
    path = write(place, {})
    path.write_bytes(
        b'{"log":"one\\n","stream":null,"attrs":null,"time":"2026-01-02T03:04:05Z"}\n'
        b'{"log":null,"stream":"stdout","time":"2026-01-02T03:04:05Z"}\n'
    )
    assert read(place, {}) == (b"one\n", [])


@pytest.mark.parametrize("time", ["10m", "5", "2026-01-02", "2026-01-02T03:04:05", ""])
def test_the_time_of_an_entry_is_a_date(place: Path, time: str) -> None:
    path = write(place, {})
    row = {"log": "x\n", "stream": "stdout", "time": time}
    path.write_bytes(json.dumps(row).encode() + b"\n" + ENTRY % (b"1", 1))
    text, remarks = read(place, {})
    assert text == b"1\n" and len(remarks) == 1


def test_what_is_lost_is_no_negative_number(place: Path) -> None:
    path = write(place, {})
    row = {"log": "", "stream": "stderr", "lost": -3, "time": "2026-01-02T03:04:05Z"}
    path.write_bytes(json.dumps(row).encode() + b"\n" + ENTRY % (b"1", 1))
    damaged = ["the log is damaged: what could not be read is left out"]
    assert read(place, {}) == (b"1\n", damaged)
    path = write(place, config("local"), b"1\n")
    path.write_bytes(logs_local.note(-3, "x") + path.read_bytes())
    assert read(place, config("local")) == (b"1\n", damaged)


def test_a_time_before_the_year_1000_sorts_as_the_others(place: Path) -> None:
    early = logs_runs.at(moments.parse("0999-01-01T00:00:00Z"))
    assert early == "0999-01-01T00:00:00.000000000Z" < logs_runs.at(0)
    with pytest.raises(ValueError, match="four digits"):
        logs_runs.at(10**21)


def test_damage_to_a_local_log_costs_itself(place: Path) -> None:
    path = write(place, config("local"), *[b"line %d\n" % number for number in range(300)])
    data = bytearray(path.read_bytes())
    rng = random.Random(1)
    middle = len(data) // 2
    for number in range(40):
        data[middle + number] = rng.randrange(256)
    path.write_bytes(data)
    text, remarks = read(place, config("local"))
    lines = text.split(b"\n")
    assert len(lines) > 290 and lines[0] == b"line 0" and lines[-2] == b"line 299"
    assert len(remarks) == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_bytes_make_a_reader_fail(place: Path, driver: str) -> None:
    path = write(place, config(driver), *[b"line %d\n" % number for number in range(50)])
    sound = path.read_bytes()
    rng = random.Random(2)
    for _ in range(300):
        data = bytearray(sound)
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(data))
            data[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(4))
        path.write_bytes(data)
        read(place, config(driver))
        read(place, config(driver), last=7)


def test_a_damaged_compressed_file_costs_itself(place: Path) -> None:
    options = config(max_size="2k", max_file="5")
    path = write(place, options, *[b"%d\n" % number for number in range(80)])
    aside = Path(f"{path}.2")
    pack(aside)
    aside.unlink()
    compressed = Path(f"{aside}.gz")
    compressed.write_bytes(compressed.read_bytes()[:-40])
    text, remarks = read(place, options)
    assert text.startswith(b"0\n") and text.endswith(b"79\n") and len(remarks) == 1


def test_of_two_files_of_one_number_one_is_read(place: Path) -> None:
    """A monitor was killed when it had compressed a file and not removed it yet."""
    options = config(max_size="2k", max_file="5")
    path = write(place, options, *[b"%d\n" % number for number in range(60)])
    pack(Path(f"{path}.1"))
    assert read(place, options)[0] == b"".join(b"%d\n" % number for number in range(60))


def test_a_gap_in_the_numbers_is_none_in_the_log(place: Path) -> None:
    """A monitor was killed between two renames."""
    options = config(max_size="2k", max_file="9")
    path = write(place, options, *[b"%d\n" % number for number in range(90)])
    os.rename(f"{path}.3", f"{path}.4")
    os.rename(f"{path}.2", f"{path}.3")
    assert read(place, options)[0] == b"".join(b"%d\n" % number for number in range(90))


def test_dockers_own_files_are_read(place: Path) -> None:
    """Entries of dockerd 20.10, and one of a version that leaves out what is empty."""
    path = write(place, {})
    path.write_bytes(
        b'{"log":"one\\n","stream":"stdout","time":"2026-11-22T11:45:58.853279606Z"}\n'
        b'{"stream":"stderr","time":"2026-11-22T11:45:58.8532Z"}\n'
        b'{"log":"two\\u0009\\u003c\\n","stream":"stderr","attrs":{"tag":"x"},'
        b'"time":"2026-11-22T12:45:58+01:00"}\n'
    )
    reader = logs_read.Reader(str(place), {})
    runs = [(run.stream, run.text, run.time, run.attributes) for run in reader.runs()]
    assert runs == [
        (1, b"one\n", "2026-11-22T11:45:58.853279606Z", {}),
        (2, b"two\t<\n", "2026-11-22T11:45:58.000000000Z", {"tag": "x"}),
    ]
    assert reader.remarks() == []


def test_none_cannot_be_read(place: Path) -> None:
    with pytest.raises(StateError, match="configured logging driver does not support reading"):
        logs_read.Reader(str(place), config("none"))


def test_a_log_is_no_link(place: Path) -> None:
    path = write(place, {})
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(ConfigError, match="cannot read the log"):
        logs_read.Reader(str(place), {})


@pytest.mark.parametrize("number", ["", ".1", ".2.gz"])
@pytest.mark.parametrize("last", [-1, 1, 9])
def test_a_log_is_no_named_pipe(place: Path, number: str, last: int) -> None:
    path = write(place, {}, b"one\n")
    other = Path(f"{path}{number}")
    other.unlink(missing_ok=True)
    os.mkfifo(other)
    if number and last == 1:
        path.unlink()
    with pytest.raises(ConfigError, match=f"the log {other}: it is not a regular file"):
        logs_read.Reader(str(place), {}, last)


@pytest.mark.parametrize("compress", ["false", "true"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_follower_loses_nothing_while_files_are_put_aside(
    place: Path, driver: str, compress: str
) -> None:
    options = config(driver, max_size="20k", max_file="9000", compress=compress)
    count = place / "count"
    write(place, config(driver))  # there is a log, whoever comes first
    pid = os.fork()
    if pid == 0:
        try:
            _write_on(place, options, count)
            os._exit(0)
        finally:
            os._exit(1)
    ends: list[int] = []

    def alive() -> bool:
        if ends:
            return False
        found, status = os.waitpid(pid, os.WNOHANG)
        ends.extend([status] if found else [])
        return not found

    reader = logs_read.Reader(str(place), options)
    text = b"".join(run.text for run in reader.follow(alive, lambda: time.sleep(0.001)))
    assert ends == [0]
    lines = b"".join(b"line %d\n" % number for number in range(int(count.read_text())))
    assert text == lines + b"last"
    assert reader.remarks() == []


def _write_on(place: Path, options: dict[str, Any], count: Path) -> None:
    """Write lines, 10,000 at least, and until a file has been compressed if that is asked for."""
    writer = logs.writer(str(place), options)
    number = 0
    wanted = options["Config"]["compress"] == "true"
    while number < 10_000 or (wanted and not any(place.rglob("*.gz"))):
        writer.write(1, b"line %d\n" % number)
        number += 1
    writer.write(1, b"last")
    writer.close()
    count.write_text(str(number))


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_log_that_is_renamed_all_the_time_is_read(place: Path, driver: str) -> None:
    options = config(driver, max_size="2k", max_file="400", compress="false")
    write(place, options, *[b"line %d\n" % number for number in range(2000)])
    pid = os.fork()
    if pid == 0:
        try:
            writer = logs.writer(str(place), options)
            for number in range(2000, 10**9):
                writer.write(1, b"line %d\n" % number)
        finally:
            os._exit(1)
    try:
        for last in [3, 100, -1] * 6:
            reader = logs_read.Reader(str(place), options, last)
            lines = b"".join(run.text for run in reader.present(living=True)).splitlines()
            first = int(lines[0].split()[1])
            assert lines == [b"line %d" % number for number in range(first, first + len(lines))]
            assert len(lines) == last or (last < 0 and len(lines) > 300)
            assert reader.remarks() == []
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("driver", DRIVERS)
def test_more_files_than_may_be_open(
    place: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = config(driver, max_size="200", max_file="900", compress="false")
    lines = [b"line %d\n" % number for number in range(900)]
    path = write(place, options, *lines)
    assert len(list(path.parent.iterdir())) > 140
    assert 16 <= logs_chain.most() < os.sysconf("SC_OPEN_MAX")
    monkeypatch.setattr(logs_chain, "most", lambda: 40)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 60, limits[1]))
    try:
        for last in (1, 700, -1):
            wanted = lines[-last:] if last > 0 else lines
            reader = logs_read.Reader(str(place), options, last)
            assert b"".join(run.text for run in reader.present(living=False)) == b"".join(wanted)
            reader = logs_read.Reader(str(place), options, last)
            runs = reader.follow(lambda: False, lambda: None)
            assert b"".join(run.text for run in runs) == b"".join(wanted)
            assert reader.remarks() == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("lines", [b"", b"one\ntwo\n"])
def test_what_is_present_is_what_was_there(place: Path, driver: str, lines: bytes) -> None:
    writer = logs.writer(str(place), config(driver))
    writer.write(1, lines)
    reader = logs_read.Reader(str(place), config(driver), last=1)
    writer.write(1, b"three\n")
    assert b"".join(run.text for run in reader.present(living=True)) == lines[4:]
    writer.close()


def test_a_follower_that_is_too_slow_is_told(place: Path) -> None:
    options = config(max_size="1k", max_file="3")
    writer = logs.writer(str(place), options)
    writer.write(1, b"first\n")
    reader = logs_read.Reader(str(place), options)
    waited = threading.Event()

    def wait() -> None:
        for number in range(200):
            writer.write(1, b"%d\n" % number)
        waited.set()

    text = b"".join(run.text for run in reader.follow(lambda: not waited.is_set(), wait))
    writer.close()
    assert text.startswith(b"first\n") and text.endswith(b"\n198\n199\n")
    assert reader.remarks() == ["a part of the log was removed before it could be read"]


def test_a_follower_sees_a_log_that_was_emptied(place: Path) -> None:
    writer = logs.writer(str(place), {})
    writer.write(1, b"before, and some more\n")
    reader = logs_read.Reader(str(place), {})
    steps = [lambda: os.truncate(reader.path, 0), lambda: writer.write(1, b"after\n")]

    def wait() -> None:
        steps.pop(0)()

    text = b"".join(run.text for run in reader.follow(lambda: bool(steps), wait))
    writer.close()
    assert text == b"before, and some more\nafter\n"


def test_what_the_disk_did_not_take_is_told(place: Path) -> None:
    path = write(place, {})
    lost = {"log": "", "stream": "stderr", "lost": 77, "error": "x", "time": "2026-01-02T03:04:05Z"}
    path.write_bytes(ENTRY % (b"1", 1) + json.dumps(lost).encode() + b"\n" + ENTRY % (b"2", 1))
    assert read(place, {}) == (b"1\n2\n", ["77 bytes of the log could not be written to the disk"])
