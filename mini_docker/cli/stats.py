"""mini-docker stats: what containers use, once or live."""

from __future__ import annotations

import sys
import time

from mini_docker import containers, measure, sizes
from mini_docker.cli import table
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.measure import Sample
    from mini_docker.store import Store

    Pair = tuple[Container, Sample, Sample]

INTERVAL = 1.0  # seconds between two samples
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
    live = not values.no_stream
    while True:
        pairs = _measure(values, store)
        if live and sys.stdout.isatty():
            sys.stdout.write(CLEAR)
        rows = [row(*pair, whole=values.no_trunc) for pair in pairs]
        table.show(values.format, rows, HEADINGS, DEFAULT)
        sys.stdout.flush()
        if not live:
            return 0


def _measure(values: Values, store: Store) -> list[Pair]:
    """Return each container with two samples, INTERVAL apart."""
    first = [(it, measure.sample(it)) for it in _choose(values, store)]
    time.sleep(INTERVAL)
    pairs = []
    for it, before in first:
        try:
            now = containers.load(store, it.id)
            pairs.append((now, before, measure.sample(now)))
        except NotFound:
            continue  # removed meanwhile
    return pairs


def _choose(values: Values, store: Store) -> list[Container]:
    if values.arguments:
        return [containers.load(store, reference) for reference in values.arguments]
    found, broken = containers.listing(store)
    for error in broken:
        print(f"mini-docker: {error}", file=sys.stderr)
    return [it for it in found if values.all or it.running()]


def row(it: Container, before: Sample, after: Sample, whole: bool) -> dict[str, str]:
    """Return the fields that a format may name, as Docker writes them."""
    used = after.used
    limit = measure.memory_limit(used) if used else 0
    memory = used.get("memory", 0)
    id = it.id if whole else it.id[:12]
    return {
        "Container": id,
        "ID": id,
        "Name": it.name(),
        "CPUPerc": f"{measure.cpu_percent(before, after):.2f}%",
        "MemUsage": f"{sizes.bytes_size(memory)} / {sizes.bytes_size(limit)}",
        "MemPerc": f"{memory / limit * 100 if limit else 0:.2f}%",
        "NetIO": f"{sizes.human_size(after.received)} / {sizes.human_size(after.sent)}",
        "BlockIO": _pair(used.get("read", 0), used.get("written", 0)),
        "PIDs": str(used.get("pids", 0)),
    }


def _pair(read: int, written: int) -> str:
    return f"{sizes.human_size(read)} / {sizes.human_size(written)}"
