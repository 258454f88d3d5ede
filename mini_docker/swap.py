"""Whose module runs: the engine's, the student's, or none yet.

Each topic of course.toml is in one state:

    ours       nobody has begun as a student: all modules are the engine's
    locked     not begun; importing it works, using it raises LockedTopic, unless it is lent
    trying     the student's file, which has not passed as it is now
    yours      the student's file, passed; its hash is noted
    borrowed   the engine's, because the student asked for it

The progress file holds what `lab` wrote: for each topic when it was begun, passed
(with the file's SHA-256) or borrowed. mini_docker/__init__.py calls install() if
there is one. In ours mode nothing here runs and nothing is imported.

A topic is one module object. Engine code writes ``from mini_docker import cgroups``,
never ``from mini_docker.cgroups import name``, so a swap reaches every caller. While a
lab is graded (grade) its tests may also say ``import cgroups``: it is the same object.
"""

from __future__ import annotations

import os

from mini_docker.errors import ConfigError, LockedTopic, MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

REPO = os.path.dirname(os.path.dirname(__file__))
LAST_WALL = 7  # the lab after which a container is meant to hold whoever is in it

_progress: str | None = None  # the progress file; None in ours mode
_graded: dict[str, str | None] | None = None  # topics that a grader loads: their files
_topics: dict[str, dict[str, Any]] | None = None  # topic: its entry of course.toml
_states: dict[str, str] | None = None


def install(progress: str) -> None:
    """Let the states in the file *progress* decide about every later import of a topic."""
    global _progress, _states
    _progress, _states = progress, None
    _find_with_us()


def grade(files: dict[str, str | None]) -> None:
    """Load each topic of *files* from its file (None: the engine's), all others the engine's.

    For a grader's process: there the topics of *files* have their bare names as well.
    """
    global _progress, _graded
    _progress = None
    _graded = dict(files)
    _find_with_us()


def graded() -> dict[str, str | None] | None:
    """Return what grade() was told; None if this process grades nothing."""
    return _graded


def student() -> bool:
    """Say whether somebody has begun as a student; False in ours mode."""
    return _progress is not None


def state(topic: str) -> str:
    """Return the state of *topic*; "ours" for a module that no lab asks for."""
    return "ours" if _progress is None else states().get(topic, "ours")


def states() -> dict[str, str]:
    """Return the state of every topic of course.toml, in the order of the labs.

    Raises ConfigError, naming the file, if the progress file is not one.
    """
    global _states
    if _progress is None:
        return dict.fromkeys(topics(), "ours")
    if _states is None:
        noted = _read(_progress)
        _states = {topic: _state(topic, noted.get(topic, {})) for topic in topics()}
    return dict(_states)


def locked(topic: str) -> bool:
    """Say whether the engine has to do without *topic*: nothing is written yet, and it is not lent.

    One that is lent (course.toml) is the engine's own until then, because too much would stop
    without it: an image is run from lab 3 on, and its name is a task of lab 9.
    """
    return unbegun(topic) and not topics()[topic].get("lent")


def require(*wanted: str, what: str) -> None:
    """Raise LockedTopic for the first topic of *wanted* that is locked, lent or not.

    *what* needs it.
    """
    for topic in wanted:
        if unbegun(topic):
            raise LockedTopic(f"`{what}` needs {remedy(topic)}")


def unbegun(topic: str) -> bool:
    """Say whether nothing of *topic* is written yet, lent or not."""
    return state(topic) in ("locked", "begun")


def needs(command: str, flags: Iterable[str]) -> None:
    """Raise LockedTopic if *command*, or one of the *flags* given to it, needs a locked topic.

    *flags* are long names without their dashes. course.toml says under each lab's
    ``unlocks`` which commands and flags ("run --memory") wait for it.
    """
    if _progress is None:
        return
    asked = [command, *(f"{command} --{flag}" for flag in sorted(flags))]
    for topic, lab in topics().items():
        for it in asked:
            if it in lab.get("unlocks", ()):
                require(topic, what=it)


def banner() -> str | None:
    """Return the line that tells a student which modules run; None in ours mode.

    It warns of an engine that holds nobody until all of the first seven labs are done.
    """
    if _progress is None:
        return None
    groups: dict[str, list[str]] = {}
    open_doors = False
    for topic, state in states().items():
        groups.setdefault(state, []).append(topic)
        if topics()[topic]["number"] <= LAST_WALL and state not in ("yours", "borrowed"):
            open_doors = True
    parts = [
        f"{state}: {' '.join(groups[state])}"
        for state in ("yours", "trying", "begun", "borrowed", "locked")
        if state in groups
    ]
    warning = [f"no security boundary before lab {LAST_WALL}"] if open_doors else []
    return "; ".join(["student mode", *parts, *warning])


def explain(error: BaseException) -> str | None:
    """Say in one line which lab and task *error* points to; None if it has nothing to do with one.

    It does if its traceback passes through the student's file, and in student mode
    also if a module that has not passed as it is now could be the reason.
    """
    if _progress is None or isinstance(error, MiniDockerError):
        return None
    from mini_docker import swap_blame

    return swap_blame.explain(error)


def prepare_for_blame() -> None:
    """Load what explain() needs: a caller that enters a container can import nothing there."""
    if _progress is not None:
        from mini_docker import swap_blame

        swap_blame.prepare()


def copy(topic: str) -> str:
    """Return the path of the student's copy of *topic*: it lies beside the progress file."""
    work = os.path.dirname(os.path.abspath(_progress)) if _progress else f"{REPO}/work"
    return f"{work}/{topics()[topic]['folder']}/{topic}.py"


def topics() -> dict[str, dict[str, Any]]:
    """Return the labs of course.toml by topic, each with its number added."""
    global _topics
    if _topics is None:
        import tomllib

        with open(f"{REPO}/course.toml", "rb") as file:
            labs = tomllib.load(file)["lab"]
        _topics = {lab["folder"][3:]: {**lab, "number": int(lab["folder"][:2])} for lab in labs}
    return _topics


def _read(path: str) -> dict[str, dict[str, Any]]:
    from mini_docker import records

    try:
        noted = records.read(path)["topics"]
        if not all(isinstance(entry, dict) for entry in noted.values()):
            raise TypeError
    except FileNotFoundError:
        return {}  # removed since the start: nothing is begun
    except (AttributeError, KeyError, TypeError):
        raise ConfigError(
            f"cannot read {path}: it is not a progress file; move it away and run: lab start 1"
        ) from None
    return dict(noted)


def _state(topic: str, noted: dict[str, Any]) -> str:
    if noted.get("borrowed"):
        return "borrowed"
    now = fingerprint(copy(topic)) if noted.get("begun") else ""
    if not now:
        return "locked"  # also if the file is gone
    if noted.get("passed") == now:
        return "yours"
    return "begun" if _unwritten(topic) else "trying"


def _unwritten(topic: str) -> bool:
    """Say whether every task in the student's file still is the line that the skeleton has."""
    lab = topics()[topic]
    with open(copy(topic), "rb") as file:
        lines = {line.strip() for line in file}
    tasks = enumerate(lab["tasks"], 1)
    words = [f"lab {lab['number']}, task {number}: write {it['name']}" for number, it in tasks]
    return lines.issuperset(f'raise NotImplementedError("{it}")'.encode() for it in words)


def fingerprint(file: str) -> str:
    """Return the SHA-256 of *file* in hexadecimal; "" if there is no such file."""
    import hashlib

    try:
        with open(file, "rb") as content:
            return hashlib.sha256(content.read()).hexdigest()
    except FileNotFoundError:
        return ""


def remedy(topic: str) -> str:
    """Say what a locked *topic* takes, to follow "it needs" or the like."""
    number = topics()[topic]["number"]
    what, run = f"lab {number}, {topic}", "start"
    if state(topic) == "begun":
        what, run = f"{what}, of which nothing is written yet", "check"
    return f"{what}: run `lab {run} {number}`, or `lab borrow {topic}`"


def _find_with_us() -> None:
    from mini_docker import swap_loader

    swap_loader.install()
