"""startup: the modules out of one file are the modules of the sources."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path

from mini_docker import startup

REPO = Path(__file__).parents[2]


def run(code: str, **environment: str) -> str:
    """Run *code* in a fresh interpreter as the launcher starts it."""
    done = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path.insert(0, {str(REPO)!r})\n{code}"],
        env={**os.environ, "MINI_DOCKER_PROGRESS": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def imported(file: Path, **environment: str) -> str:
    """Return who loads mini_docker.cli.main if *file* is the file of modules."""
    return run(
        f"from mini_docker import startup; startup.FILE = {str(file)!r}; startup._use_modules()\n"
        "import mini_docker.cli.main as m; print(type(m.__spec__.loader).__name__)",
        **environment,
    ).strip()


def test_modules_come_from_the_file(tmp_path: Path) -> None:
    startup.build(str(tmp_path / "modules"))
    assert imported(tmp_path / "modules") == "Modules"


def test_a_missing_broken_or_foreign_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "modules"
    assert imported(file) == "SourceFileLoader"
    foreign = marshal.dumps(("python-0", {}))
    for content in (b"", b"garbage", b"00000003abc", b"%08d" % len(foreign) + foreign, b"00000009"):
        file.write_bytes(content)
        assert imported(file) == "SourceFileLoader"


def test_a_module_that_has_changed_is_imported_from_its_source(tmp_path: Path) -> None:
    file = tmp_path / "modules"
    startup.build(str(file))
    data = file.read_bytes()
    source = startup.PACKAGE + "/cli/main.py"
    changed = marshal.dumps(os.stat(source).st_mtime_ns)[1:]
    assert changed in data
    file.write_bytes(data.replace(changed, marshal.dumps(os.stat(source).st_mtime_ns - 1)[1:]))
    assert imported(file) == "SourceFileLoader"


def test_a_fresh_file_is_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "modules"
    startup.build(str(file))
    before = file.stat().st_ino
    startup.build(str(file))
    assert file.stat().st_ino == before


def test_a_student_gets_no_modules_from_the_file(tmp_path: Path) -> None:
    startup.build(str(tmp_path / "modules"))
    progress = tmp_path / "progress.json"
    progress.write_text('{"version": 1, "topics": {}, "hints": {}}')
    found = imported(tmp_path / "modules", MINI_DOCKER_PROGRESS=str(progress))
    assert found == "SourceFileLoader"


def test_the_path_of_run_stays_lean() -> None:
    """Imports that would cost more than the container: see performance in CONTRIBUTING.md."""
    heavy = (
        "dataclasses pathlib typing subprocess argparse json re enum signal socket functools "
        "contextlib collections tomllib shutil tempfile pyroute2 logging threading"
    )
    modules = "cli.main cli.run cli.exec cli.creating foreground attachment monitor_life logs_json"
    code = "".join(f"import mini_docker.{name}\n" for name in modules.split())
    loaded = set(run(code + "print(*sys.modules)").split())
    assert "mini_docker.container" in loaded
    assert loaded.isdisjoint(heavy.split()), loaded & set(heavy.split())
