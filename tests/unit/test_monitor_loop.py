"""A monitor's loop: what it holds, whom it hears, and what it does for its clients at the end."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import (
    monitor_clients,
    monitor_door,
    monitor_handover,
    monitor_loop,
    monitor_messages,
    monitor_start,
)
from mini_docker.monitor_door import Door
from mini_docker.monitor_loop import Loop
from mini_docker.monitor_streams import Input, Output
from tests.unit.test_monitor_clients import CHUNK, client, taken


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield ends
    for end in ends:
        end.close()


def test_after_the_end_who_reads_late_is_waited_for_however_long_it_takes(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() * 1e6)  # a week in a second
    loop = Loop("", "", 0, -1)
    loop.clients.append(client(pair[0], tmp_path, starter=False))
    for _ in range(20):
        loop.clients[0].send(b"1", CHUNK)
    loop.tell(b"x", b"{}")
    lingers = threading.Thread(target=loop.linger)
    lingers.start()
    lingers.join(1.2)
    assert lingers.is_alive()
    received: list[bytes] = []
    while lingers.is_alive():
        received += taken(pair[1])
    assert [*received, *taken(pair[1])] == [b"1" + CHUNK] * 20 + [b"x{}"]


def test_after_the_end_nobody_waits_for_one_that_has_left(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    loop = Loop("", "", 0, -1)
    loop.clients.append(client(pair[0], tmp_path, starter=False))
    for _ in range(20):
        loop.clients[0].send(b"1", CHUNK)
    loop.tell(b"x", b"{}")
    lingers = threading.Thread(target=loop.linger)
    lingers.start()
    pair[1].close()
    lingers.join(10)
    assert not lingers.is_alive() and loop.clients == []


def test_who_comes_at_the_last_moment_hears_of_the_end(tmp_path: Path) -> None:
    """One waits at the door, one has been let in, and neither has been listened to."""
    loop = Loop("", "", 0, -1)
    loop.door = Door(str(tmp_path), "4adc")
    early, late = (monitor_door.connect(str(tmp_path), "4adc") for _ in range(2))
    loop._admit(loop.door)
    late.send(b"h{}")
    loop.close()
    loop.tell(b"x", b"{}")
    loop.linger()
    assert loop.clients == []
    for connection in (early, late):
        assert last_of(connection) == b"x{}"
        connection.close()


def last_of(connection: socket.socket) -> bytes:
    """Return the next message, as a client takes it: see attachment_client."""
    try:
        return connection.recv(100)
    except ConnectionError:
        return connection.recv(100)


def test_who_types_for_nobody_is_told_and_no_longer_listened_to(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    """Its program has closed its input: it may have a lot to say, and is to learn that at once."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.close(reader)
    process, other = os.pipe()
    loop = Loop("", "", 0, process)
    loop.input = Input(writer, once=True, tty=False)
    loop.clients.append(client(pair[0], tmp_path))
    pair[1].setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            pair[1].send(b"i" + CHUNK)
    loop.slim = time.monotonic()
    assert not loop.run()
    with pytest.raises(BrokenPipeError):
        pair[1].send(b"i" + CHUNK)
    before = time.process_time()
    loop.slim = time.monotonic() + 0.2
    turns = 0
    while time.monotonic() < loop.slim:
        loop.run()
        turns += 1
    assert turns == 1 and time.process_time() - before < 0.1
    loop.tell(b"1", b"output")
    state = loop.clients[0].state()
    loop.clients = [monitor_clients.restore(state, str(tmp_path))]
    assert loop.clients[0].deaf and taken(pair[1]) == [b"1output"]
    pair[1].close()
    loop.slim = time.monotonic()
    loop.run()
    assert loop.clients == []
    os.close(process)
    os.close(other)


def test_who_announces_the_end_hears_of_that_alone(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    told = []
    loop = Loop("", "", 0, -1)
    loop.outputs = [Output(1, reader)]
    loop.near = lambda: told.append("near")
    loop.clients = [client(pair[0], tmp_path, starter=False)]
    loop.clients[0].wants = None
    monitor_messages.take(loop, loop.clients[0], b"n", b"")
    os.write(writer, b"output")
    os.close(writer)
    loop.drain()
    assert told == ["near"] and taken(pair[1]) == []
    loop.tell(b"x", b"{}")
    loop.linger()
    assert taken(pair[1]) == [b"x{}"]


def test_one_that_announces_the_end_and_leaves_is_forgotten(tmp_path: Path) -> None:
    process, other = os.pipe()
    loop = Loop("", "", 0, process)
    loop.door = Door(str(tmp_path), "4adc")
    line = monitor_door.announce(str(tmp_path), "4adc")
    assert line
    turn(loop)
    assert [it.wants for it in loop.clients] == [""]
    line.close()
    turn(loop)
    assert loop.clients == []
    loop.close()
    os.close(process)
    os.close(other)


def turn(loop: Loop) -> None:
    """Let *loop* do all there is to do now."""
    loop.slim = time.monotonic() + 0.05
    assert not loop.run()


def test_one_too_many_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who announces the end then finds out for himself, as with a monitor that was killed."""
    monkeypatch.setattr(monitor_loop, "MOST", 2)
    process, other = os.pipe()
    loop = Loop("", "", 0, process)
    loop.door = Door(str(tmp_path), "4adc")
    lines = [monitor_door.announce(str(tmp_path), "4adc") for _ in range(3)]
    turn(loop)
    assert len(loop.clients) == 2
    loop.close()
    loop.tell(b"x", b"{}")
    loop.linger()
    heard = []
    for line in lines:
        assert line
        try:
            heard.append(line.recv(100))
        except ConnectionResetError:  # its announcement has not been read
            heard.append(b"")
        line.close()
    assert heard == [b"x{}", b"x{}", b""]
    os.close(process)
    os.close(other)


def test_nobody_hears_an_announcement_where_nobody_listens(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    assert monitor_door.announce(str(tmp_path), "4adc") is None
    assert os.listdir("/proc/self/fd") == before


def test_mounts_are_held_until_they_are_let_go() -> None:
    loop = Loop("", "", 0, -1)
    loop.unmount()  # there are none
    loop.mounts = monitor_start._mounts(os.getpid())
    place = f"/proc/self/fd/{loop.mounts}"
    assert os.readlink(place) == os.readlink("/proc/self/ns/mnt")
    assert not os.get_inheritable(loop.mounts), "no probe is to hold them"
    state = monitor_handover.pack(loop, {})
    assert monitor_handover.descriptors({**state, "life": -1}) == [loop.mounts]
    for _ in range(2):
        loop.unmount()
        assert loop.mounts == -1 and not os.path.exists(place)


def test_what_has_ended_has_no_mounts() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    assert monitor_start._mounts(pid) == -1
