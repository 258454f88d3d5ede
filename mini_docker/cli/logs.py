"""mini-docker logs: what a container has written, and what it writes."""

from __future__ import annotations

import os
import select
import sys
import time

from mini_docker import containers, logs_files, logs_read, logs_runs, moments, strconv, timestamps
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mini_docker.cli.options import Values
    from mini_docker.containers import Container
    from mini_docker.logs_keeper import Keeper
    from mini_docker.logs_runs import Run
    from mini_docker.store import Store

COMMAND = Command(
    "logs",
    "Fetch the logs of a container",
    "mini-docker logs [OPTIONS] CONTAINER",
    (
        Flag("details", "", help="Show extra details provided to logs"),
        Flag("follow", "f", help="Follow log output"),
        Flag(
            "since",
            "",
            "string",
            help='Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") '
            'or relative (e.g. "42m" for 42 minutes)',
        ),
        Flag(
            "tail",
            "n",
            "string",
            default="all",
            help="Number of lines to show from the end of the logs",
        ),
        Flag("timestamps", "t", help="Show timestamps"),
        Flag(
            "until",
            "",
            "string",
            help='Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") '
            'or relative (e.g. "42m" for 42 minutes)',
        ),
    ),
    minimum=1,
    maximum=1,
)
PAUSE = 50  # milliseconds between two looks at a log that does not grow
FULL = 2**16  # bytes that are written at once
CONFESSED = 4096  # bytes at the end of monitor.log in which its last line is


def execute(values: Values, store: Store) -> int:
    """Print what is asked for, each stream to its own."""
    now = time.time_ns()
    since, until = _moment("since", values.since, now), _moment("until", values.until, now)
    it = containers.load(store, values.arguments[0])
    living, config = it.lock().held(), it.record["HostConfig"].get("LogConfig", {})
    keeper = _keeper(it, config) if values.follow and living else None
    reader = logs_read.Reader(store.directory(it.id), config, _lines(values.tail))
    if keeper:
        reader.kept = keeper.kept
    printer = Printer(values.timestamps, values.details)
    runs = reader.present(living)
    if values.follow:
        runs = reader.follow(lambda: _alive(it, until), lambda: _wait(reader, printer))
    for run in runs:
        if until and run.time > until:
            break
        if run.time >= since:
            printer.add(run)
    printer.flush()
    _remark(reader)
    _confession(it)
    return 0


def _keeper(it: Container, config: Mapping[str, Any]) -> Keeper | None:
    """Return what keeps the log of *it* for us if it is removed at its end."""
    path = logs_files.path(it.store.directory(it.id), config.get("Type") or logs_files.DEFAULT)
    if not path or not containers.removes_itself(it):
        return None
    from mini_docker import logs_keeper

    return logs_keeper.Keeper(it, path)


def _moment(name: str, text: str, now: int) -> str:
    """Return the time that the flag *name* gives, as those of runs are; "" if it is not given."""
    if not text or text == "0":
        return ""
    try:
        return logs_runs.at(moments.parse(text, now))
    except ValueError as error:
        raise UsageError(f'invalid value for "{name}": {error}') from None


def _lines(text: str) -> int:
    """Return how many lines from the end; a negative number is all, as is what is no number."""
    try:
        return strconv.signed(text)
    except ValueError:
        return -1


def _alive(it: Container, until: str) -> bool:
    """Say whether something may be added that is asked for."""
    if until and logs_runs.at(time.time_ns()) > until:
        return False
    return it.lock().held()


def _wait(reader: logs_read.Reader, printer: Printer) -> None:
    """Wait a little; end if nobody reads what we print."""
    printer.flush()
    _remark(reader)
    poll = select.poll()
    poll.register(1, 0)
    if any(event & select.POLLERR for _, event in poll.poll(PAUSE)):
        raise BrokenPipeError


def _remark(reader: logs_read.Reader) -> None:
    for remark in reader.remarks():
        print(f"WARNING: {remark}", file=sys.stderr, flush=True)


def _confession(it: Container) -> None:
    """Tell why the monitor of *it* gave something up in this life, if it did: the log ends there.

    It may be the disk, or a student's function.
    """
    path = f"{it.store.directory(it.id)}/monitor.log"
    try:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            file.seek(max(0, facts.st_size - CONFESSED))
            last = file.read(CONFESSED).decode(errors="replace").splitlines()[-1:]
    except FileNotFoundError:
        return
    if facts.st_mtime < timestamps.seconds(it.state["StartedAt"]):
        return
    print(f"WARNING: the monitor failed: {''.join(last)}: see {path}", file=sys.stderr)


class Printer:
    """Prints runs, with what the flags want before each line."""

    __slots__ = ("begun", "details", "stream", "texts", "timestamps", "waiting")

    def __init__(self, timestamps: bool, details: bool) -> None:
        self.timestamps = timestamps
        self.details = details
        self.begun = [False, False, False]  # whether a stream is within a line
        self.texts: list[bytes] = []
        self.stream = 1
        self.waiting = 0  # bytes in texts

    def add(self, run: Run) -> None:
        """Print *run*, soon: flush() makes sure of it."""
        if run.stream != self.stream or self.waiting >= FULL:
            self.flush()
            self.stream = run.stream
        text = run.text
        if self.timestamps or self.details:
            text = self._prefixed(run)
        self.texts.append(text)
        self.waiting += len(text)

    def _prefixed(self, run: Run) -> bytes:
        """Return the text with a prefix before each line; a long one may come in several runs."""
        prefix = f"{run.time} ".encode() if self.timestamps else b""
        if self.details:
            prefix += _details(run) + b" "
        begun, self.begun[run.stream] = self.begun[run.stream], not run.text.endswith(b"\n")
        body = run.text.removesuffix(b"\n")
        end = run.text[len(body) :]
        return (b"" if begun else prefix) + body.replace(b"\n", b"\n" + prefix) + end

    def flush(self) -> None:
        """Print all that waits."""
        data = memoryview(b"".join(self.texts))
        self.texts, self.waiting = [], 0
        while data:
            try:
                data = data[os.write(self.stream, data) :]
            except BlockingIOError:
                poll = select.poll()
                poll.register(self.stream, select.POLLOUT)
                poll.poll()


def _details(run: Run) -> bytes:
    from urllib.parse import quote_plus

    pairs = sorted(run.attributes.items())
    return ",".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
