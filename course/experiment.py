"""Run an experiment of a grader in processes of its own, and say what became of them.

A function that forks, execs, blocks signals or hangs must not do so in pytest. So an
experiment is three generations:

    pytest        waits for one line of JSON
    supervisor    a subreaper with a deadline: nothing below it outlives it
    experiment    calls the function and notes what it returned or raised

The function's result must be something that JSON can hold. What the experiment's
processes print is kept as text.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mini_docker import swap, syscalls

OUTPUT_LIMIT = 100_000  # bytes of output that are kept


@dataclass(frozen=True)
class Raised:
    """An exception, as another process saw it."""

    kind: str
    message: str
    exit_code: int | None  # of a MiniDockerError
    where: str  # the last line of the student's file in the traceback: "processes.py, line 98"

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}" if self.message else self.kind


@dataclass(frozen=True)
class Outcome:
    """What became of an experiment."""

    pid: int  # of the process that called the function
    noted: bool  # the function returned or raised
    value: Any = None
    raised: Raised | None = None
    status: int = 0  # the wait status of that process
    output: str = ""  # what was written to stdout and stderr
    came_back: bool = False  # a process that it had forked left the function as well
    stuck: list[dict[str, Any]] = field(default_factory=list)  # processes at the deadline


def run(function: Callable[[], Any], seconds: float = 5.0) -> Outcome:
    """Call *function* in a new process, wait at most *seconds*, and return what happened."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            _supervise(function, seconds, writer)
        finally:
            os._exit(70)
    os.close(writer)
    with open(reader, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if not told:
        raise RuntimeError(f"the supervisor of an experiment died: wait status {status}")
    outcome = json.loads(told)
    if outcome["raised"]:
        outcome["raised"] = Raised(**outcome["raised"])
    return Outcome(**outcome)


def _supervise(function: Callable[[], Any], seconds: float, writer: int) -> NoReturn:
    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    notes, note = os.pipe()
    with open(os.memfd_create("output"), "w+b") as output:
        pid = os.fork()
        if pid == 0:
            os.close(writer)
            os.close(notes)
            _perform(function, output.fileno(), note)
        os.close(note)
        watch = os.pidfd_open(pid)
        ended, _, _ = select.select([watch], [], [], seconds)
        stuck = [] if ended else [_portrait(it) for it in _below(os.getpid())]
        status = _sweep(pid)
        output.seek(0)
        text = output.read(OUTPUT_LIMIT).decode(errors="replace")
    with open(notes, "rb") as lines:
        told = [json.loads(line) for line in lines]
    own = next((it for it in told if it["pid"] == pid), None)
    outcome = {
        "pid": pid,
        "noted": own is not None,
        "value": own and own["value"],
        "raised": own and own["raised"],
        "status": status,
        "output": text,
        "came_back": any(it["pid"] != pid for it in told),
        "stuck": stuck,
    }
    os.write(writer, json.dumps(outcome).encode())
    os._exit(0)


def _perform(function: Callable[[], Any], output: int, note: int) -> NoReturn:
    """Call *function* and note the end; a process that it forked may get here as well."""
    null = os.open(os.devnull, os.O_RDWR)
    for source, target in (null, 0), (output, 1), (output, 2):
        os.dup2(source, target)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    told: dict[str, Any] = {"value": None, "raised": None}
    try:
        told["value"] = function()
        json.dumps(told)
    except BaseException as error:
        told = {"value": None, "raised": _describe(error)}
    os.write(note, json.dumps({"pid": os.getpid(), **told}).encode() + b"\n")
    sys.stdout.flush()
    os._exit(0)


def _describe(error: BaseException) -> dict[str, Any]:
    graded = {
        file or f"{swap.REPO}/mini_docker/{topic}.py"
        for topic, file in (swap.graded() or {}).items()
    }
    # Of the grader's own code nothing is told.
    lines = {
        frame.filename: f"{Path(frame.filename).name}, line {frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in graded
    }
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "exit_code": getattr(error, "exit_code", None),
        "where": "; ".join(lines.values()) or "not in your file",
    }


def _sweep(experiment: int) -> int:
    """End every process below this one and return the wait status of *experiment*."""
    statuses: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # nothing is left
            return statuses[experiment]
        if pid:
            statuses[pid] = status
            continue
        for it in _below(os.getpid()):
            with suppress(ProcessLookupError):  # a grandchild may be reaped meanwhile
                os.kill(it, signal.SIGKILL)
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)


def _portrait(pid: int) -> dict[str, Any]:
    """Return what *pid* is and which ends of which pipes it holds."""
    pipes: dict[str, str] = {}
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            target = os.readlink(entry.path)
            if target.startswith("pipe:"):
                info = Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text()
                flags = int(info.split("flags:")[1].split()[0], 8)
                pipes[target] = pipes.get(target, "") + ("w" if flags & os.O_ACCMODE else "r")
    except OSError:
        pass  # it has just ended, or is not ours to look into
    return {"pid": pid, "name": name(pid), "pipes": pipes}


# Witnesses: what the kernel says about processes, read from /proc and from nowhere else.


def state(pid: int) -> str:
    """Return the letter that ps shows: R, S, D, T, Z; "" if there is no such process. proc(5)."""
    return _stat(pid)[0]


def parent(pid: int) -> int:
    """Return the pid of *pid*'s parent; 0 if there is no such process."""
    return int(_stat(pid)[1] or 0)


def name(pid: int) -> str:
    """Return the name of the program that *pid* runs, at most 15 bytes of it."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    """Return the pids whose parent is *pid*, zombies included."""
    return [int(it) for it in os.listdir("/proc") if it.isdecimal() and parent(int(it)) == pid]


def until(true: Callable[[], bool], seconds: float = 2.0) -> bool:
    """Ask *true* again and again until it says so; False if it has not after *seconds*."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ["", ""]
    return text.rpartition(")")[2].split()[:2]  # the name may hold blanks and brackets


def _below(pid: int) -> list[int]:
    found = []
    for child in children(pid):
        found += [child, *_below(child)]
    return found
