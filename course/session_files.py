"""The two files of a recorded session: NAME.sh, which a person writes, and NAME.out, recorded.

    # A group is a directory.            what it shows; not part of the session
    #: stage 3                           labs 1 to 3 done, the rest locked (without it: ours)
    #: needs cgroup-v2                   a property of the machine (course/machine.py)
    #: user ordinary                     prompt "$"; without it root, prompt "#"
    #: varies \\d+ kB                     what differs between runs besides ids, pids and times
    #- mini-docker image bootstrap busybox    run, and not shown
    ## limits                            here begins a part that a chapter may quote alone
    mkdir /sys/fs/cgroup/demo            a command; one that goes on is indented, ends in "\\",
    cat <<EOF                            or is a here-document
    hello
    EOF

In NAME.out a line that begins with "%%" is not from the console: the first names the
session and the digest of its commands, the others begin a part.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course.table import REPO

FOLDER = REPO / "chapters" / "sessions"
SETTINGS = {"stage", "needs", "user", "varies"}
HEREDOC = re.compile(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
GOES_ON = re.compile(r"\s+\S|(done|fi|esac|then|do|else|elif)\b|[})]")


class SessionError(Exception):
    """A session that cannot be read, recorded or quoted; the message names it."""


@dataclass(frozen=True)
class Command:
    """One command, of one or more lines, as typed."""

    text: str
    hidden: bool = False
    part: str = ""


@dataclass
class Session:
    """What NAME.sh says."""

    name: str
    commands: list[Command] = field(default_factory=list)
    stage: int | None = None
    needs: list[str] = field(default_factory=list)
    user: str = "root"
    varies: list[str] = field(default_factory=list)

    @property
    def prompt(self) -> str:
        return "# " if self.user == "root" else "$ "

    @property
    def digest(self) -> str:
        """Changes with whatever makes the recording another one."""
        facts = repr((self.stage, self.user, [(c.text, c.hidden, c.part) for c in self.commands]))
        return hashlib.sha256(facts.encode()).hexdigest()[:12]


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of all sessions."""
    return sorted(path.stem for path in folder.glob("*.sh"))


def read(name: str, folder: Path = FOLDER) -> Session:
    """Read NAME.sh; SessionError, naming file and line, if it makes no sense."""
    path = folder / f"{name}.sh"
    if not path.is_file():
        raise SessionError(f"there is no session {name}: {path} does not exist")
    session = Session(name)
    part = ""
    for number, text in _blocks(path.read_text().splitlines()):
        if text.startswith("#: "):
            _set(session, text[3:], f"{path}:{number}")
        elif text.startswith("## "):
            part = text[3:].strip()
        elif text.startswith("#- "):
            session.commands.append(Command(text[3:], hidden=True, part=part))
        elif not text.startswith("#"):
            session.commands.append(Command(text, part=part))
    if not any(not command.hidden for command in session.commands):
        raise SessionError(f"{path}: there is no command in it")
    return session


def recorded(name: str, part: str = "", folder: Path = FOLDER) -> list[str]:
    """Return the console lines of NAME.out, or of one part of it.

    Raises SessionError if it was not recorded, not from the commands that NAME.sh has
    now, or has no such part.
    """
    session = read(name, folder)
    path = folder / f"{name}.out"
    advice = f"run  .venv/bin/python -m course.sessions record {name}"
    if not path.is_file():
        raise SessionError(f"the session {name} is not recorded: {advice}")
    first, *lines = path.read_text().splitlines()
    if first != f"%% session {name} {session.digest}":
        raise SessionError(f"{path} was recorded from other commands than {name}.sh has: {advice}")
    parts: dict[str, list[str]] = {"": []}
    current = parts[""]
    for line in lines:
        if line.startswith("%% part "):
            current = parts.setdefault(line[8:], [])
        else:
            current.append(line)
    if part and part not in parts:
        raise SessionError(f"the session {name} has no part {part}: {', '.join(parts)[2:]}")
    return parts[part] if part else [line for lines in parts.values() for line in lines]


def _set(session: Session, setting: str, where: str) -> None:
    key, _, value = setting.partition(" ")
    value = value.strip()
    if key == "stage" and value.isdecimal():
        session.stage = int(value)
    elif key == "user" and value in ("root", "ordinary"):
        session.user = value
    elif key == "needs" and value:
        session.needs += value.split()
    elif key == "varies" and value:
        session.varies.append(value)
    else:
        known = ", ".join(sorted(SETTINGS))
        raise SessionError(f"{where}: cannot read {setting!r}; the settings are {known}")


def _blocks(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield each line that is not empty, a command with all of its lines, and its number."""
    at = 0
    while at < len(lines):
        first = at
        at += 1
        while at < len(lines) and _open(lines[first:at], lines[at]):
            at += 1
        if lines[first].strip():
            yield first + 1, "\n".join(lines[first:at])


def _open(text: list[str], following: str) -> bool:
    """Say whether *following* still belongs to the command whose first lines are *text*."""
    if text[0].startswith("#") or not text[0].strip():
        return False
    heredoc = HEREDOC.search(text[0])
    if heredoc:
        return len(text) == 1 or text[-1].strip() != heredoc[2]
    return text[-1].endswith("\\") or GOES_ON.match(following) is not None
