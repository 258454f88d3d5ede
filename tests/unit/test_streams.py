"""streams: detach keys over split reads, entries of a log, terminals; the client of a monitor."""

from __future__ import annotations

import json
import os
import signal
import socket
import termios
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import attachment, attachment_client, streams, streams_terminal, streams_text
from mini_docker.errors import MiniDockerError, ProcessError, UsageError

FIELDS = b'"stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"'
Wish = attachment.Wish


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return *data* in pieces, cut at *places*."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    begins = [0, *ends]
    return [data[begin:end] for begin, end in zip(begins, ends, strict=False)]


@given(
    before=st.binary(max_size=40).map(lambda b: b.replace(b"\x11", b"x")),
    after=st.binary(max_size=20),
    places=st.lists(st.integers(0, 100)),
)
def test_the_keys_are_found_wherever_they_are_cut(
    before: bytes, after: bytes, places: list[int]
) -> None:
    keys = streams.Keys(b"\x10\x11")
    passed = b""
    for piece in cut(before + b"\x10\x11" + after, places):
        passed += keys.feed(piece)
        if keys.detached:
            break
    assert keys.detached
    assert passed == before


@given(data=st.binary(max_size=60), places=st.lists(st.integers(0, 100)))
def test_without_the_keys_every_byte_goes_on(data: bytes, places: list[int]) -> None:
    keys = streams.Keys(b"\x10\x10\x11")
    data = data.replace(b"\x11", b"\x10")
    passed = b"".join(keys.feed(piece) for piece in cut(data, places))
    assert passed + keys.rest() == data
    assert not keys.detached
    assert keys.held == b""


def test_a_sequence_that_begins_twice() -> None:
    keys = streams.Keys(b"aab")
    assert [keys.feed(b) for b in (b"a", b"a", b"a", b"b")] == [b"", b"", b"a", b""]
    assert keys.detached
    none = streams.Keys(b"")
    assert none.feed(b"\x10\x11") == b"\x10\x11" and not none.detached


@pytest.mark.parametrize(
    ("keys", "bytes_"),
    [("ctrl-p,ctrl-q", b"\x10\x11"), ("a", b"a"), ("ctrl-@,ctrl-[,ctrl-\\,DEL", b"\0\x1b\x1c\x7f")],
)
def test_detach_keys_in_dockers_words(keys: str, bytes_: bytes) -> None:
    assert streams_text.sequence(keys) == bytes_


@pytest.mark.parametrize("keys", ["", "ctrl-", "ctrl-A", "ab", "a,,b", "é", "ctrl-pp"])
def test_detach_keys_that_make_no_sense(keys: str) -> None:
    with pytest.raises(UsageError, match="Invalid detach keys"):
        streams_text.sequence(keys)


@given(st.binary(max_size=200).map(lambda b: b * 300), st.lists(st.integers(0, 60000)))
def test_a_log_gives_back_what_went_in(data: bytes, places: list[int]) -> None:
    made, rest = [], b""
    for piece in cut(data, places):
        text, rest = streams.entries(rest + piece, FIELDS)
        assert len(rest) <= streams.LONGEST
        made.append(text)
    text, rest = streams.entries(rest, FIELDS, end=True)
    assert rest == b""
    rows = [json.loads(row) for row in (b"".join(made) + text).splitlines()]
    assert "".join(row["log"] for row in rows) == go(data)
    assert all(row["log"] and "\n" not in row["log"][:-1] for row in rows)
    assert all(row["time"] == "2026-01-02T03:04:05.000000006Z" for row in rows)


def go(data: bytes) -> str:
    """Decode as Go does: one U+FFFD for each byte that is not UTF-8."""
    text, place = [], 0
    while place < len(data):
        for size in (1, 2, 3, 4):
            try:
                text.append(data[place : place + size].decode())
                place += size
                break
            except UnicodeDecodeError:
                continue
        else:
            text.append("\ufffd")
            place += 1
    return "".join(text)


def test_an_entry_is_written_as_docker_writes_it() -> None:
    text = b'<a & "b">\\\t\r\x00\x7f\xff\xe2\x82 \xe2\x80\xa8\xc3\xa9\n'
    wanted = (
        rb'{"log":"\u003ca \u0026 \"b\"\u003e\\\u0009\r\u0000' + b"\x7f"
        rb"\ufffd\ufffd\ufffd \u2028" + "é".encode() + rb'\n",' + FIELDS + b"}\n"
    )
    assert streams.entries(text, FIELDS) == (wanted, b"")


def test_a_long_line_is_cut_between_characters() -> None:
    line = "é".encode() * streams.LONGEST
    made, rest = streams.entries(b"x" + line + b"\nshort", FIELDS)
    logs = [json.loads(row)["log"] for row in made.splitlines()]
    assert "".join(logs) == "x" + "é" * streams.LONGEST + "\n"
    assert [len(log.encode()) for log in logs] == [16383, 16384, 3]
    assert rest == b"short"


def test_exactly_the_longest_line() -> None:
    line = b"x" * (streams.LONGEST - 1) + b"\n"
    made, rest = streams.entries(line * 2, FIELDS)
    assert made.count(b"\n") == 2 and rest == b""
    assert streams.entries(line[:-1] + b"yz", FIELDS)[1] == b"z"


def test_raw_mode_and_back() -> None:
    master, slave = os.openpty()
    before = termios.tcgetattr(slave)
    screen = streams_terminal.Screen(slave)
    screen.enter()
    raw = termios.tcgetattr(slave)
    assert not raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
    assert not raw[1] & termios.OPOST
    screen.leave()
    assert termios.tcgetattr(slave) == before
    # What somebody else has set meanwhile stays.
    screen.enter()
    other = termios.tcgetattr(slave)
    other[3] |= termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, other)
    screen.leave()
    assert termios.tcgetattr(slave)[3] & termios.ECHO
    os.close(master)
    os.close(slave)


@pytest.fixture
def monitor() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's connection, and the other end of it."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    handlers = {number: signal.getsignal(number) for number in attachment_client.ENDING}
    yield ours, its
    ours.close()
    its.close()
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve(connection: socket.socket) -> int:
    return attachment.serve(connection, Wish((False, True, True), False))


def test_a_client_shows_and_ends(
    monitor: tuple[socket.socket, socket.socket], capfd: pytest.CaptureFixture[str]
) -> None:
    ours, its = monitor
    for message in (b"s", b"1out", b"2err", b'x{"code":3,"error":"","removed":true}'):
        its.send(message)
    assert serve(ours) == 3
    assert capfd.readouterr() == ("out", "err")


def test_a_start_that_failed(monitor: tuple[socket.socket, socket.socket]) -> None:
    monitor[1].send(b"f127 no such command")
    with pytest.raises(MiniDockerError, match="no such command") as told:
        serve(monitor[0])
    assert told.value.exit_code == 127


def test_a_monitor_that_is_gone(monitor: tuple[socket.socket, socket.socket]) -> None:
    monitor[1].close()
    with pytest.raises(ProcessError, match="monitor was killed"):
        serve(monitor[0])


def test_a_signal_ends_the_client_alone(monitor: tuple[socket.socket, socket.socket]) -> None:
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    assert serve(monitor[0]) == 143


def test_a_hello_says_what_is_wanted() -> None:
    wish = Wish((True, False, True), False, "a,b")
    assert wish.hello() == {"stdin": True, "stdout": False, "stderr": True, "size": None}
    assert wish.keys == b""  # nobody types
    assert Wish((True, True, True), True, "a,b").keys == b"ab"
    with pytest.raises(UsageError):
        Wish((True, True, True), False, "nonsense")
