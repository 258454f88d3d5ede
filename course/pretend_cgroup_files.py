"""The control files of lab 4's pretend kernel: what they show at first, and take.

Only the files that the lab's graders look at; cgroup-v2.rst describes them all.
"""

from __future__ import annotations

import os

PAGE = os.sysconf("SC_PAGE_SIZE")
DISK = "254:0"  # the only block device
OFFERED = "cpuset cpu io memory hugetlb pids rdma misc"
CORE = {
    "cgroup.controllers": "",
    "cgroup.subtree_control": "",
    "cgroup.procs": "",
    "cgroup.freeze": "0",
    "cgroup.events": "populated 0\nfrozen 0",
    "cpu.stat": "usage_usec 0\nuser_usec 0\nsystem_usec 0",
}
FILES = {  # of a controller: what a new group shows
    "cpuset": {"cpuset.cpus": "", "cpuset.cpus.effective": "0-3", "cpuset.mems": ""},
    "cpu": {"cpu.max": "max 100000", "cpu.weight": "100"},
    "io": {"io.max": "", "io.stat": "", "io.weight": "default 100"},
    "memory": {
        "memory.current": "0",
        "memory.max": "max",
        "memory.low": "0",
        "memory.swap.max": "max",
        "memory.stat": "anon 0\nfile 0\ninactive_file 0",
        "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0",
    },
    "hugetlb": {"hugetlb.2MB.max": "max"},
    "pids": {"pids.max": "max", "pids.current": "0"},
}


def normal(name: str, text: str, kept: str) -> str:
    """Return what the file *name*, which showed *kept*, shows after *text* was written."""
    if name.startswith("memory."):
        return text if text == "max" else str(int(text) // PAGE * PAGE)
    if name == "pids.max":
        return text if text == "max" else str(int(text))
    if name == "cpu.weight" and not 1 <= int(text) <= 10000:
        raise ValueError(text)
    if name == "cpu.max":
        quota, period = [*text.split(), kept.split()[1]][:2]
        if quota != "max" and int(quota) < 1000:  # microseconds
            raise ValueError(text)
        return f"{quota} {int(period)}"
    if name == "io.max":
        device, *pairs = text.split()
        if device != DISK:
            raise ValueError(text)
        limits = dict.fromkeys(("rbps", "wbps", "riops", "wiops"), "max")
        limits |= dict(pair.split("=") for pair in [*kept.split()[1:], *pairs])
        return " ".join([device, *(f"{key}={value}" for key, value in limits.items())])
    return text
