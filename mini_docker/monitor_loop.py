"""The loop of a monitor: from the container's streams to its log and clients, and back.

It waits for whatever comes first: output, a client's input or a new client, the end of the
container's process 1, a look at its health. One turn does what can be done without waiting.

    Output ──> log                           Input <── Client
           └─> Client, Client, ..            Door  ──> Client
"""

from __future__ import annotations

import os
import time

from mini_docker.monitor_clients import Client
from mini_docker.monitor_streams import CHUNK

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable

    from mini_docker.health import Watch
    from mini_docker.memory_watch import Watch as MemoryWatch
    from mini_docker.monitor_door import Door
    from mini_docker.monitor_log import Late
    from mini_docker.monitor_streams import Input, Output
else:
    import select

MOST = 256  # clients of one container
FOR_EVER = 3600.0  # seconds


class Loop:
    """All that the monitor of one container holds while that container runs."""

    __slots__ = (
        "began", "clients", "door", "health", "id", "input", "life", "log", "memory", "mounts",
        "near", "outputs", "pid", "process", "ready", "root", "slim",
    )  # fmt: skip

    def __init__(self, root: str, id: str, pid: int, process: int) -> None:
        """Look after container *id* of the store at *root*: process *pid*, a pidfd of it."""
        self.root = root
        self.id = id
        self.pid = pid
        self.process = process
        self.life = -1  # the container's lock
        # Its mount namespace: as long as this is open its end need not wait for all the unmounts.
        self.mounts = -1
        self.began = time.monotonic()
        self.outputs: list[Output] = []
        self.input: Input | None = None
        self.clients: list[Client] = []
        self.door: Door | None = None
        self.log: Late | None = None
        self.health: Watch | None = None
        self.memory: MemoryWatch | None = None
        self.near: Callable[[], None] | None = None  # to be called when the end is announced
        self.slim: float | None = None  # when this process is to become a smaller one
        self.ready: dict[int, int] = {}

    def run(self) -> bool:
        """Go on until process 1 has ended: True; or until it is time to become slim: False."""
        while True:
            self.ready = self._wait()
            if self.ready:
                self._turn()
            if self.process in self.ready:
                return True
            now = time.monotonic()
            for client in self.clients:
                late = client.deadline()
                if late is not None and now >= late:
                    client.lose_patience()
            for watch in self._watches():
                watch.turn(self.ready)
            if self.slim is not None and now >= self.slim:
                return False

    def _watches(self) -> list[Watch | MemoryWatch]:
        return [watch for watch in (self.health, self.memory) if watch]

    def linger(self) -> None:
        """Give the clients what they are owed, until each has it or has left: then nothing is left.

        One that waits for its own reader, such as a pager, or that has been stopped, may take
        long. Nobody waits for it but this process.
        """
        while self.clients:
            poll = select.poll()
            for client in self.clients:
                client.go_on()
                client.gone = client.gone or not client.last  # nothing is to be said to it
                poll.register(client.connection.fileno(), select.POLLOUT)
            self._part()
            if self.clients:
                poll.poll()

    def drain(self) -> None:
        """Pass on what is left in the pipes: there is nobody who writes more."""
        for output in list(self.outputs):
            self._pass_on(output, most=2**20)

    def tell(self, kind: bytes, data: bytes) -> None:
        """Send a message to every client, be its hello read or not."""
        for client in self.clients:
            client.send(kind, data)

    def unmount(self) -> None:
        """Let the container's mounts go: nobody waits for that."""
        if self.mounts >= 0:
            os.close(self.mounts)
            self.mounts = -1

    def close(self) -> None:
        """Let the container's streams, its log and its door go; who waits there comes in first."""
        if self.log:
            self.log.close()
        if self.input:
            self.input.close()
        for output in self.outputs:
            os.close(output.descriptor)
        self.outputs = []
        if self.door:
            while self._admit(self.door):
                pass
            self.door.close()
            self.door = None

    def _wait(self) -> dict[int, int]:
        poll = select.poll()
        held, full = False, self.input is not None and self.input.full()
        for client in self.clients:
            held = held or client.holds()
            poll.register(client.connection.fileno(), client.events(not full))
        wanted = {self.process: select.POLLIN}
        if not held:
            wanted |= {output.descriptor: select.POLLIN for output in self.outputs}
        if self.input and self.input.pending:
            place = self.input.descriptor
            wanted[place] = wanted.get(place, 0) | select.POLLOUT
        if self.door:
            wanted[self.door.descriptor] = select.POLLIN
        for watch in self._watches():
            wanted |= watch.events()
        for descriptor, events in wanted.items():
            poll.register(descriptor, events)
        return dict(poll.poll(self._patience()))

    def _patience(self) -> int:
        """Return for how many milliseconds there is nothing to do by itself."""
        times = [client.deadline() for client in self.clients]
        times += [self.slim, *(watch.deadline() for watch in self._watches())]
        first = min([moment for moment in times if moment is not None], default=None)
        if first is None:
            return -1
        return int(1000 * min(max(first - time.monotonic(), 0.0), FOR_EVER)) + 1

    def _turn(self) -> None:
        for output in list(self.outputs):
            if self.ready.get(output.descriptor, 0) & ~select.POLLOUT:
                self._pass_on(output)
        if self.input and self.input.pending and self.input.descriptor in self.ready:
            self.input.flush()
        for client in self.clients:
            events = self.ready.get(client.connection.fileno(), 0)
            if events & select.POLLOUT:
                client.go_on()
            if events & ~select.POLLOUT:
                self._listen(client, left=bool(events & select.POLLHUP))
        self._deafen()
        if self.door and self.door.descriptor in self.ready:
            self._admit(self.door)
        self._part()

    def _deafen(self) -> None:
        """Tell who has input for the container that nobody there reads it any more."""
        if self.input and self.input.descriptor < 0:
            for client in self.clients:
                if "0" in (client.wants or "") and not client.deaf:
                    client.deafen()

    def _admit(self, door: Door) -> bool:
        """Let in who waits at the *door*, unless there are too many; say whether anybody did."""
        connection = door.admit()
        if connection and len(self.clients) < MOST:
            spools = f"{self.root}/containers/{self.id}"
            self.clients.append(Client(connection, None, False, spools))
        elif connection:
            connection.close()
        return connection is not None

    def _part(self) -> None:
        """Forget the clients that have left."""
        for client in [it for it in self.clients if it.gone]:
            self.clients.remove(client)
            client.close()
            if "0" in (client.wants or "") and self.input:
                self.input.end()

    def _pass_on(self, output: Output, most: int = CHUNK) -> None:
        """Pass on at most *most* bytes of *output*, as far as they are there."""
        number = b"%d" % output.number
        while most > 0:
            chunk = output.read()
            if chunk is None:
                return
            if not chunk:
                self._end(output)
                return
            if self.log:
                self.log.write(output.number, chunk)
            for client in self.clients:
                if client.wants and str(output.number) in client.wants:
                    client.send(number, chunk)
            most -= len(chunk)

    def _end(self, output: Output) -> None:
        """Let a stream go that has ended; a terminal is an input as well."""
        self.outputs.remove(output)
        if self.input and self.input.descriptor == output.descriptor:
            self.input.close()
        os.close(output.descriptor)

    def _listen(self, client: Client, left: bool) -> None:
        """Take messages of *client*; all there are, if it has *left*, for no more will come."""
        while True:
            message = client.receive()
            if message is None:
                return
            if not message:
                client.gone = True
                return
            from mini_docker import monitor_messages

            monitor_messages.take(self, client, message[:1], message[1:])
            if client.gone or not left:
                return
