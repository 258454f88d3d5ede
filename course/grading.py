"""The grader's hooks into pytest; labs/conftest.py hands them over and says how to use them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Generator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from course import isolate, machine, progress, table, telling
from course.table import Lab
from mini_docker import swap

SECONDS = 20.0  # a test that has not ended by then is stuck


class Grader:
    """What one run of pytest grades, and what came of it."""

    def __init__(self, lab: Lab, file: Path | None, report: Path | None) -> None:
        self.lab = lab
        self.file = file or lab.engine
        self.report = report
        self.broken = ""
        self.lines: list[dict[str, Any]] = []
        self.unwritten: dict[int, str] = {}  # task: what to say instead of running its tests


KEY = pytest.StashKey[Grader | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; those but the first are for the `lab` command and the course's tests."""
    group = parser.getgroup("lab", "grading a lab")
    group.addoption("--reference", action="store_true", help="grade the engine's module")
    group.addoption("--file", type=Path, help="grade this file")
    group.addoption("--quick", action="store_true", help="fail what is not written without a run")
    group.addoption("--report", type=Path, help="write what came of each test here, as JSON lines")


def pytest_configure(config: pytest.Config) -> None:
    """Decide whose module the tests of the lab get."""
    config.addinivalue_line("markers", "needs(property...): see course/machine.py")
    config.addinivalue_line("markers", "points(n): how much a behaviour counts within its task")
    config.stash[KEY] = None
    named = _labs(config)
    if len(named) > 1:
        folders = " or ".join(lab.folder for lab in named)
        raise pytest.UsageError(f"grade one lab at a time: {folders}")
    for lab in named:
        config.stash[KEY] = _grader(config, lab)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import the graded module: if that fails, no test can say why any better."""
    grader = session.config.stash[KEY]
    if grader is None:
        return
    try:
        import_module(f"mini_docker.{grader.lab.topic}")
    except BaseException as error:
        grader.broken = telling.broken(error, grader.lab, grader.file)
        _write(grader)
        pytest.exit(grader.broken, returncode=1)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that this machine cannot run, with the property that it lacks."""
    if words := _unwritten(item):
        pytest.fail(words, pytrace=False)
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if why := machine.missing(name):
                pytest.skip(f"needs {name}: {why}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Run a test that is marked "root" apart, in namespaces of its own."""
    if item.get_closest_marker("root") is None or _unwritten(item):
        return None
    if why := machine.missing("user-namespaces"):
        item.add_marker(pytest.mark.skip(reason=f"needs user-namespaces: {why}"))
        return None
    return isolate.protocol(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """End a test that is stuck."""

    def stuck(number: int, frame: object) -> None:
        pytest.fail(f"nothing happened for {SECONDS:g} seconds; the test was ended", pytrace=False)

    before = signal.signal(signal.SIGALRM, stuck)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the story in the place of a traceback through the grader's code."""
    report = yield
    grader = item.config.stash[KEY]
    if grader is None:
        return report
    marker = item.get_closest_marker("points")
    report.user_properties.append(("weight", float(marker.args[0]) if marker else 1.0))
    if report.failed and call.excinfo and not item.config.option.fulltrace:
        report.longrepr = telling.tell(call.excinfo.value, grader.lab, grader.file)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how each test ended: its call, or what kept it from being called."""
    grader = _running
    if grader is None or (report.when != "call" and report.passed):
        return
    message = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    weight = dict(report.user_properties).get("weight", 1.0)
    name = report.nodeid.rpartition("::")[2]
    task, words = telling.sentence(name)
    grader.lines.append(
        {
            "test": name,
            "task": task,
            "behaviour": words,
            "outcome": report.outcome,
            "message": message.removeprefix("Skipped: "),
            "weight": weight,
        }
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, if one was asked for."""
    grader = session.config.stash[KEY]
    if grader is not None:
        _write(grader)


_running: Grader | None = None  # pytest_runtest_logreport is told nothing but the report


def _labs(config: pytest.Config) -> list[Lab]:
    """Return the labs that the command line names, by folder, file or test."""
    named = []
    paths = [Path(os.path.abspath(arg.partition("::")[0])) for arg in config.args]
    for lab in table.labs():
        home = lab.skeleton.parent
        if any(path.is_relative_to(home) or home.is_relative_to(path) for path in paths):
            named.append(lab)
    return named


def _grader(config: pytest.Config, lab: Lab) -> Grader:
    global _running
    file: Path | None = config.getoption("--file")
    if file is None and not config.getoption("--reference"):
        copy = progress.copy(lab)
        file = copy if copy.exists() else lab.skeleton
    swap.grade(lab.topic, str(file.resolve()) if file else None)
    _running = Grader(lab, file, config.getoption("--report"))
    if config.getoption("--quick"):
        _running.unwritten = telling.unwritten(lab, _running.file)
    return _running


def _unwritten(item: pytest.Item) -> str:
    """Return what to say if the task of this test is as the skeleton has it, or ""."""
    grader = item.config.stash[KEY]
    return grader.unwritten.get(telling.sentence(item.name)[0], "") if grader else ""


def _write(grader: Grader) -> None:
    if grader.report:
        found = {"broken": grader.broken, "tests": grader.lines}
        grader.report.write_text(json.dumps(found))
