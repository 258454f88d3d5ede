"""Control groups of the running kernel, of whichever version: limits hold, devices are refused."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mini_docker import cgroups_devices, spec
from mini_docker.cgroups_tree import Group
from mini_docker.errors import CgroupError

MIB = 2**20
pytestmark = [pytest.mark.root, pytest.mark.needs("real-root")]


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group(f"/mini-docker-test-{os.getpid()}/box")
    group.create()
    try:
        yield group
    finally:
        group.kill()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        group.remove()
        Group(os.path.dirname(group.path)).remove()


def inside(group: Group, function: Callable[[], Any]) -> int:
    """Fork a process that enters *group* and calls *function*; return its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            group.join()
            os._exit(function() or 0)
        except OSError as error:
            os._exit(error.errno or 1)
        finally:
            os._exit(99)
    return pid


def ended(pid: int) -> int:
    """Return the exit code of *pid*, or minus its signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def fork_for_ever() -> None:
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.001)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_every_limit_holds_and_can_be_changed(group: Group) -> None:
    def memory(limit: int, swap: int) -> list[str]:
        return group.apply({"memory": {"limit": limit, "swap": swap}})

    assert memory(64 * MIB, 128 * MIB) == []
    assert memory(256 * MIB, 512 * MIB) == []  # up: memory and swap first under version 1
    assert memory(16 * MIB, 32 * MIB) == []  # down: memory first
    assert memory(-1, -1) == []
    limits = {
        "cpu": {"quota": 50000, "period": 100000, "shares": 512, "cpus": "0", "mems": "0"},
        "pids": {"limit": 20},
    }
    assert group.apply(limits) == []
    assert group.apply({"cpu": {"quota": -1}, "pids": {"limit": 0}}) == []


def test_too_much_memory_kills_and_is_told(group: Group) -> None:
    group.apply({"memory": {"limit": 32 * MIB, "swap": 32 * MIB}})
    assert not group.killed_for_memory()
    assert ended(inside(group, lambda: len(bytearray(64 * MIB)) and 0)) == -signal.SIGKILL
    assert group.killed_for_memory()


@pytest.mark.vm
def test_processors_that_are_not_here_are_refused(group: Group) -> None:
    with pytest.raises(CgroupError, match="Requested CPUs are not available - requested 4000"):
        group.apply({"cpu": {"cpus": "4000"}})


def test_a_refused_limit_names_the_file(group: Group) -> None:
    with pytest.raises(CgroupError, match=r"cannot write '10.*' to .*cpu\.(max|cfs_quota_us)"):
        group.apply({"cpu": {"quota": 10}})


def test_statistics_see_processes_memory_and_processor(group: Group) -> None:
    def work() -> None:
        kept = bytearray(b"x") * (16 * MIB)
        while kept:
            pass

    inside(group, work)
    until(lambda: group.statistics()["memory"] >= 16 * MIB)
    until(lambda: group.statistics()["cpu"] > 50_000_000)
    found = group.statistics()
    assert (found["pids"], found["limit"]) == (1, 0)
    assert group.processes()


@pytest.mark.vm
def test_a_fork_bomb_is_bounded_frozen_and_killed(group: Group) -> None:
    assert group.apply({"pids": {"limit": 30}}) == []
    inside(group, fork_for_ever)
    until(lambda: group.statistics()["pids"] == 30)
    group.freeze()
    group.kill()  # frozen processes die as well
    assert group.processes() == []


def test_a_running_fork_bomb_can_be_killed(group: Group) -> None:
    group.apply({"pids": {"limit": 200}})
    inside(group, fork_for_ever)
    until(lambda: group.statistics()["pids"] >= 100)
    group.kill()
    assert group.processes() == []


def test_a_frozen_process_stands_still_and_goes_on(group: Group) -> None:
    def spin() -> None:
        while True:
            pass

    inside(group, spin)
    until(lambda: group.statistics()["cpu"] > 0)
    group.freeze()
    before = group.statistics()["cpu"]
    time.sleep(0.1)
    assert group.statistics()["cpu"] - before < 10_000_000
    group.freeze(False)
    until(lambda: group.statistics()["cpu"] - before > 20_000_000)


@pytest.mark.needs("cgroup-v1")
def test_a_throttle_of_version_1_is_kept_and_taken_away(group: Group) -> None:
    disks = [it for it in Path("/sys/block").iterdir() if (it / "size").read_text() != "0\n"]
    major, minor = (disks[0] / "dev").read_text().split(":")
    disk = {"major": int(major), "minor": int(minor)}
    key = "throttleWriteBpsDevice"
    assert group.apply({"blockIO": {key: [{**disk, "rate": MIB}]}}) == []
    file = Path(group.tree.trees["blkio"] + group.path, "blkio.throttle.write_bps_device")
    assert file.read_text() == f"{disk['major']}:{disk['minor']} {MIB}\n"
    assert group.apply({"blockIO": {key: [{**disk, "rate": 0}]}}) == []
    assert file.read_text() == ""


def use(path: str, flags: int) -> Callable[[], None]:
    return lambda: os.close(os.open(path, flags))


@pytest.mark.vm
def test_a_group_uses_the_devices_on_the_list_and_no_others(group: Group) -> None:
    cgroups_devices.restrict(group, spec.default_devices())
    assert ended(inside(group, use("/dev/null", os.O_RDWR))) == 0
    assert ended(inside(group, use("/dev/kmsg", os.O_RDONLY))) == 1  # EPERM
    assert ended(inside(group, use("/etc/hostname", os.O_RDONLY))) == 0


def test_a_list_that_allows_everything_forbids_nothing(group: Group) -> None:
    cgroups_devices.restrict(group, [{"allow": True, "access": "rwm"}])
    assert ended(inside(group, use("/dev/kmsg", os.O_RDONLY))) == 0


def test_the_kernel_takes_the_device_program(group: Group) -> None:
    """On a hybrid machine too, where the engine itself uses version 1's files."""
    unified = group.tree.unified
    if not unified:
        pytest.skip("there is no cgroup v2 file system here, not even beside version 1")
    directory = f"{unified}/mini-docker-bpf-{os.getpid()}"
    os.mkdir(directory)
    try:
        parsed = [rule for row in spec.default_devices() for rule in cgroups_devices.parse(row)]
        cgroups_devices._attach(directory, cgroups_devices.program(parsed))

        def enter_and(path: str) -> Callable[[], None]:
            def call() -> None:
                Path(directory, "cgroup.procs").write_text("0")
                os.close(os.open(path, os.O_RDONLY))

            return call

        assert ended(inside(group, enter_and("/dev/null"))) == 0
        assert ended(inside(group, enter_and("/dev/kmsg"))) == 1
    finally:
        until(lambda: "populated 0" in Path(directory, "cgroup.events").read_text())
        os.rmdir(directory)
