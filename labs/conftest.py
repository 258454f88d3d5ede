"""Grade a lab: your copy under work/, or the skeleton where you have none yet.

    pytest labs/04_cgroups                    every task
    pytest labs/04_cgroups -k task2           one task
    pytest labs/04_cgroups --reference        the engine's module instead of yours

For the authors of graders. A test's name is a sentence with its task:
test_task2_a_refused_write_names_the_file. `import cgroups` is the module that is graded.

    @pytest.mark.root                 runs in a process, a mount and a network namespace of its
                                      own, as root; for an ordinary user in a user namespace,
                                      where it is root as well
    @pytest.mark.needs("cgroup-v2")   a property of the machine (course/machine.py); without it
                                      the test is skipped with that reason
    @pytest.mark.points(3)            counts three times as much within its task as others do
"""

from course.grading import (
    pytest_addoption,
    pytest_collectreport,
    pytest_configure,
    pytest_runtest_call,
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_runtest_protocol,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_sessionstart,
)

__all__ = [
    "pytest_addoption",
    "pytest_collectreport",
    "pytest_configure",
    "pytest_runtest_call",
    "pytest_runtest_logreport",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
    "pytest_sessionstart",
]
