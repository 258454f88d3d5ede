"""streams: terminals of the kernel's own. Its ptmx is root's in many a devpts: see devpts(5)."""

from __future__ import annotations

import os
import re
import termios

import pytest

from mini_docker import streams
from mini_docker.errors import TerminalError

pytestmark = pytest.mark.root


def test_a_terminal_is_a_pair() -> None:
    master, slave = streams.open_terminal()
    try:
        termios.tcsetwinsize(master, (12, 34))
        assert streams.size(slave) == (12, 34)
        os.write(master, b"typed\n")
        assert os.read(slave, 100) == b"typed\n"
        assert os.read(master, 100) == b"typed\r\n"  # its echo
        assert not os.get_inheritable(master) and not os.get_inheritable(slave)
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(
    ("place", "why"),
    [("/dev/shm", "not a devpts"), ("/no-such", "No such file"), ("/proc/self/root/dev/pts", "")],
)
def test_no_terminal_there(place: str, why: str) -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(TerminalError, match=f"in {re.escape(place)}: .*{why}"):
        streams.open_terminal(place)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_who_leads_no_session_takes_no_terminal() -> None:
    master, slave = streams.open_terminal()
    pid = os.fork()
    if pid == 0:
        try:
            streams.take_terminal(slave)
            os._exit(1)
        except TerminalError:
            os._exit(42)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
    os.close(master)
    os.close(slave)
