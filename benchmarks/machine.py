"""What machine this is, as far as it explains figures."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping

from benchmarks.peers import OURS


def facts(versions: Mapping[str, str], rounds: int, load: float) -> tuple[str, ...]:
    """Return a line each about the date, the machine, and the programs with their *versions*.

    *load* is the load average from before the run: how busy the machine was without us.
    """
    names = ", ".join(f"{name} {version}" for name, version in versions.items() if name != OURS)
    system = f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"
    return (
        f"{time.strftime('%Y-%m-%d')}, {OURS} {versions[OURS]}{commit()}, {rounds} rounds",
        f"{system} {platform.machine()}, {os.cpu_count()} cores ({processor()}), {memory()} GiB, "
        f"cgroup {cgroups()}, Python {platform.python_version()}, load before {load:.1f}",
        f"beside it: {names or 'nothing'}",
    )


def processor() -> str:
    """Return the name of the processor; "unknown" where the kernel has none, as on arm64."""
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "unknown"


def memory() -> int:
    """Return the machine's memory in GiB."""
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)


def cgroups() -> str:
    """Return "v1", "v2", or "hybrid" where both are mounted."""
    with open("/proc/self/mounts") as file:
        kinds = {line.split()[2] for line in file} & {"cgroup", "cgroup2"}
    if len(kinds) == 2:
        return "hybrid"
    return "v2" if "cgroup2" in kinds else "v1"


def commit() -> str:
    """Return the clone's commit in brackets; "" where there is no git, or it does not say."""
    # Under sudo the clone is another's, and git would refuse to read it.
    argv = ["git", "-c", "safe.directory=*", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            argv, cwd=os.path.dirname(__file__), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return f" ({done.stdout.strip()})" if done.returncode == 0 else ""
