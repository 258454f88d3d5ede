"""What the tests of builds share: a root of their own with busybox, contexts, a place to stand."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import REPO, Engine, Result

ID = re.compile(r"\b[0-9a-f]{12}\b")
Files = dict[str, str | bytes]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the image busybox, for one file of tests."""
    root = tmp_path_factory.mktemp("builds")
    Engine(root).ok("image", "bootstrap", "busybox")
    return root


class Shell:
    """Command lines as a text prints them, in a directory of their own, for `mini-docker`."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        folder.mkdir(exist_ok=True)
        programs = folder.parent / "bin"
        programs.mkdir(exist_ok=True)
        program = programs / "docker"
        program.write_text(f'#!/bin/sh\nexec {REPO}/bin/mini-docker "$@"\n')
        program.chmod(0o755)
        self.environment = {
            **engine.environment,
            "PATH": f"{programs}:{engine.environment['PATH']}",
            "HOME": str(folder),
            "MINI_DOCKER_ROOT": str(engine.root),
        }

    def __call__(self, script: str, **environment: str) -> Result:
        """Run *script* with bash; `docker` in it is ours."""
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Result((script,), done.returncode, done.stdout, done.stderr)

    def ok(self, script: str, **environment: str) -> str:
        """Run *script*, which must succeed; return what it printed, stripped."""
        result = self(script, **environment)
        assert result.code == 0, result
        return result.out.decode().strip()


@pytest.fixture
def shell(engine: Engine, tmp_path: Path) -> Iterator[Shell]:
    """A shell in an empty directory; nothing of a context is left in the end."""
    yield Shell(engine, tmp_path / "here")
    contexts = engine.root / "build/contexts"
    assert not contexts.exists() or not list(contexts.iterdir())


def written(folder: Path, files: Files) -> Path:
    """Write *files* below *folder*, and return it; a name that ends in / is a directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def build(engine: Engine, folder: Path, dockerfile: str, *flags: str, **options: Any) -> Result:
    """Build *dockerfile* in *folder*."""
    written(folder, {"Dockerfile": dockerfile})
    return engine("build", *flags, str(folder), **options)


def built(engine: Engine, folder: Path, dockerfile: str, *flags: str) -> str:
    """Build *dockerfile* in *folder*, which must succeed; return the image's id."""
    result = build(engine, folder, dockerfile, "-q", *flags)
    assert result.code == 0, result
    return result.out.decode().strip()


def config(engine: Engine, image: str) -> dict[str, Any]:
    """Return what `image inspect` says of one image."""
    found: list[dict[str, Any]] = json.loads(engine.ok("image", "inspect", image))
    return found[0]


def shape(output: bytes | str) -> list[str]:
    """Return the lines of *output* with ID in the place of each id."""
    text = output.decode() if isinstance(output, bytes) else output
    return ID.sub("ID", text).splitlines()
