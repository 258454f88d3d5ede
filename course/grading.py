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
    """One lab that this run of pytest grades, on which file."""

    def __init__(self, lab: Lab, file: Path | None, quick: bool) -> None:
        self.lab = lab
        self.file = file or lab.engine
        # Task: what to say instead of running its tests.
        self.lacking = ""  # what to say if functions are missing
        self.unwritten = telling.unwritten(lab, self.file) if quick else {}


class Report:
    """What came of the run, for whoever started pytest."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.broken = ""
        self.tests: list[dict[str, Any]] = []

    def write(self) -> None:
        """Write it, if somebody asked for it."""
        if self.path:
            self.path.write_text(json.dumps({"broken": self.broken, "tests": self.tests}))


GRADERS = pytest.StashKey[list[Grader]]()
# pytest_runtest_logreport and pytest_collectreport are told of no config to keep these in.
_report = Report(None)
_graders: list[Grader] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; those but the first are for the `lab` command and the course's tests."""
    group = parser.getgroup("lab", "grading a lab")
    add_reference(group)
    group.addoption("--file", type=Path, help="grade this file")
    group.addoption("--quick", action="store_true", help="fail what is not written without a run")
    group.addoption("--report", type=Path, help="write what came of each test here, as JSON")


def add_reference(group: pytest.OptionGroup) -> None:
    """Add --reference, which tests/ know as well: there the engine's modules run anyway."""
    try:
        group.addoption("--reference", action="store_true", help="grade the engine's module")
    except ValueError:
        return  # labs/ and tests/ are both collected: the other one has added it


def pytest_configure(config: pytest.Config) -> None:
    """Decide whose module the tests of the lab get."""
    global _report
    machine.add_marker(config)
    config.addinivalue_line("markers", "points(n): how much a behaviour counts within its task")
    labs = _labs(config)
    if len(labs) > 1 and not config.getoption("--reference"):
        folders = " or ".join(lab.folder for lab in labs)
        raise pytest.UsageError(f"grade one lab at a time: {folders}")
    graders = [_grader(config, lab) for lab in labs]
    config.stash[GRADERS] = _graders[:] = graders
    reference = config.getoption("--reference")
    swap.grade({it.lab.topic: None if reference else str(it.file.resolve()) for it in graders})
    _report = Report(config.getoption("--report"))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import the graded module: if that fails, no test can say why any better."""
    for grader in session.config.stash[GRADERS]:
        try:
            module = import_module(f"mini_docker.{grader.lab.topic}")
        except BaseException as error:
            _report.broken = telling.broken(error, grader.lab, grader.file)
            _report.write()
            pytest.exit(_report.broken, returncode=1)
        grader.lacking = telling.lacking(grader.lab, grader.file, vars(module))


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note why the tests cannot be read: they use what a file cut short does not have."""
    if report.failed and not _report.broken:
        lacking = [it.lacking for it in _graders if it.lacking]
        words = report.longreprtext.strip().splitlines()
        _report.broken = lacking[0] if lacking else f"the tests cannot be read: {words[-1]}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test of what is not written; skip one that this machine cannot run."""
    if words := _unwritten(item):
        pytest.fail(words, pytrace=False)
    machine.skip_without_needs(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Run a test that is marked "root" apart, in namespaces of its own."""
    if item.get_closest_marker("root") is None or _unwritten(item):
        return None
    if machine.missing("user-namespaces"):
        item.add_marker(pytest.mark.needs("user-namespaces"))
        return None
    return isolate.protocol(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """End a test that is stuck."""

    def stuck(number: int, frame: object) -> None:
        pytest.fail(f"nothing happened for {SECONDS:g} seconds; the test was ended", pytrace=False)

    before = signal.signal(signal.SIGALRM, stuck)
    signal.setitimer(signal.ITIMER_REAL, SECONDS * machine.slowness())
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
    grader = _of(item)
    if grader is None:
        return report
    marker = item.get_closest_marker("points")
    report.user_properties.append(("weight", float(marker.args[0]) if marker else 1.0))
    if report.failed and call.excinfo and not item.config.option.fulltrace:
        report.longrepr = telling.tell(call.excinfo.value, grader.lab, grader.file)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how each test ended: its call, or what kept it from being called."""
    properties = dict(report.user_properties)
    if "weight" not in properties and not report.failed:
        return  # not a lab's
    if report.when != "call" and report.passed:
        return
    message = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    name = report.nodeid.rpartition("::")[2]
    task, words = telling.sentence(name)
    entry = {"test": name, "task": task, "behaviour": words, "outcome": report.outcome}
    entry |= {"message": message.removeprefix("Skipped: ")}
    _report.tests.append(entry | {"weight": properties.get("weight", 1.0)})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report."""
    _report.write()


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
    file: Path | None = config.getoption("--file")
    if file is None and not config.getoption("--reference"):
        copy = progress.copy(lab)
        file = copy if copy.exists() else lab.skeleton
    return Grader(lab, file, config.getoption("--quick"))


def _of(item: pytest.Item) -> Grader | None:
    for grader in item.config.stash[GRADERS]:
        if item.path.is_relative_to(grader.lab.skeleton.parent):
            return grader
    return None


def _unwritten(item: pytest.Item) -> str:
    """Return what to say if the task of this test is as the skeleton has it, or ""."""
    grader = _of(item)
    return grader.unwritten.get(telling.sentence(item.name)[0], "") if grader else ""
