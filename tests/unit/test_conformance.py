"""Docker's own answers: the tables of ../shared/conformance, where they lie beside the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CHECK = REPOSITORY.parent / "shared" / "conformance" / "check.py"


@pytest.mark.skipif(not CHECK.exists(), reason="no ../shared/conformance beside the checkout")
@pytest.mark.parametrize(
    "table",
    [
        *("sizes", "ulimit", "go_template", "image_reference"),
        *("dockerfile_parser_testfiles", "dockerfile_embedded", "dockerfile_shell_words"),
        *("dockerignore_match", "dockerignore_read"),
    ],
)
def test_every_row_of_the_table_is_answered_as_docker_answers_it(table: str) -> None:
    run = subprocess.run(
        [sys.executable, CHECK, REPOSITORY / "tests" / "conformance.py", table],
        capture_output=True,
        text=True,
        env={"V": "1", "PATH": "/usr/bin:/bin"},
    )
    last = run.stdout.splitlines()[-1] if run.stdout else run.stderr
    passed, _, total = last.removeprefix("passed ").partition(" of ")
    assert passed == total, run.stdout
    assert int(total) > 0
