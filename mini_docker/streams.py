"""Streams: what a container reads and writes, and who is at the other end.

A program has three streams: 0 to read from, 1 and 2 to write to. It does not know what is
behind them, and cares about one difference only: a pipe, or a terminal.

    pipe        bytes, one way. Its reader sees the end once the last writer has closed it.
    terminal    a pair, and a piece of the kernel in between. The program has the slave: there
                it finds lines, echo, a window's size, and the keys that become signals.
                Whoever holds the master plays the screen and the keyboard.

The pair is made by opening ptmx in a file system of type devpts. A container has a devpts of
its own, so its terminals have numbers of its own, and the host's are out of its sight.

What is typed passes through Keys, which finds the sequence that means "detach". What is
written ends in a log, an entry for each line: entries() makes them.

Chapter: chapters/12-streams.md
Lab:     labs/12_streams/
"""

from __future__ import annotations

import fcntl
import os
import struct

from mini_docker import syscalls
from mini_docker.errors import TerminalError, reason
from mini_docker.streams_text import escape, whole

HERE = -100  # AT_FDCWD, openat2(2): a path begins at the working directory
DEVPTS = 0x1CD1  # <linux/magic.h>: what filesystem_type() says of a devpts
NO_LINKS = syscalls.RESOLVE_NO_SYMLINKS
NO_MOUNTS = 0x01  # RESOLVE_NO_XDEV, openat2(2): stay in the file system where the path begins

# <asm-generic/ioctls.h>. ioctl_tty(2)
TIOCSCTTY = 0x540E
TIOCGWINSZ = 0x5413
TIOCSWINSZ = 0x5414
TIOCSPTLCK = 0x40045431
TIOCGPTPEER = 0x5441

DETACH_KEYS = "ctrl-p,ctrl-q"
LONGEST = 16384  # bytes of text in one entry of a log, the newline among them; as Docker has it


def open_terminal(directory: str = "/dev/pts") -> tuple[int, int]:
    """Make a terminal in the devpts at *directory*; return its two descriptors, (master, slave).

    Nothing in there is taken on trust: in a running container *directory* may have become
    something else. Open it with syscalls.openat2(HERE, directory, flags, NO_LINKS), which
    follows no link; the flags are syscalls.O_PATH | os.O_DIRECTORY. That descriptor, not the
    path once more, is what syscalls.filesystem_type(descriptor) must call a DEVPTS. From there
    open "ptmx": openat2(descriptor, "ptmx", flags, NO_LINKS | NO_MOUNTS), through no link and
    no mount, for a device bound over ptmx would be opened in its place. Its flags are those
    below: to read and write, and as nobody's controlling terminal (O_NOCTTY). Each opening of
    ptmx makes a new pair; this is its master.

    The new slave is locked. Unlock it: fcntl.ioctl TIOCSPTLCK, which reads an int, 0, so give
    it four null bytes. Then let the master open it: ioctl TIOCGPTPEER takes flags as open(2)
    does, O_RDWR | O_NOCTTY | O_CLOEXEC, and returns the descriptor. A name such as /dev/pts/0
    would be looked up in the mounts of whoever asks, and could be another terminal there.

    Raises TerminalError, "cannot open a terminal in" and *directory*, with the kernel's
    reason() or "it is not a devpts". Nothing else stays open. pts(4), ioctl_tty(2).
    """
    flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
    what = f"cannot open a terminal in {directory}"
    try:
        place = syscalls.openat2(HERE, directory, syscalls.O_PATH | os.O_DIRECTORY, NO_LINKS)
        try:
            if syscalls.filesystem_type(place) != DEVPTS:
                raise TerminalError(f"{what}: it is not a devpts")
            master = syscalls.openat2(place, "ptmx", flags, NO_LINKS | NO_MOUNTS)
        finally:
            os.close(place)
        try:
            fcntl.ioctl(master, TIOCSPTLCK, bytes(4))
            return master, fcntl.ioctl(master, TIOCGPTPEER, flags)
        except OSError:
            os.close(master)
            raise
    except OSError as error:
        raise TerminalError(f"{what}: {reason(error)}") from error


def take_terminal(slave: int) -> None:
    """Make the terminal *slave* the caller's own: of its session, and its streams 0, 1 and 2.

    The caller leads a session that has no terminal yet: it has called setsid. ioctl
    TIOCSCTTY, with 0, gives it this one as controlling terminal; 1 would take it away from
    another session. Only from then on does Ctrl-C there become a SIGINT, can a shell put jobs
    into the foreground, and does /dev/tty mean something. Afterwards make *slave* the streams
    0, 1 and 2 (os.dup2), and close *slave* itself, unless it is one of them.

    All three stay open over an exec. What os.dup2 makes does. But a descriptor copied onto
    itself stays as it was, close-on-exec perhaps: for that there is os.set_inheritable.

    Raises TerminalError, "cannot take the terminal" with the kernel's reason(), for what
    the kernel refuses: EPERM means that the caller leads no session. Then its streams are
    what they were. ioctl_tty(2), dup2(2).
    """
    try:
        fcntl.ioctl(slave, TIOCSCTTY, 0)
        for stream in (0, 1, 2):
            os.dup2(slave, stream)
            os.set_inheritable(stream, True)
        if slave > 2:
            os.close(slave)
    except OSError as error:
        raise TerminalError(f"cannot take the terminal: {reason(error)}") from error


class Keys:
    """What is typed, on its way to a container: it watches for the keys that detach.

    *sequence* is what streams_text.sequence() returns; if it is empty, nothing detaches.
    """

    __slots__ = ("detached", "held", "sequence")

    def __init__(self, sequence: bytes) -> None:
        self.sequence = sequence
        self.held = b""  # typed, and not passed on yet: it could become the sequence
        self.detached = False

    def feed(self, data: bytes) -> bytes:
        r"""Take *data*, which has been typed, and return what of all so far goes on by now.

        A read returns what there is: the sequence may come in parts, and much else with it.
        Wherever it stands in the stream of bytes, it is found. Then set *detached*, and return
        what was typed before it; what came after it belongs to nobody, and nothing is held.

        Otherwise hold back the longest end of the stream with which the sequence begins:
        it is in *held* until more is typed. Everything else goes on, unchanged and in order.
        An empty sequence is never found, and holds nothing back.

        >>> keys = Keys(b"\x10\x11")
        >>> keys.feed(b"ls\r\x10"), keys.feed(b"\x10"), keys.feed(b"\x11exit\r")
        (b'ls\r', b'\x10', b'')
        >>> keys.detached
        True
        """
        typed, self.held = self.held + data, b""
        if not self.sequence:
            return typed
        before, found, _ = typed.partition(self.sequence)
        if found:
            self.detached = True
            return before
        for length in range(min(len(typed), len(self.sequence) - 1), 0, -1):
            if typed.endswith(self.sequence[:length]):
                self.held = typed[-length:]
                return typed[:-length]
        return typed

    def rest(self) -> bytes:
        """Return what is still held back, for nothing more will be typed."""
        held, self.held = self.held, b""
        return held


def entries(text: bytes, fields: bytes, end: bool = False) -> tuple[bytes, bytes]:
    r"""Return the entries of a log for *text*, and the part of it that has to wait for more.

    An entry is a line of the log: a JSON object with one line of *text*, its newline
    included, and then *fields*, which are given as they are to stand there.

    >>> entries(b"to be\nor not", b'"stream":"stdout","time":"2026-01-02T03:04:05Z"')
    (b'{"log":"to be\\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}\n', b'or not')

    A line without a newline waits: the caller puts it before what it reads next. Only at the
    *end* of a stream it becomes an entry as it is, or the last line would be lost.

    An entry holds at most LONGEST bytes of *text*, at the end of a stream as well. If more wait
    and there is no newline among the first LONGEST, these are an entry of their own, without
    one: whoever reads the log puts the pieces together again. whole(text, stop) returns the
    last place, not after *stop*, where a character begins: cut there. Only a newline ends a
    line; a carriage return is text.

    Make entries of many lines at once, for a log has to take 60 MB in a second, of short lines
    too: of those that end among the next LONGEST bytes. escape(text) turns them into the inside
    of a JSON string and leaves newlines as they are. After that each newline becomes a backslash
    and an "n", the end of its entry, and the begin of the next.
    Docker: daemon/logger/copier.go, daemon/logger/jsonfilelog/jsonlog/jsonlogbytes.go.
    """
    begin, close = b'{"log":"', b'",' + fields + b"}\n"
    made, start = [], 0
    while start < len(text):
        limit = start + LONGEST
        stop = text.rfind(b"\n", start, limit) + 1
        if stop:  # the last newline begins no entry
            between = b"\\n" + close + begin
            made.append(begin + escape(text[start:stop]).replace(b"\n", between)[: -len(begin)])
        elif end or len(text) > limit:
            stop = whole(text, limit)
            made.append(begin + escape(text[start:stop]) + close)
        else:
            break
        start = stop
    return b"".join(made), text[start:]


def size(terminal: int) -> tuple[int, int]:
    """Return the rows and columns of the window of *terminal*; OSError if it is none."""
    rows, columns, _, _ = struct.unpack("4H", fcntl.ioctl(terminal, TIOCGWINSZ, bytes(8)))
    return rows, columns
