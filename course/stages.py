"""Stage k: the engine as a student has it who has done labs 1 to k, the rest locked.

The done labs count as borrowed, so it is the engine's own modules that run.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course import table
from course.progress import Noted


def progress_for(stage: int, repo: Path = table.REPO) -> Noted:
    """Return the contents of a progress file in which labs 1 to *stage* are done."""
    done = {lab.topic: {"borrowed": True} for lab in table.labs(repo) if lab.number <= stage}
    return {"version": 1, "topics": done, "hints": {}}


def write(path: Path, stage: int) -> None:
    """Write a progress file for *stage* to *path*."""
    path.write_text(json.dumps(progress_for(stage)))


def last() -> int:
    """Return the number of the last published lab: from there on nothing is locked."""
    return table.labs()[-1].number


@contextmanager
def at_stage(stage: int | None) -> Iterator[dict[str, str]]:
    """Yield an environment in which the engine runs at *stage*; None: ours mode.

    The environment is a copy of this process's own, with $MINI_DOCKER_PROGRESS set.
    """
    if stage is None:
        yield os.environ | {"MINI_DOCKER_PROGRESS": ""}
        return
    with tempfile.TemporaryDirectory(prefix="stage-") as directory:
        path = Path(directory, "progress.json")
        write(path, stage)
        yield os.environ | {"MINI_DOCKER_PROGRESS": str(path)}
