"""clone: from a process with several threads, as a build is, into new namespaces."""

from __future__ import annotations

import errno
import os
import threading
import time

import pytest

from mini_docker import syscalls, syscalls_clone

pytestmark = pytest.mark.root

ROUNDS = 150


def started(stop: threading.Event) -> None:
    """Start threads that end at once, one after the other: one is always on its way."""
    while not stop.is_set():
        threading.Thread(target=lambda: None).start()


def test_a_child_of_many_threads_changes_its_user() -> None:
    stop = threading.Event()
    busy = threading.Thread(target=started, args=(stop,))
    busy.start()
    try:
        for _ in range(ROUNDS):
            pid = syscalls.clone(syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWPID)
            if pid == 0:
                os.setgid(0)  # the C library asks all threads that it knows of
                os.setuid(0)
                os._exit(7 if os.getpid() == 1 else 8)
            give_up = time.monotonic() + 5
            found, status = 0, 0
            while not found and time.monotonic() < give_up:
                found, status = os.waitpid(pid, os.WNOHANG)
                time.sleep(0.0005)
            if not found:
                os.kill(pid, 9)
                os.waitpid(pid, 0)
            assert (found, os.waitstatus_to_exitcode(status)) == (pid, 7)
    finally:
        stop.set()
        busy.join()


def test_a_refusal_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls_clone, "_CLONE3", 100000)
    stop = threading.Event()
    busy = threading.Thread(target=stop.wait)
    busy.start()
    try:
        with pytest.raises(OSError) as failure:
            syscalls.clone(0)
        assert failure.value.errno == errno.ENOSYS
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)  # nobody is left
    finally:
        stop.set()
        busy.join()
