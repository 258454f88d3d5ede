"""The progress file: what a student has begun, passed, borrowed, and which hints were shown.

    {"version": 1,
     "topics": {"cgroups": {"begun": true, "passed": "SHA-256 of the file that passed",
                            "borrowed": false, "points": {"SHA-256": {"create": 5}}}},
     "hints": {"4.2": 1}}

Points belong to the file that earned them: to the one that was graded last, and to the
one that passed.

It lies beside the student's copies, work/progress.json, or where $MINI_DOCKER_PROGRESS
says. It is written by rename and under a lock, and it belongs to the owner of the
clone whoever writes it, so that `lab` as a student and `sudo mini-docker` agree.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course.table import REPO, Lab
from mini_docker import swap
from mini_docker.errors import ConfigError

Noted = dict[str, Any]


class Refused(ConfigError):
    """The student's work folder cannot be written."""


def place() -> Path:
    """Return the path of the progress file."""
    return Path(os.environ.get("MINI_DOCKER_PROGRESS") or REPO / "work" / "progress.json")


def copy(lab: Lab) -> Path:
    """Return the path of the student's copy for *lab*: it lies beside the progress file."""
    return place().parent / lab.folder / lab.skeleton.name


def read() -> Noted:
    """Return what is noted; the empty state if nobody has begun. ConfigError if it is damaged."""
    try:
        noted = json.loads(place().read_text())
    except FileNotFoundError:
        return {"version": 1, "topics": {}, "hints": {}}
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {place()}: {error}; move it away to begin anew") from error
    if not isinstance(noted, dict) or not isinstance(noted.get("topics"), dict):
        raise ConfigError(f"cannot read {place()}: it is not a progress file; move it away")
    noted.setdefault("hints", {})
    return noted


@contextmanager
def changing() -> Iterator[Noted]:
    """Yield what is noted, to be changed; write it back at the end, unless an error comes."""
    with _writing(place().parent):
        folder(place().parent)
        lock = os.open(place().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        noted = read()
        yield noted
        _write(noted)
    finally:
        os.close(lock)


def topic(noted: Noted, lab: Lab) -> Noted:
    """Return what is noted about *lab*'s topic, as part of *noted*."""
    entry: Noted = noted["topics"].setdefault(lab.topic, {})
    return entry


def points(noted: Noted, lab: Lab) -> int:
    """Return the points noted for the student's copy for *lab* as it is now."""
    files = noted["topics"].get(lab.topic, {}).get("points", {})
    tasks = files.get(swap.fingerprint(str(copy(lab))), {})
    return sum(tasks.values())


def unfinished(lab: Lab) -> bool:
    """Say whether there is a student's copy for *lab* that has not passed, borrowed or not."""
    entry = read()["topics"].get(lab.topic, {})
    return copy(lab).exists() and entry.get("passed") != swap.fingerprint(str(copy(lab)))


def states() -> dict[str, str]:
    """Return the state of each topic as the engine sees it."""
    if place().exists():
        swap.install(str(place()))
    return swap.states()


def folder(path: Path) -> None:
    """Make the directory *path* with those above it; new ones belong to the clone's owner."""
    if not path.is_dir():
        folder(path.parent)
        path.mkdir()
        give(path)


def put(source: Path, target: Path) -> None:
    """Copy *source* to *target*, replacing it in one step; it belongs to the clone's owner."""
    with _writing(target.parent):
        folder(target.parent)
        with _replacing(target) as temporary:
            shutil.copyfile(source, temporary)


def give(path: Path) -> None:
    """Give *path* to the clone's owner, if root has made it."""
    if os.geteuid() == 0:
        owner = REPO.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _write(noted: Noted) -> None:
    with _writing(place().parent), _replacing(place()) as temporary:
        temporary.write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n")


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Yield a path to write to; what is there at the end is given away and becomes *target*."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield temporary
        give(temporary)
        temporary.replace(target)
    finally:
        if temporary.exists():
            temporary.unlink()


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """Turn a failure to write in *directory*, or to make it, into Refused."""
    try:
        yield
    except OSError as error:
        while not directory.exists():
            directory = directory.parent
        owner = directory.stat().st_uid
        what = f"cannot write in {directory}: {error.strerror}"
        if isinstance(error, PermissionError) and owner != os.geteuid():
            what = (
                f"{_short(directory)} belongs to {_user(owner)}: use sudo, or a clone of your own"
            )
        raise Refused(what) from error


def _short(path: Path) -> str:
    if path == REPO:
        return "this clone"
    return f"{path.relative_to(REPO)}/" if path.is_relative_to(REPO) else str(path)


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
