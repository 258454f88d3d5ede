"""Health: when a container is looked at, and what is kept of a look."""

from __future__ import annotations

import marshal
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mini_docker import health, health_probe

SECOND = health.SECOND


def test_what_is_not_said_has_dockers_default() -> None:
    assert health.plan({"Healthcheck": {"Test": ["CMD", "true"]}}) == [30, 30, 0, 5]
    said = {"Test": ["CMD-SHELL", "true"], "Interval": SECOND // 2, "Timeout": 2 * SECOND}
    said |= {"StartPeriod": 3 * SECOND, "StartInterval": SECOND // 4}
    assert health.plan({"Healthcheck": said}) == [0.5, 2, 3, 0.25]


@pytest.mark.parametrize("test", [None, [], ["NONE"], ["CMD"], ["WHAT", "true"]])
def test_no_test_is_no_watch(test: list[str] | None) -> None:
    assert health.plan({"Healthcheck": {"Test": test}}) is None
    assert health.plan({}) is None and health.plan({"Healthcheck": None}) is None


def test_a_shells_test_runs_in_the_images_shell() -> None:
    shell = {"Healthcheck": {"Test": ["CMD-SHELL", "a && b"]}}
    assert health_probe.command(shell) == ["/bin/sh", "-c", "a && b"]
    assert health_probe.command({**shell, "Shell": ["/bin/ash", "-ec"]}) == [
        *("/bin/ash", "-ec", "a && b")
    ]
    words = {"Healthcheck": {"Test": ["CMD", "a", "b c"]}, "Shell": ["/bin/ash", "-ec"]}
    assert health_probe.command(words) == ["a", "b c"]


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory whose script "probe" is run in place of a probe; it notes each run."""
    runs = tmp_path / "runs"
    script = tmp_path / "probe"
    script.write_text(f'#!/bin/sh\necho "$$ $*" >> {runs}\n. {tmp_path}/does\n')
    script.chmod(0o755)
    (tmp_path / "does").write_text("exit 0\n")
    runs.write_text("")
    monkeypatch.setattr(sys, "executable", str(script))
    yield tmp_path


def turn(watch: health.Watch, done: Callable[[], object]) -> None:
    """Be the monitor's loop until *done* gives something true; a minute is too long."""
    give_up = time.monotonic() + 60
    while not done():
        assert time.monotonic() < give_up
        wait = max(0.0, min(watch.deadline() - time.monotonic(), 0.02))
        watch.turn(set(select.select(watch.events(), [], [], wait)[0]))


def runs(probe: Path) -> list[str]:
    return (probe / "runs").read_text().splitlines()


def test_a_look_is_due_after_each_interval(probe: Path) -> None:
    began = time.monotonic()
    watch = health.Watch("/root", "4adc", [0.1, 1, 0, 5])
    assert watch.events() == {}
    assert began + 0.1 <= watch.deadline() <= time.monotonic() + 0.1
    turn(watch, lambda: len(runs(probe)) >= 4)
    watch.close()
    assert time.monotonic() - began >= 0.4
    assert runs(probe)[0].endswith("health_probe.py /root 4adc")


def test_looks_do_not_overlap(probe: Path) -> None:
    (probe / "does").write_text(f"sleep 0.2; echo end >> {probe}/runs\n")
    watch = health.Watch("/root", "4adc", [0.05, 60, 0, 5])
    turn(watch, lambda: runs(probe).count("end") >= 2)
    watch.close()
    assert [line == "end" for line in runs(probe)[:4]] == [False, True, False, True]


def test_in_the_start_period_looks_come_faster_until_the_first_success(probe: Path) -> None:
    (probe / "does").write_text(f"exit {health.STARTING}\n")
    watch = health.Watch("/root", "4adc", [600, 1, 600, 0.1])
    turn(watch, lambda: len(runs(probe)) >= 2)
    (probe / "does").write_text("exit 0\n")
    turn(watch, lambda: watch.deadline() - time.monotonic() > 500)
    watch.close()


def test_a_look_goes_on_when_the_monitor_becomes_another(probe: Path) -> None:
    (probe / "does").write_text(f"sleep 0.2; echo end >> {probe}/runs; exit {health.STARTING}\n")
    first = health.Watch("/root", "4adc", [600, 60, 600, 0.05])
    turn(first, lambda: runs(probe))
    second = health.restore("/root", "4adc", marshal.loads(marshal.dumps(first.state())))
    turn(second, lambda: len(runs(probe)) >= 4)
    second.close()
    assert [line == "end" for line in runs(probe)[:4]] == [False, True, False, True]
    assert second.began == first.began and second.starting


def test_a_probe_that_hangs_is_told_to_end_and_then_killed(
    probe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "GRACE", 0.15)
    (probe / "does").write_text("trap 'echo told >> $0.told' TERM\nwhile :; do sleep 0.05; done\n")
    watch = health.Watch("/root", "4adc", [0.05, 0.4, 0, 5])
    turn(watch, lambda: (probe / "probe.told").exists() and len(runs(probe)) >= 2)
    watch.close()
    first = int(runs(probe)[0].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_look_for_which_there_is_no_process_comes_later(
    probe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        failed.append(1)
        raise BlockingIOError("Resource temporarily unavailable")

    failed: list[int] = []
    watch = health.Watch("/root", "4adc", [0.01, 60, 0, 5])
    with monkeypatch.context() as fake:
        fake.setattr(os, "fork", fail)
        turn(watch, lambda: len(failed) >= 2)
    assert watch.events() == {} and runs(probe) == []
    turn(watch, lambda: runs(probe))
    watch.close()


def test_a_closed_watch_leaves_no_process_and_no_descriptor(probe: Path) -> None:
    before = os.listdir("/proc/self/fd")
    (probe / "does").write_text("sleep 60\n")
    watch = health.Watch("/root", "4adc", [0.01, 60, 0, 5])
    turn(watch, watch.events)
    watch.close()
    watch.close()
    assert watch.events() == {} and os.listdir("/proc/self/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_probe_inherits_no_descriptor(probe: Path) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    (probe / "does").write_text("sleep 60\n")
    watch = health.Watch("/root", "4adc", [0.01, 60, 0, 5])
    turn(watch, lambda: runs(probe))
    os.close(writer)
    assert os.read(reader, 1) == b""  # nobody else holds it open
    os.close(reader)
    watch.close()


def collect(script: str, seconds: float = 5.0) -> tuple[bytes, bool]:
    """Return what collect() makes of a shell's *script*."""
    reader, writer = os.pipe()
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", script],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)],
        setpgroup=0,
    )
    os.close(writer)
    process = os.pidfd_open(pid)
    try:
        return health_probe.collect(reader, process, seconds)
    finally:
        os.killpg(pid, 9)
        os.waitpid(pid, 0)
        os.close(reader)
        os.close(process)


def test_the_output_is_kept_up_to_a_bound() -> None:
    assert collect("echo out; sleep 0.1; printf end") == (b"out\nend", True)
    output, ended = collect("yes | head -c 3000000")
    assert (len(output), ended) == (health_probe.LONGEST + 1, True)


def test_nobody_waits_for_what_a_test_leaves_behind() -> None:
    started = time.monotonic()
    assert collect("echo out; sleep 30 &") == (b"out\n", True)
    assert collect("yes & exit 0")[1]
    assert time.monotonic() - started < 20


def test_a_test_that_takes_too_long_is_given_up() -> None:
    started = time.monotonic()
    assert collect("echo so far; exec >&-; sleep 30", 0.3) == (b"so far\n", False)
    assert not collect("yes", 0.3)[1]
    assert time.monotonic() - started < 20
