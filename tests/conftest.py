"""What all tests share.

They run the engine's own modules, whatever a student has under work/.

    @pytest.mark.root, e2e or vm      runs in a process, a mount and a network namespace of its
                                      own; mounts, links, processes, cgroups, loop devices and
                                      open files that it leaves behind fail it (course/isolate.py)
    @pytest.mark.needs("cgroup-v2")   a property of the machine (course/machine.py); without it
                                      the test is skipped with that reason
"""

from __future__ import annotations

import os

os.environ["MINI_DOCKER_PROGRESS"] = ""

import pytest

from course import grading, isolate, machine

APART = ("root", "e2e", "vm")


def pytest_addoption(parser: pytest.Parser) -> None:
    grading.add_reference(parser.getgroup("lab", "grading a lab"))


def pytest_configure(config: pytest.Config) -> None:
    machine.add_marker(config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    machine.skip_without_needs(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    if not any(item.get_closest_marker(name) for name in APART):
        return None
    assert machine.missing("root") == "", "the root, e2e and vm rings need root"
    return isolate.protocol(item, float(item.config.getini("timeout") or 300))
