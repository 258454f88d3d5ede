"""scripts/bench: measure mini-docker beside other programs, round by round, and print a table."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from benchmarks import machine, table
from benchmarks.inside import PEERS
from benchmarks.measure import ROUNDS, Result
from benchmarks.peers import OURS
from benchmarks.place import REPO, Place

README = f"{REPO}/benchmarks/README.md"
FIRST = ("run", "exec")  # the jobs that a reader looks for first; others by their names
NAMES = [kind.name for kind in PEERS]


def jobs() -> list[str]:
    """Return the names of all jobs: of the files in benchmarks/jobs."""
    folder = os.listdir(f"{REPO}/benchmarks/jobs")
    found = [name[:-3] for name in folder if name.endswith(".py") and name != "__init__.py"]
    return [*(name for name in FIRST if name in found), *sorted(set(found) - set(FIRST))]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; return 1 if a target was missed and somebody asked."""
    given = _parse(argv)
    load = os.getloadavg()[0]
    measured = _measure(given)
    results = [
        (importlib.import_module(f"benchmarks.jobs.{name}").JOB, Result(**measured["jobs"][name]))
        for name in given.jobs
    ]
    facts = machine.facts(measured["versions"], given.rounds, load)
    run = table.Run(facts, measured["absent"], results)
    text = table.render(run)
    print(text, end="")
    if given.write:
        _write(text)
    missed = table.missed(run)
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if missed and given.check else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"{', '.join(jobs())}; or all")
    parser.add_argument(
        "-n", dest="rounds", type=int, default=ROUNDS, metavar="ROUNDS", help=f"default {ROUNDS}"
    )
    parser.add_argument(
        "--peer",
        action="append",
        choices=[name for name in NAMES if name != OURS],
        help="compare with this one only; may be repeated",
    )
    parser.add_argument("--check", action="store_true", help="fail if a target is missed")
    parser.add_argument(
        "--write", action="store_true", help="put the table into benchmarks/README.md"
    )
    given = parser.parse_args(argv)
    unknown = sorted(set(given.jobs) - set(jobs()))
    if unknown:
        parser.error(f"there is no job {unknown[0]}: {', '.join(jobs())} are")
    if given.rounds < 1:
        parser.error("-n has to be at least 1")
    if given.write and (given.jobs or given.peer or given.rounds < ROUNDS):
        parser.error(f"--write records all jobs and peers in at least {ROUNDS} rounds")
    given.jobs = list(dict.fromkeys(given.jobs)) or jobs()
    given.peers = [OURS, *given.peer] if given.peer else NAMES
    return given


def _measure(given: argparse.Namespace) -> Any:
    """Return what inside.py says about the jobs and peers of *given*."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    with Place() as place:
        names = ",".join(given.peers)
        said = place.start(str(given.rounds), names, ",".join(given.jobs)).read()
    if not said:
        sys.exit(1)  # it has told the reason
    return json.loads(said)


def _interrupted(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def _write(text: str) -> None:
    with open(README, encoding="utf-8") as file:
        document = file.read()
    with open(README, "w", encoding="utf-8") as file:
        file.write(table.replace(document, text))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
