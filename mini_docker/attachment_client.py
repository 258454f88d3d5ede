"""One client of a container's monitor, while it is served: see attachment.py."""

from __future__ import annotations

import _socket
import os
import select
import sys

from mini_docker import processes, records
from mini_docker.attachment_wish import window
from mini_docker.errors import ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

    from mini_docker.attachment import Wish
    from mini_docker.streams import Keys
    from mini_docker.streams_terminal import Screen

    Signaller = Callable[[int], None]
    Resized = Callable[[int, int], None]
else:
    import _signal as signal

LARGEST = 65536  # bytes of data in a message
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
SCREEN = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)  # for who shows a terminal


class Ended(Exception):
    """A signal ends this client; the container goes on."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


class Client:
    """A client that is being served."""

    KILLED = "the container's monitor was killed: see `mini-docker ps -a`"
    __slots__ = (
        "buffer", "busy", "connection", "ended", "heard", "input", "keys", "poll", "resized",
        "screen", "send", "silent", "stale", "started", "tty", "waiting",
    )  # fmt: skip

    def __init__(
        self, connection: _socket.socket, wish: Wish, resized: Resized | None = None
    ) -> None:
        self.connection = connection
        self.resized = resized  # told the size of the window that the monitor has been told
        self.started = self.ended = False  # what runs behind the monitor
        self.tty = wish.tty
        self.silent = not (wish.stdout or wish.stderr)
        self.input = wish.stdin  # until it ends
        self.keys: Keys | None = None  # without a terminal nobody types
        if wish.keys:
            from mini_docker import streams

            self.keys = streams.Keys(wish.keys)
        self.buffer = memoryview(bytearray(LARGEST + 1))
        self.waiting: list[bytes] = []  # messages that the monitor does not take yet
        self.stale = False  # the monitor does not know the window's size
        self.screen: Screen | None = None
        self.send: Signaller | None = None
        self.heard: list[int] = []  # signals that wait to be dealt with
        self.busy = False  # one is being dealt with
        self._watch()

    def listen(self, send: Signaller | None) -> None:
        """Let signals come: to *send*, or with their own meaning for this client alone."""
        self.send = send
        for number in ENDING if send is None else processes.FORWARDED:
            if send is not None or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._end if send is None else self._hear)
        if self.tty:
            for number in SCREEN:
                signal.signal(number, self._hear)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, processes.FORWARDED)

    def follow(self) -> int:
        """Pass on what comes from either side until one of them has had enough."""
        ours = self.connection.fileno()
        while True:
            for descriptor, event in self.poll.poll():
                if descriptor != ours:
                    self._read()
                elif event & ~select.POLLOUT:
                    code = self._take()
                    if code is not None:
                        return code
                if descriptor == ours and event & select.POLLOUT:
                    self._push()
                if self._done():
                    return 0

    @property
    def detached(self) -> bool:
        """Say whether the detach keys have been typed."""
        return self.keys is not None and self.keys.detached

    def _done(self) -> bool:
        """Say whether this client has no more to do, while the container goes on."""
        return self.detached or (self.silent and not (self.input or self.waiting))

    def _take(self) -> int | None:
        """Take one message of the monitor's; return the exit code if it is the last one."""
        try:
            count = self.connection.recv_into(self.buffer)
        except ConnectionError:
            # The monitor has closed its end and not read all that we sent. The kernel says this
            # once, before what the monitor has said until then: unix_release_sock().
            count = self.connection.recv_into(self.buffer)
        if not count:
            raise ProcessError(self.KILLED)
        kind, data = self.buffer[0], self.buffer[1:count]
        if kind in b"12":
            write(kind - ord("0"), data)
        elif kind in b"f":
            self.ended = True
            raise processes.failure(bytes(data))
        elif kind in b"x":
            told = records.parse(str(data, "utf-8"))
            if told.get("error"):
                print(f"mini-docker: {told['error']}", file=sys.stderr)
            self.ended = True
            return int(told["code"])
        elif kind in b"s":
            self.started = True
            self._show()
        return None

    def _show(self) -> None:
        """Make the user's terminal the container's, if something can be typed there."""
        if not self.tty:
            return
        if self.input and os.isatty(0):
            from mini_docker.streams_terminal import Screen

            self.screen = Screen(0)
            self.screen.enter()
        self._hear(signal.SIGWINCH)

    def _read(self) -> None:
        """Take what has been typed, and offer it to the monitor."""
        try:
            data = os.read(0, LARGEST - (len(self.keys.sequence) if self.keys else 0))
        except OSError:
            data = b""  # a terminal that has hung up
        typed = data
        if self.keys:
            typed = self.keys.feed(data) if data else self.keys.rest()
        if typed:
            self._offer(b"i" + typed)
        if not data:
            self.input = False
            self._offer(b"e")

    def _offer(self, message: bytes) -> None:
        self.waiting.append(message)
        self._push()

    def _push(self) -> None:
        """Send what waits, as far as the monitor takes it; until then read no more input."""
        try:
            while self.waiting:
                self.connection.send(self.waiting[0], _socket.MSG_DONTWAIT)
                del self.waiting[0]
        except BlockingIOError:
            pass  # later: poll() will say when
        except OSError:
            # It is gone, and what it still had to say has the reason; or the program in the
            # container has closed its input, and its monitor has said so: Client.deafen().
            self.waiting.clear()
            self.input = False
        if self.stale and not self.waiting:
            self._hear(signal.SIGWINCH)
        self._watch()

    def _watch(self) -> None:
        """Let poll() tell what there is to do now."""
        self.poll = select.poll()
        wanted = select.POLLIN | (select.POLLOUT if self.waiting or self.stale else 0)
        self.poll.register(self.connection.fileno(), wanted)
        if self.input and not self.waiting:
            self.poll.register(0, select.POLLIN)

    def _hear(self, number: int, _frame: object = None) -> None:
        """Deal with signal *number*, at any moment, but never while another is dealt with.

        To pass one on may take a lock: a second one that came in between, and wanted the same
        lock, would wait for the first, which could not go on. So it waits in a list. A client
        that is held up by whoever reads its output deals with them all the same.
        """
        self.heard.append(number)
        while self.heard and not self.busy:
            self.busy = True
            try:
                while self.heard:
                    self._heed(self.heard.pop(0))
            finally:
                self.busy = False  # one that has come since the last look: the outer loop's

    def _heed(self, number: int) -> None:
        if self.send and not (self.tty and number in SCREEN):
            self.send(number)
        elif number == signal.SIGTSTP:
            self._suspend()
        else:
            if number == signal.SIGCONT and self.screen:
                self.screen.enter()  # who had the terminal meanwhile has left it as it likes it
            self._resize()

    def _resize(self) -> None:
        """Tell the monitor the window's size."""
        size = window()
        try:
            if size:
                self.connection.send(b"w" + records.dump(list(size)).encode(), _socket.MSG_DONTWAIT)
            self.stale = False
        except BlockingIOError:
            self.stale = True
        except OSError:
            return  # the monitor is gone
        if size and self.resized and not self.stale:
            self.resized(*size)

    def _suspend(self) -> None:
        if self.screen:
            self.screen.suspend()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _end(self, number: int, _frame: object) -> None:
        raise Ended(number)


def write(descriptor: int, data: memoryview) -> None:
    """Write all of *data*; where *descriptor* has been made not to block, wait for it."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            able = select.poll()
            able.register(descriptor, select.POLLOUT)
            able.poll()
