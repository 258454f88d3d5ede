"""Run a test that is marked "root" in a process and in namespaces of its own.

The test's process is a fork of pytest: in a new mount and network namespace, and for an
ordinary user in a new user namespace where it is root. Nothing that the test mounts, adds
or starts reaches the machine; what it leaves behind all the same fails it. A test that
does not end is ended. Its reports travel back to pytest through a pipe, as JSON.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from course import machine
from mini_docker import loopback, syscalls

DEADLINE = 60.0  # seconds for one test, with its set-up


def protocol(item: pytest.Item, deadline: float = DEADLINE) -> bool:
    """Run *item* apart, as the hook pytest_runtest_protocol; True: it has been run."""
    # What earlier tests set up is not for this one to use, nor to take down.
    item.session._setupstate.teardown_exact(None)
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item, deadline):
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _reports(item: pytest.Item, deadline: float) -> list[pytest.TestReport]:
    # One folder for all forks: each would otherwise begin one of its own.
    item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(item, writer)
    os.close(writer)
    started = time.time()
    told = None
    try:
        told = _read(reader, started + deadline * machine.slowness())
    finally:  # also if the student presses ctrl-c
        # Its orphans too, for they come to it: nobody else would end them.
        below = _below(pid) if told is None else []
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        for orphan in below:
            with suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        os.waitpid(pid, 0)
    if told is None:
        return [_failed(item, started, f"it did not end within {deadline:g} seconds")]
    if not told:
        return [_failed(item, started, "the process of the test ended before the test did")]
    load = item.config.hook.pytest_report_from_serializable
    reports = [load(config=item.config, data=data) for data in json.loads(told)]
    for report in reports:
        if isinstance(report.longrepr, list):  # the place and reason of a skip; JSON has no tuples
            report.longrepr = tuple(report.longrepr)
    return reports


def _below(pid: int) -> list[int]:
    """Return the processes that descend from *pid*."""
    parents = {it: parent for it in _pids() if (parent := _parent(it))}
    found = [pid]
    for above in found:  # it grows meanwhile
        found += [it for it, parent in parents.items() if parent == above]
    return found[1:]


def _read(reader: int, deadline: float) -> bytes | None:
    """Return everything that comes through *reader*, or None if it does not end in time."""
    parts: list[bytes] = []
    try:
        while select.select([reader], [], [], max(0.0, deadline - time.time()))[0]:
            part = os.read(reader, 65536)
            if not part:
                return b"".join(parts)
            parts.append(part)
        return None
    finally:
        os.close(reader)


def _child(item: pytest.Item, writer: int) -> None:
    try:
        os.setsid()
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
        _namespaces()
        before = traces()
        reports = runtestprotocol(item, log=False, nextitem=None)
        left = [] if any(report.failed for report in reports) else _left(before)
        if left:
            reports.append(_failed(item, time.time(), "it left behind: " + ", ".join(left)))
        _end_children()
        hook = item.config.hook
        data = [hook.pytest_report_to_serializable(config=item.config, report=r) for r in reports]
        text = json.dumps(data, default=str).encode()
        while text:
            text = text[os.write(writer, text) :]
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(70)


def _namespaces() -> None:
    if machine.missing("root"):
        machine.become_root()
    # A host name of its own as well: a wrong answer may rename whatever it is in.
    syscalls.unshare(syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    loopback.bring_up()  # Jupyter talks to its kernel over it


def traces() -> dict[str, set[str]]:
    """Return what a test could leave behind, by kind: mounts, links, cgroups and so on."""
    with open("/proc/self/mountinfo") as file:
        mounts = {line.split()[4] + " " + line.split()[2] for line in file}
    with open("/proc/self/net/dev") as file:
        links = {line.split(":")[0].strip() for line in file if ":" in line}
    numbers = os.listdir("/proc/self/fd")
    descriptors = {f"{n} {os.readlink(f'/proc/self/fd/{n}')}" for n in numbers if _is_open(n)}
    loops = {str(path.parent.parent) for path in Path("/sys/block").glob("loop*/loop/backing_file")}
    return {
        "mount": mounts,
        "link": links,
        "cgroup": _cgroups(),
        "open file": {name for name in descriptors if "mini-docker" in name or "/tmp" in name},
        "loop device": loops,
        "process": {f"{pid} {_name(pid)}" for pid in _children()},
    }


def _is_open(number: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{number}")


def _cgroups() -> set[str]:
    """Return the control groups that have this process's pid in their name.

    A test that makes one names it so, as lab 4's do; other tests run at the same time. The
    groups of containers are for the e2e ring's own detector, which can ask its engine.
    """
    own = f"-{os.getpid()}"
    base = Path(machine.CGROUPS)
    return {str(path) for path in [*base.glob(f"*{own}"), *base.glob(f"*/*{own}")]}


def _left(before: dict[str, set[str]]) -> list[str]:
    """Return what is there now and was not *before*; processes get a moment to end."""
    give_up = time.monotonic() + 2
    while True:
        now = traces()
        left = [f"{kind} {it}" for kind in now for it in sorted(now[kind] - before[kind])]
        if not left or time.monotonic() > give_up:
            return left
        _reap()
        time.sleep(0.01)


def _children() -> list[int]:
    return [pid for pid in _pids() if _parent(pid) == os.getpid()]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _parent(pid: int) -> int:
    """Return the parent of process *pid*, 0 if it is gone."""
    with suppress(OSError):
        # The name of the program, in brackets, may hold blanks and brackets. proc(5).
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _end_children() -> None:
    """End what is still running below this process: orphans come to it, a subreaper."""
    give_up = time.monotonic() + 5
    while (pids := _children()) and time.monotonic() < give_up:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap()


def _failed(item: pytest.Item, started: float, why: str) -> pytest.TestReport:
    facts: dict[str, Any] = {"start": started, "stop": time.time()}
    return pytest.TestReport(
        item.nodeid,
        item.location,
        dict.fromkeys(item.keywords, 1),
        "failed",
        why,
        "call",
        duration=facts["stop"] - started,
        **facts,
    )
