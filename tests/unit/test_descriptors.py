"""descriptors: what a process that stays behind keeps open."""

from __future__ import annotations

import os

import pytest

from mini_docker import descriptors


@pytest.mark.parametrize("kept", [(0, 1, 2), (0,), (2, 5, 6), (1, 7), ()])
def test_only_what_is_kept_stays_open(kept: tuple[int, ...]) -> None:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            for number in range(8):
                if number != writer:
                    os.dup2(reader, number)
            os.dup2(writer, 100)
            descriptors.close_all_but((*kept, 100))
            os.write(100, ",".join(str(n) for n in range(99) if is_open(n)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    told = os.read(reader, 1000).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    wanted = [number for number in kept if number != writer] + [writer] * (writer in kept)
    assert sorted(filter(None, told.split(","))) == sorted(map(str, wanted))


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
