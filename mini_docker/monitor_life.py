"""From the start of a container to its end, as its monitor lives through it.

    look after it  ──its process 1 has ended──>  write the end down  ──>  start it again
    (monitor_loop)                               (monitor_end)            (monitor_again)

A fork of a command is large, and knows all that it needs for an end. To become a small process
(monitor_handover.py, monitor.py) takes longer than many a container lives: so it stays what it
is for a moment, and many containers that are started one after the other do not compete with
that for the processors. Until then it takes a third more memory.
"""

from __future__ import annotations

import os
import sys
import time

from mini_docker import (
    containers,
    memory_watch,
    monitor_clients,
    monitor_end,
    monitor_group,
    monitor_start,
    records,
)
from mini_docker.monitor_clients import LARGEST, Client
from mini_docker.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from mini_docker.monitor_loop import Loop
else:
    import _socket as socket

MOMENT = 3.0  # seconds for which a monitor stays what it is


def main(connection: socket.socket, report: int) -> int:
    """Be the monitor that a command has forked: wait for its order, start the container, go on.

    *connection* leads to the command. Through *report* it learns that the start has failed;
    it closes once the container runs.
    """
    os.setsid()
    text, life = _order(connection)
    if not text:
        return 0
    order = records.parse(text.decode("utf-8", "surrogateescape"))
    it = containers.Container(Store(order["root"]), order["id"])
    hello = order["hello"]
    loop = monitor_start.start(it, hello and hello.get("size"), connection)
    try:
        loop.life = life
        client = Client(connection, "", True, it.store.directory(it.id))
        client.send(b"s", b"")
        if hello is None:
            client.close()
        else:
            client.wants = monitor_clients.wanted(hello)
            loop.clients.append(client)
        monitor_group.hush()
        os.close(report)
        if hello is None:
            monitor_group.leave()
        loop.memory = memory_watch.Watch(it.store.root, it.id, loop.pid)
        loop.slim = time.monotonic() + MOMENT
        return look_after(loop)
    except BaseException as error:
        monitor_group.confess(it.store.directory(it.id), error)
        return 1


def _order(connection: socket.socket) -> tuple[bytes, int]:
    """Return what the command asks for, and the container's lock; b"" if it is gone."""
    size = socket.CMSG_SPACE(4)
    text, found, _, _ = connection.recvmsg(LARGEST, size, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in found:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            return text, int.from_bytes(data[:4], sys.byteorder)
    return b"", -1


def look_after(loop: Loop) -> int:
    """Look after the container of *loop* until there is nothing to look after."""
    if not loop.run():
        monitor_end.become_slim(loop)
    monitor_end.finish(loop)
    return 0
