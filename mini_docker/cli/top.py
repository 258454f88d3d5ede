"""mini-docker top: the processes of a container, as the host's ps shows them."""

from __future__ import annotations

import subprocess
import sys

from mini_docker import cgroups_tree, containers, events, lifecycle, swap
from mini_docker.cli.options import Command
from mini_docker.errors import MiniDockerError, ProcessError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command(
    "top",
    "Display the running processes of a container",
    "mini-docker top CONTAINER [ps OPTIONS]",
    interspersed=False,
    minimum=1,
)


def execute(values: Values, store: Store) -> int:
    """Print the rows of ps whose pid belongs to the container."""
    it = containers.load(store, values.arguments[0])
    if not it.running():
        lifecycle.move(it.status(), "exec", it.id)  # refuses as exec does
    pids = set(processes_of(it))
    options = values.arguments[1:] or ["-ef"]
    header, *rows = _ps(options, pids)
    columns = header.split()
    if "PID" not in columns:
        raise MiniDockerError("Couldn't find PID field in ps output")
    place = columns.index("PID")
    print(header)
    for row in rows:
        words = row.split()
        if len(words) > place and words[place].isdecimal() and int(words[place]) in pids:
            print(row)
    sys.stdout.flush()
    events.container(it, "top")
    return 0


def _ps(options: list[str], pids: set[int]) -> list[str]:
    """Return the lines of ps with the user's *options*, of those *pids* if it can choose them.

    Without -q many options, as -o alone, show the caller's terminal only; a few, as f, do not
    go with it. moby, daemon/top_unix.go.
    """
    try:
        for words in ([*options, "-q" + ",".join(map(str, sorted(pids)))], options):
            done = subprocess.run(["ps", *words], capture_output=True, text=True, check=False)
            if not done.returncode:
                return done.stdout.splitlines()
    except FileNotFoundError:
        raise ProcessError("cannot run ps: install the package procps") from None
    why = done.stderr.strip().splitlines()[:1] or ["no output"]
    raise ProcessError(f"error running ps {' '.join(options)}: {why[0]}")


def processes_of(it: containers.Container) -> list[int]:
    """Return the pids, on the host, of the container's processes.

    Its control group knows them all. Before that lab, the pid namespace does.
    """
    path = it.config()["linux"].get("cgroupsPath")
    if path and not swap.locked("cgroups"):
        return cgroups_tree.Group(path).processes()
    import os

    from mini_docker import namespaces

    found = []
    theirs = namespaces.listing(it.pid()).get("pid")
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                if namespaces.listing(int(name)).get("pid") == theirs:
                    found.append(int(name))
            except MiniDockerError:
                continue  # it has ended meanwhile
    return found
