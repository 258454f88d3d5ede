"""monitor_group: what a monitor gives back to the command that it comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mini_docker import monitor_group, swap

REPO = Path(__file__).parents[2]
LEAVE = """
import os, sys
sys.path.insert(0, sys.argv[1])
from mini_docker import monitor_group
joined = []
monitor_group.join_monitors = lambda: joined.append(True)
own = os.open("/etc/hostname", os.O_RDONLY | os.O_CLOEXEC)
monitor_group.leave()
print(joined, os.getcwd(), os.fstat(own).st_size > 0)
for number in sys.argv[2:]:
    try: print("still open", os.fstat(int(number)))
    except OSError as error: print(error.errno)
"""


def test_the_callers_files_are_let_go_and_our_own_are_not(tmp_path: Path) -> None:
    files = [os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in ("lock", "pipe")]
    try:
        done = subprocess.run(
            [sys.executable, "-c", LEAVE, str(REPO), *map(str, files)],
            pass_fds=files,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        for number in files:
            os.close(number)
    assert done.stdout.splitlines() == ["[True] / True", "9", "9"]


def test_without_control_groups_there_is_none_to_join(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "locked", lambda topic: topic == "cgroups")
    monkeypatch.setitem(sys.modules, "mini_docker.cgroups_tree", None)
    monitor_group.join_monitors()
