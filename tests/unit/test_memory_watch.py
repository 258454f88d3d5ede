"""What the kernel kills for want of memory: seen when it says so, told once, by the living."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_docker import containers, memory_notice, memory_watch
from tests import stored
from tests.stored import ID


class Told(memory_watch.Watch):
    """A watch that counts instead of starting a process."""

    times = 0

    def _tell(self) -> bool:
        self.times += 1
        return True


class Group:
    """A group of version 1: its counts, and the watch over it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "memory.oom_control"
        self.write(0)
        counts = os.open(self.file, os.O_RDONLY | os.O_CLOEXEC)
        self.watch = Told("/root", ID, 17)
        self.watch.descriptor, self.watch.counts = os.eventfd(0, os.EFD_NONBLOCK), counts
        self.watch.left = 0

    def write(self, kills: int) -> None:
        self.file.write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")

    def say(self) -> None:
        os.eventfd_write(self.watch.descriptor, 1)

    def turn(self, seconds: float = 0.0) -> int:
        """Be the monitor's loop for *seconds*; return how often it has told so far."""
        until = time.monotonic() + seconds
        while True:
            poll = select.poll()
            for descriptor, events in self.watch.events().items():
                poll.register(descriptor, events)
            self.watch.turn(dict(poll.poll(5)))
            if time.monotonic() >= until:
                return self.watch.times


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Group]:
    monkeypatch.setattr(memory_watch, "PAUSE", 0.01)
    found = Group(tmp_path)
    yield found
    for descriptor in {found.watch.descriptor, found.watch.counts} - {-1}:
        os.close(descriptor)


def test_nothing_is_done_before_the_kernel_says_something(group: Group) -> None:
    group.write(1)
    assert group.turn() == 0 and group.watch.deadline() is None


def test_a_kill_is_told_once(group: Group) -> None:
    group.write(1)
    group.say()
    assert group.turn() == 1
    assert group.turn(0.1) == 1
    group.say()
    assert group.turn(0.1) == 1
    group.write(3)
    group.say()
    assert group.turn(0.1) == 2


def test_what_could_not_be_told_is_told_at_the_next_look(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork() -> int:
        tried.append(1)
        raise BlockingIOError("Resource temporarily unavailable")

    tried: list[int] = []
    monkeypatch.setattr(Told, "_tell", memory_watch.Watch._tell)
    monkeypatch.setattr(os, "fork", fork)
    group.write(1)
    group.say()
    group.turn(0.1)
    assert len(tried) > 1 and group.watch.kills == 0


def test_a_count_that_comes_after_the_word_is_seen(group: Group) -> None:
    group.say()
    assert group.turn() == 0
    due = group.watch.deadline()
    assert due is not None and due > time.monotonic() - 0.01
    group.write(1)
    assert group.turn(0.1) == 1


def test_it_looks_a_few_times_and_then_waits_for_the_next_word(group: Group) -> None:
    group.say()
    group.turn(memory_watch.LOOKS * 0.05)
    assert group.watch.deadline() is None
    assert group.watch.events() == {group.watch.descriptor: select.POLLIN}


def test_between_two_looks_the_kernel_is_not_heard(group: Group) -> None:
    """A group of version 2 that is at its limit says something for every page."""
    group.say()
    group.turn()
    assert group.watch.events() == {} and group.watch.deadline() is not None


def test_on_version_2_the_file_itself_is_polled(tmp_path: Path) -> None:
    watch = memory_watch.Watch(str(tmp_path), ID, 17)
    watch.descriptor = watch.counts = 5
    watch.left = 0
    assert watch.events() == {5: select.POLLPRI}


def test_a_group_that_is_gone_says_nothing_more(group: Group, tmp_path: Path) -> None:
    os.close(group.watch.counts)
    group.watch.counts = os.open(tmp_path, os.O_RDONLY)  # cannot be read, as a file of one
    group.say()
    assert group.turn(0.1) == 0
    assert group.watch.events() == {} and group.watch.deadline() is None


def test_what_was_told_is_known_after_the_monitor_has_become_small(group: Group) -> None:
    group.write(2)
    group.say()
    assert group.turn() == 1
    state = group.watch.state()
    assert state and memory_watch.restore("/root", ID, state).state() == state
    assert state == [17, group.watch.descriptor, group.watch.counts, 2]


def test_a_container_without_a_group_is_looked_at_once(it: containers.Container) -> None:
    watch = memory_watch.Watch(it.store.root, ID, 17)
    due = watch.deadline()
    assert due is not None and due > time.monotonic()
    watch.due = time.monotonic()
    watch.turn({})
    assert watch.deadline() is None and watch.events() == {} and watch.state() is None


@pytest.fixture
def it(tmp_path: Path) -> containers.Container:
    state = {"Status": "running", "Pid": 17, "OOMKilled": False}
    return stored.container(tmp_path, **state)


def events(it: containers.Container) -> list[str]:
    log = Path(it.store.root, "events.log")
    lines = log.read_text().splitlines() if log.exists() else []
    return [json.loads(line)["Action"] for line in lines]


def test_the_notice_is_an_event_and_a_word_in_the_state(it: containers.Container) -> None:
    assert memory_notice.main(it.store.root, ID, "17") == 0
    assert events(it) == ["oom"] and it.store.state(ID)["OOMKilled"] is True


@pytest.mark.parametrize("now", [{"Status": "exited", "Pid": 0}, {"Pid": 18}])
def test_another_life_is_not_spoken_of(it: containers.Container, now: dict[str, object]) -> None:
    it.update(**now)
    assert memory_notice.main(it.store.root, ID, "17") == 0
    assert events(it) == [] and it.store.state(ID)["OOMKilled"] is False


def test_a_container_that_is_gone_is_not_spoken_of(it: containers.Container) -> None:
    for file in Path(it.store.directory(ID)).iterdir():
        file.unlink()
    assert memory_notice.main(it.store.root, ID, "17") == 0
    assert events(it) == []
