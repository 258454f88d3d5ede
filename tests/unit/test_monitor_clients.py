"""A monitor's clients: nothing is lost, nobody is held up for long, and nothing grows."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import attachment_client, monitor_clients, monitor_messages
from mini_docker.attachment_wish import Wish
from mini_docker.errors import ProcessError
from mini_docker.monitor_clients import Client
from mini_docker.monitor_loop import Loop
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


def test_who_attaches_later_and_misses_too_much_is_cut_off_in_one_line(
    pair: tuple[socket.socket, socket.socket],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor_clients, "BEHIND", 2**20)
    it = client(pair[0], tmp_path, starter=False)
    for _ in range(60):
        it.send(b"1", CHUNK)
        assert not it.holds() and it.deadline() is None
    assert it.last
    received = rest(it, pair[1])
    assert received[-1] == b"x" + monitor_clients.TOO_SLOW
    assert set(received[:-1]) == {b"1" + CHUNK} and 16 <= len(received) <= 24


def test_the_end_is_told_to_one_that_has_missed_as_much_as_it_may(
    pair: tuple[socket.socket, socket.socket],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor_clients, "BEHIND", 2**20)
    it = client(pair[0], tmp_path, starter=False)
    while not (it.spool and it.spool.full()):
        it.send(b"1", CHUNK)
    it.send(b"x", b"{}")
    assert rest(it, pair[1])[-1] == b"x{}"


def test_who_was_there_first_and_takes_nothing_any_more_is_cut_off(
    pair: tuple[socket.socket, socket.socket],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(monitor_clients, "BEHIND", 2**20)
    it = client(pair[0], tmp_path)
    fill(it)
    it.lose_patience()
    assert it.holds(), "not yet: it has just been given something"
    it.since -= monitor_clients.PATIENCE
    it.lose_patience()
    assert it.last and not it.holds()
    it.send(b"1", b"too late")
    received = rest(it, pair[1])
    assert received[-1] == b"x" + monitor_clients.TOO_SLOW
    assert set(received[:-1]) == {b"1" + CHUNK}


def fill(it: Client) -> None:
    """Let *it* miss as much as it may, in a spool."""
    while not it.holds():
        it.send(b"1", CHUNK)
    it.spill()
    while not it.holds():
        it.send(b"1", CHUNK)


def rest(it: Client, connection: socket.socket) -> list[bytes]:
    """Return the messages that *it* is still to have, taken from *connection*."""
    received: list[bytes] = []
    while not it.gone:
        received += taken(connection)
        it.go_on()
    return received + taken(connection)


def test_who_was_there_first_holds_the_container_up_once_the_spool_is_full(
    pair: tuple[socket.socket, socket.socket],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it gets is whole, and the file never takes more than its limit and a few messages."""
    monkeypatch.setattr(monitor_clients, "BEHIND", 2**22)
    it = client(pair[0], tmp_path)
    pair[1].setblocking(False)
    sent, most, received = 0, 0, []
    while sent < 400 or not it.gone:
        if it.owed:
            it.spill()
        if sent < 400 and not it.holds():
            it.send(b"1", b"%3d" % sent + CHUNK[3:])
            sent += 1
        elif sent == 400:
            it.send(b"x", b"{}")
        if sent == 400 or (it.spool and it.holds()):
            received.append(pair[1].recv(monitor_clients.LARGEST + 1))
            it.go_on()
        if it.spool:
            most = max(most, os.fstat(it.spool.descriptor).st_blocks * 512)
    assert [message[1:4] for message in [*received, *taken(pair[1])][:-1]] == [
        b"%3d" % number for number in range(400)
    ]
    assert 2**21 < most < 2**22 + 2**21


def test_who_types_for_nobody_stops_reading_what_is_typed(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"typed")
    read = os.read
    monkeypatch.setattr(os, "read", lambda _descriptor, most: read(reader, most))
    it = attachment_client.Client(pair[0], Wish((True, False, False), False, ""))
    pair[1].shutdown(socket.SHUT_RD)
    it._read()
    assert not it.input and it._done()
    monkeypatch.undo()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("given", [False, True], ids=["first", "later"])
def test_whatever_a_client_says_ends_no_more_than_its_connection(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path, given: bool
) -> None:
    master, slave = os.openpty()
    loop = Loop("", "", 0, -1)
    loop.input = Input(master, once=False, tty=True)
    sizes = ("[1e999,1]", "[-1e999,NaN]", "[1]", "[1,2,3]", '"ab"', "{}", "[[],[]]", "[1.5,2]", "7")
    texts = [b'{"size":%b}' % it.encode() for it in sizes]
    texts += [b"[" * 60000, b'{"a":' * 10000, b"9" * 60000, b"\xff", b"", b"null", b"1", b"[,]"]
    texts += [b"[1e999,1]", b"[" + b"9" * 5000 + b",1]", b"[-5,99999999]", b'{"stdin":[],"size":0}']
    for kind in b"hiewqx12sf\x00\xff":
        for text in texts:
            it = client(pair[0], tmp_path)
            it.wants = "12" if given else None
            monitor_messages.take(loop, it, bytes([kind]), text)
            taken(pair[1])
    os.close(master)
    os.close(slave)


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
    spool = Spool(str(tmp_path), 2**24)
    for number in range(400):  # far more than its limit, though never at the same time
        assert not spool.full(), number
        assert spool.put(b"1", b"%3d" % number + CHUNK[3:])
        if number >= 40:
            assert spool.first() == (b"1", b"%3d" % (number - 40) + CHUNK[3:])
            spool.drop(len(CHUNK))
        assert os.fstat(spool.descriptor).st_blocks * 512 < 45 * len(CHUNK) + 2**20
    for number in range(360, 400):
        assert spool.first() == (b"1", b"%3d" % number + CHUNK[3:])
        spool.drop(len(CHUNK))
    assert spool.first() is None and os.fstat(spool.descriptor).st_size == 0
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


def test_the_last_input_of_one_that_leaves_with_output_unread_is_taken(tmp_path: Path) -> None:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client = Client(mine, "01", True, str(tmp_path))
    client.send(b"1", b"output")
    theirs.send(b"ilast words")
    theirs.close()
    assert client.receive() == b"ilast words"
    assert client.receive() == b""
    client.close()
