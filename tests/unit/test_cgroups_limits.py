"""cgroups_limits: what config.json says, in the files of either version."""

from __future__ import annotations

from typing import Any

import pytest

from mini_docker import cgroups, cgroups_limits
from mini_docker.errors import CgroupError

MIB = 2**20
DISK = {"major": 254, "minor": 0}


@pytest.mark.parametrize(
    ("resources", "v2", "v1"),
    [
        ({}, [], []),
        (
            {"memory": {"limit": 64 * MIB}},
            [("memory.max", "67108864")],
            [("memory.limit_in_bytes", "67108864")],
        ),
        (
            {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}},
            [("memory.max", "67108864"), ("memory.swap.max", "0")],
            [("memory.limit_in_bytes", "67108864"), ("memory.memsw.limit_in_bytes", "67108864")],
        ),
        (
            {"memory": {"limit": 64 * MIB, "swap": -1}},
            [("memory.max", "67108864"), ("memory.swap.max", "max")],
            [("memory.limit_in_bytes", "67108864"), ("memory.memsw.limit_in_bytes", "-1")],
        ),
        (
            {"memory": {"limit": -1, "swap": -1}},
            [("memory.max", "max"), ("memory.swap.max", "max")],
            [("memory.limit_in_bytes", "-1"), ("memory.memsw.limit_in_bytes", "-1")],
        ),
        (
            {"memory": {"reservation": 4096}},
            [("memory.low", "4096")],
            [("memory.soft_limit_in_bytes", "4096")],
        ),
        (
            {"cpu": {"quota": 50000, "period": 100000}},
            [("cpu.max", "50000 100000")],
            [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "50000")],
        ),
        ({"cpu": {"quota": -1}}, [("cpu.max", "max 100000")], [("cpu.cfs_quota_us", "-1")]),
        ({"cpu": {"shares": 1024}}, [("cpu.weight", "100")], [("cpu.shares", "1024")]),
        (
            {"cpu": {"cpus": "1,0", "mems": "0"}},
            [("cpuset.cpus", "0-1"), ("cpuset.mems", "0")],
            [("cpuset.cpus", "0-1"), ("cpuset.mems", "0")],
        ),
        ({"pids": {"limit": 20}}, [("pids.max", "20")], [("pids.max", "20")]),
        ({"pids": {"limit": 0}}, [("pids.max", "max")], [("pids.max", "max")]),
        ({"pids": {"limit": -1}}, [("pids.max", "max")], [("pids.max", "max")]),
        (
            {"blockIO": {"weight": 300}},
            [("io.bfq.weight", "300")],
            [("blkio.bfq.weight", "300")],
        ),
        (
            {"blockIO": {"throttleReadBpsDevice": [{**DISK, "rate": MIB}]}},
            [("io.max", "254:0 rbps=1048576")],
            [("blkio.throttle.read_bps_device", "254:0 1048576")],
        ),
        (
            {"blockIO": {"throttleWriteIOPSDevice": [{**DISK, "rate": 0}]}},
            [("io.max", "254:0 wiops=max")],
            [("blkio.throttle.write_iops_device", "254:0 0")],
        ),
    ],
)
def test_a_limit_becomes_files(
    resources: dict[str, Any], v2: list[tuple[str, str]], v1: list[tuple[str, str]]
) -> None:
    assert cgroups_limits.files_v2(resources) == v2
    assert cgroups_limits.files_v1(resources) == v1


def test_what_version_2_lacks_is_not_dropped_in_silence() -> None:
    memory = {"swappiness": 0, "disableOOMKiller": True}
    names = [name for name, _ in cgroups_limits.files_v2({"memory": memory})]
    assert names == ["memory.swappiness", "memory.oom_control"]
    assert cgroups_limits.files_v1({"memory": memory}) == [
        ("memory.swappiness", "0"),
        ("memory.oom_control", "1"),
    ]


def test_without_bfq_the_weight_is_scaled() -> None:
    weights = {"weight": 10, "weightDevice": [{**DISK, "weight": 1000}]}
    assert cgroups_limits.files_v2({"blockIO": weights}, bfq=False) == [
        ("io.weight", "1"),
        ("io.weight", "254:0 10000"),
    ]


def test_files_may_be_named_directly() -> None:
    assert cgroups_limits.files_v2({"unified": {"memory.high": "1M"}}) == [("memory.high", "1M")]


@pytest.mark.parametrize("files", [cgroups_limits.files_v1, cgroups_limits.files_v2])
def test_memory_and_swap_below_memory_is_refused(files: Any) -> None:
    with pytest.raises(CgroupError, match="33554432, is below the one for memory, 67108864"):
        files({"memory": {"limit": 64 * MIB, "swap": 32 * MIB}})


def test_shares_and_weights_have_their_defaults_and_ends_in_common() -> None:
    weights = [cgroups_limits.weight_of_shares(n) for n in (0, 2, 1024, 262144, 10**9)]
    assert weights == [1, 1, 100, 10000, 10000]
    assert cgroups_limits.weight_of_shares(2000) == 170  # as runc 1.4 (opencontainers/runc#4896)


def test_more_shares_never_weigh_less() -> None:
    weights = [cgroups_limits.weight_of_shares(n) for n in range(2, 262145, 97)]
    assert weights == sorted(weights)


@pytest.mark.parametrize(
    ("text", "normal"),
    [("0", "0"), ("0-1", "0-1"), ("1,0", "0-1"), ("3,0-1,1", "0-1,3"), ("5,1,3", "1,3,5")],
)
def test_a_list_of_processors_as_the_kernel_shows_it(text: str, normal: str) -> None:
    assert cgroups_limits.cpu_list(text) == normal


@pytest.mark.parametrize("text", ["", "a", "0-", "-1", "1-0", "0,3-2", "0,,1", " 1", "9999", "٣"])
def test_anything_else_is_no_list(text: str) -> None:
    with pytest.raises(CgroupError, match="invalid list"):
        cgroups_limits.cpu_list(text)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("memory.swap.max", "Memory limited without swap."),
        ("memory.memsw.limit_in_bytes", "swap limit capabilities"),
        ("memory.max", "does not support memory limit capabilities or the cgroup is not mounted."),
        ("cpu.weight", "Shares discarded."),
        ("cpu.cfs_quota_us", "CPU CFS scheduler. CPU period/quota discarded."),
        ("cpuset.cpus", "Cpuset discarded."),
        ("pids.max", "PIDs limit discarded."),
        ("io.bfq.weight", "Block I/O weight"),
        ("blkio.throttle.read_iops_device", "IOPS Block read limit"),
        ("no.such.file", "It is discarded."),
    ],
)
def test_a_missing_file_gets_dockers_sentence_and_its_name(name: str, words: str) -> None:
    sentence = cgroups_limits.discarded(name)
    assert words in sentence
    assert name in sentence


@pytest.mark.parametrize(
    ("wanted", "kept", "holds"),
    [
        ("1000000", "999424", True),
        ("300", "100", False),  # less than a page apart, and not memory
        ("20", "20", True),
        ("max", "max", True),
        ("67108864", "max", False),
        ("150000 100000", "150000 100000", True),
        ("50000 100000", "max 100000", False),
        ("254:0 rbps=1", "254:0 rbps=1 wbps=max riops=max wiops=max", True),
        ("254:0 rbps=1", "8:0 rbps=1 wbps=max riops=max wiops=max", False),
        ("254:0 rbps=max", "", True),
        ("254:0 rbps=max", "8:0 rbps=5 wbps=max riops=max wiops=max", True),
        ("254:0 rbps=max", "254:0 rbps=5 wbps=max riops=max wiops=max", False),
        ("300", "default 300\n254:0 500", True),
        ("0-1", "0-1", True),
        ("", "", True),
    ],
)
def test_whether_a_limit_holds(wanted: str, kept: str, holds: bool) -> None:
    assert cgroups.holds(wanted, kept) is holds
