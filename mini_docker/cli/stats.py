"""mini-docker stats: what containers use, once or live."""

from __future__ import annotations

import gc
import sys
import time

from mini_docker import containers, measure, sizes
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import CgroupError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.measure import Sample
    from mini_docker.store import Store

    Named = tuple[Container, str]

FIRST = 0.5  # seconds before the first table: a share of the processor takes two looks
INTERVAL = 1.0  # seconds between two tables
DEFAULT = (
    "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"
    "\t{{.PIDs}}"
)
HEADINGS = {
    "Container": "CONTAINER",
    "ID": "CONTAINER ID",
    "Name": "NAME",
    "CPUPerc": "CPU %",
    "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %",
    "NetIO": "NET I/O",
    "BlockIO": "BLOCK I/O",
    "PIDs": "PIDS",
}
CLEAR = "\x1b[H\x1b[J"  # cursor home, erase to the end: console_codes(4)
COMMAND = Command(
    "stats",
    "Display a live stream of container(s) resource usage statistics",
    "mini-docker stats [OPTIONS] [CONTAINER...]",
    (
        Flag("all", "a", help="Show all containers (default shows just running)"),
        Flag("format", "", "string", help="Format output using a Go template"),
        Flag("no-stream", "", help="Disable streaming stats and only pull the first result"),
        Flag("no-trunc", "", help="Do not truncate output"),
    ),
)


def execute(values: Values, store: Store) -> int:
    """Print a table, and with a stream a new one every second until interrupted."""
    first = {it.id: _sample(it) for it, _ in _choose(values, store, say=True)}
    time.sleep(FIRST)
    if values.no_stream:
        _show(values, _choose(values, store), first)
        return 0
    gc.enable()  # the launcher has switched it off: a command lives for milliseconds
    due = time.monotonic()
    while True:
        first = _show(values, _choose(values, store), first)
        due = max(due + INTERVAL, time.monotonic())
        time.sleep(due - time.monotonic())


def _show(values: Values, chosen: list[Named], before: dict[str, Sample]) -> dict[str, Sample]:
    """Print a row for each of *chosen*; return their samples, by id.

    *before* has those of the last time. One that was not there then has used no processor yet.
    """
    samples, rows = {}, []
    for it, name in chosen:
        now = samples[it.id] = _sample(it)
        rows.append(row(it, name, before.get(it.id, now), now, whole=values.no_trunc))
    if not values.no_stream and sys.stdout.isatty():
        sys.stdout.write(CLEAR)
    table.show(values.format, rows, HEADINGS, DEFAULT)
    sys.stdout.flush()
    return samples


def _choose(values: Values, store: Store, say: bool = False) -> list[Named]:
    """Return the containers to show, each with what it was called; *say* what is wrong."""
    if not values.arguments:
        found, broken = containers.listing(store)
        for error in broken if say else ():
            print(f"mini-docker: {error}", file=sys.stderr)
        return [(it, it.id) for it in found if values.all or it.alive()]
    chosen = []
    for name in dict.fromkeys(values.arguments):  # a name that comes twice has one row
        try:
            chosen.append((containers.load(store, name), name))
        except NotFound:
            if say:
                raise
    return chosen  # without those that were removed meanwhile


def _sample(it: Container) -> Sample:
    """Take a sample of *it*; all zero if it has ended meanwhile."""
    try:
        return measure.sample(it)
    except CgroupError:
        if containers.alive(containers.read_note(it.store, it.id)):
            raise
        return measure.Sample(time.monotonic(), {}, 0, 0)


def row(it: Container, name: str, before: Sample, after: Sample, whole: bool) -> dict[str, str]:
    """Return the fields that a format may name, as Docker writes them; *name*: as it was asked."""
    used = after.used
    limit = measure.memory_limit(used) if used else 0
    memory = used.get("memory", 0)
    id = it.id if whole else it.id[:12]
    return {
        "Container": id if name == it.id else name,
        "ID": id,
        "Name": it.name(),
        "CPUPerc": f"{measure.cpu_percent(before, after):.2f}%",
        "MemUsage": f"{sizes.bytes_size(memory)} / {sizes.bytes_size(limit)}",
        "MemPerc": f"{memory / limit * 100 if limit else 0:.2f}%",
        "NetIO": _pair(after.received, after.sent),
        "BlockIO": _pair(used.get("read", 0), used.get("written", 0)),
        "PIDs": str(used.get("pids", 0)),
    }


def _pair(in_: int, out: int) -> str:
    return f"{sizes.human_size(in_)} / {sizes.human_size(out)}"
