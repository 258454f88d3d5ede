"""A monitor's clients: nothing is lost, nobody is held up for long, and nothing grows."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import attachment_client, monitor_clients
from mini_docker.attachment_wish import Wish
from mini_docker.errors import ProcessError
from mini_docker.monitor_clients import Client
from mini_docker.monitor_spool import Spool
from mini_docker.monitor_streams import Input

CHUNK = bytes(range(256)) * 256  # 64 KiB


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield ends
    for end in ends:
        end.close()


def client(connection: socket.socket, directory: Path, starter: bool = True) -> Client:
    """Return a client that wants everything."""
    return Client(connection, "012", starter, str(directory))


def taken(connection: socket.socket) -> list[bytes]:
    """Return the messages that are there."""
    found = []
    connection.setblocking(False)
    try:
        while message := connection.recv(monitor_clients.LARGEST + 1):
            found.append(message)
    except BlockingIOError:
        pass
    return found


def test_a_message_arrives_as_it_was(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    it = client(pair[0], tmp_path)
    it.send(b"1", CHUNK)
    it.send(b"x", b"{}")
    it.send(b"1", b"too late")
    assert taken(pair[1]) == [b"1" + CHUNK, b"x{}"]
    assert not it.holds() and it.deadline() is None


def test_who_was_there_first_slows_the_container_down(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    it = client(pair[0], tmp_path)
    sent = 0
    while not it.holds():
        it.send(b"1", CHUNK)
        sent += 1
        assert sent < 100
    assert it.spool is None and it.deadline() is not None
    received = taken(pair[1])
    it.go_on()
    assert not it.holds()
    assert received + taken(pair[1]) == [b"1" + CHUNK] * sent


def test_who_takes_nothing_finds_all_of_it_in_the_spool(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    it = client(pair[0], tmp_path)
    expected = [b"%d" % number + CHUNK[2:] for number in range(40)]
    for number, message in enumerate(expected):
        it.send(b"1", message)
        if it.holds():
            it.spill()
        assert not it.holds(), number
    it.send(b"x", b"{}")
    assert list(tmp_path.iterdir()) == [], "a spool has no name"
    received: list[bytes] = []
    while not it.gone:
        received += taken(pair[1])
        it.go_on()
    assert received + taken(pair[1]) == [*(b"1" + it for it in expected), b"x{}"]


def test_who_attaches_later_holds_nobody_up(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    it = client(pair[0], tmp_path, starter=False)
    for _ in range(20):
        it.send(b"1", CHUNK)
        assert not it.holds()


def test_who_misses_too_much_is_cut_off_in_one_line(
    pair: tuple[socket.socket, socket.socket],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor_clients, "VISITORS", 2**20)
    it = client(pair[0], tmp_path, starter=False)
    for _ in range(40):
        it.send(b"1", CHUNK)
    assert it.last
    received: list[bytes] = []
    while not it.gone:
        received += taken(pair[1])
        it.go_on()
    received += taken(pair[1])
    assert received[-1] == b"x" + monitor_clients.TOO_SLOW
    assert set(received[:-1]) == {b"1" + CHUNK} and 16 <= len(received) <= 24


def test_one_that_has_left_is_gone(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    it = client(pair[0], tmp_path)
    pair[1].close()
    it.send(b"1", b"anybody?")
    assert it.gone and it.receive() == b""


def test_the_end_is_heard_though_the_monitor_has_not_heard_everything(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """It ends while a window's size is on its way: the kernel tells of that first."""
    watcher = attachment_client.Client(pair[0], Wish((False, True, True), False, ""))
    pair[0].send(b"w[24,80]")
    it = Client(pair[1], "12", True, "")
    it.send(b"x", b'{"code":7,"error":"","removed":false}')
    it.close()
    assert watcher.follow() == 7


def test_who_hears_no_end_says_so(pair: tuple[socket.socket, socket.socket]) -> None:
    watcher = attachment_client.Client(pair[0], Wish((False, True, True), False, ""))
    pair[0].send(b"w[24,80]")
    pair[1].close()
    with pytest.raises(ProcessError, match="monitor was killed"):
        watcher.follow()


def test_a_spool_gives_its_space_back(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), 10_000)
    assert spool.put(b"1", b"a" * 4000) and spool.put(b"2", b"b" * 4000)
    assert not spool.put(b"1", b"c" * 4000)
    for kind, letter in ((b"1", b"a"), (b"2", b"b")):
        assert spool.first() == (kind, letter * 4000)
        spool.drop(4000)
    assert spool.first() is None and os.fstat(spool.descriptor).st_size == 0
    assert spool.put(b"1", b"c" * 9000)
    spool.close()


def test_input_waits_until_it_is_read_and_then_ends() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    it = Input(writer, once=True, tty=False)
    it.feed(CHUNK * 2)
    assert it.full()
    it.end()
    received = b""
    while chunk := os.read(reader, 2**16):
        received += chunk
        it.flush()
    assert received == CHUNK * 2 and it.descriptor == -1
    it.feed(b"late")
    os.close(reader)


def test_input_that_nobody_reads_is_forgotten() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    it = Input(writer, once=False, tty=False)
    it.end()
    assert it.descriptor == writer, "it is not for this client to end it"
    os.close(reader)
    it.feed(CHUNK)
    assert it.descriptor == -1 and not it.full()
