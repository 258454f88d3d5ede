"""Record the console sessions that chapters show, and check that they still come out the same.

    python -m course.sessions record [NAME ...]      write chapters/sessions/NAME.out
    python -m course.sessions record --print NAME    write it to standard output instead
    python -m course.sessions check [NAME ...]       record again and compare
        --needs PROPERTY                             only those that need it
        --without PROPERTY                           only those that do not

course/session_files.py says what NAME.sh may hold. A session runs in namespaces of its own
(course/stagehand.py), as stage k of the engine if it says so. One that needs a property
which this machine lacks is left out, and named. For the comparison ids, pids, times and
the like are made equal (course/sameness.py).
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path

from course import machine, progress, sameness, session_files, stagehand
from course.session_files import FOLDER, Session, SessionError

BUG = re.compile(r"^Traceback \(|this is a bug", re.M)
TIDY = 'ids=$(mini-docker ps -aq 2>/dev/null) && [ -z "$ids" ] || mini-docker rm -f $ids'
BANNER = "mini-docker: student mode;"
TRIES = 3


def record(session: Session) -> str:
    """Run *session* and return the text of its .out file. SessionError if it cannot be run."""
    lines = [f"%% session {session.name} {session.digest}"]
    part = ""
    with stagehand.Console(session) as console:
        for command in session.commands:
            if command.part != part:
                part = command.part
                lines.append(f"%% part {part}")
            output = console.run(command.text)
            if BUG.search(output):
                raise SessionError(f"`{command.text}` shows a bug: {output.strip()[-300:]}")
            if not command.hidden:
                lines += _typed(session.prompt, command.text) + _shown(output)
        # What still runs dies with the namespaces; its control groups would stay.
        console.run(TIDY)
    return "\n".join(lines) + "\n"


def compare(session: Session) -> list[str]:
    """Record *session* again; return the lines of a difference to its .out, or [] if equal.

    On a busy machine a session may look a moment too early; what is untrue is so each time.
    Hence a difference counts when each of TRIES recordings has one.
    """
    session_files.recorded(session.name)  # it exists, and from these commands
    for _ in range(TRIES):
        difference = _difference(session, record(session))
        if not difference:
            break
    return difference


def _difference(session: Session, new: str) -> list[str]:
    old = (FOLDER / f"{session.name}.out").read_text()
    name = f"{session.name}.out"
    return list(
        difflib.unified_diff(
            sameness.normalise(old, session.varies),
            sameness.normalise(new, session.varies),
            name,
            f"{name}, recorded now",
            lineterm="",
        )
    )


def lacking(session: Session) -> str:
    """Return what this machine lacks for *session*, or ""."""
    for name in ["real-root", *session.needs]:
        if why := machine.missing(name):
            return f"needs {name}: {why}"
    return ""


def _typed(prompt: str, command: str) -> list[str]:
    first, *others = command.split("\n")
    return [prompt + first, *(f"> {line}" for line in others)]


def _shown(output: str) -> list[str]:
    """Return the lines of *output* without the student's banner, which run and exec repeat."""
    return [line.rstrip() for line in output.splitlines() if not line.startswith(BANNER)]


def main() -> int:
    """Run the command; the exit status is 1 if a session differs or cannot be run."""
    given = _parser().parse_intermixed_args()
    status = 0
    for name in given.names or session_files.names():
        try:
            session = session_files.read(name)
            if not _chosen(session, given):
                continue
            if why := lacking(session):
                print(f"{name}: left out, it {why}")
            else:
                status |= _record(session, given) if given.what == "record" else _check(session)
        except SessionError as error:
            print(f"{name}: {error}")
            status = 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course.sessions")
    parser.add_argument("what", choices=["record", "check"])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--needs", metavar="PROPERTY", default="")
    parser.add_argument("--without", metavar="PROPERTY", default="")
    return parser


def _chosen(session: Session, given: argparse.Namespace) -> bool:
    needs = [name.replace("_", "-") for name in session.needs]
    wanted, unwanted = (name.replace("_", "-") for name in (given.needs, given.without))
    return (not wanted or wanted in needs) and (not unwanted or unwanted not in needs)


def _record(session: Session, given: argparse.Namespace) -> int:
    text = record(session)
    if given.print:
        sys.stdout.write(text)
        return 0
    path: Path = FOLDER / f"{session.name}.out"
    path.write_text(text)
    progress.give(path)
    print(f"{session.name}: recorded")
    return 0


def _check(session: Session) -> int:
    difference = compare(session)
    print(f"{session.name}: {'differs' if difference else 'the same'}")
    for line in difference:
        print(f"    {line}")
    return int(bool(difference))


if __name__ == "__main__":
    sys.exit(main())
