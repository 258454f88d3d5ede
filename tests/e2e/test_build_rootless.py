"""An ordinary user's builds: the same Dockerfiles, files of theirs, and nobody's rights."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from tests.e2e.builds import Files, config, written
from tests.e2e.test_rootless import UID, Ordinary, granted, home, user

pytestmark = pytest.mark.e2e
__all__ = ["granted", "home", "user"]  # fixtures

DOCKERFILE = """\
FROM busybox AS one
RUN echo made >/made && mkdir /d && chmod 700 /d
COPY a /b/
ADD tree.tar /t/
WORKDIR /w
RUN --mount=type=bind,target=/c cat /c/a >copied
RUN --mount=type=cache,target=/cache touch /cache/x
RUN --mount=type=secret,id=s cat /run/secrets/s >/dev/null
FROM busybox
COPY --from=one / /all/
CMD ["cat", "/all/made", "/all/b/a", "/all/w/copied", "/all/t/x"]
"""


def context(folder: Path) -> Path:
    """Write the context of DOCKERFILE, which belongs to the user."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        row = tarfile.TarInfo("x")
        row.size = 2
        file.addfile(row, io.BytesIO(b"x\n"))
    files: Files = {"Dockerfile": DOCKERFILE, "a": "a\n", "tree.tar": out.getvalue(), "s": "secret"}
    written(folder, {**files, ".dockerignore": "s\n"})
    for path in (folder, *folder.iterdir()):
        os.chown(path, UID, UID)
    return folder


def test_a_build_by_an_ordinary_user(user: Ordinary, home: Path) -> None:
    where = context(home / "context")
    words = ("build", "-q", "--secret", f"id=s,src={where / 's'}", str(where))
    id = user.ok(*words)
    assert user.ok("run", "--rm", id) == "made\na\na\nx"
    assert user.ok(*words) == id, "the second time from the cache"
    assert config(user, id)["Config"]["Cmd"][0] == "cat"
    stat = "stat -c %u:%g /all/made /all/b/a /all/t/x"
    assert set(user.ok("run", "--rm", id, "sh", "-c", stat).split()) == {"0:0"}
    listed = user.ok("images", "-a", "-q", "--no-trunc").split()
    assert id in listed
    contexts = user.root / "build/contexts"
    assert not contexts.exists() or not list(contexts.iterdir())


def test_owners_by_number_within_the_range(granted: Ordinary, home: Path) -> None:
    where = context(home / "context")
    text = "FROM busybox\nCOPY --chown=12:34 a /a\nUSER 12:34\nRUN touch /tmp/mine\n"
    written(where, {"Dockerfile": text})
    id = granted.ok("build", "-q", str(where))
    shown = granted.ok("run", "--rm", "-u", "0", id, "stat", "-c", "%u:%g", "/a", "/tmp/mine")
    assert shown.split() == ["12:34", "12:34"]


def test_an_archive_on_stdin(user: Ordinary) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as file:
        for name, data in (("Dockerfile", b"FROM busybox\nCOPY x /\n"), ("x", b"1\n")):
            row = tarfile.TarInfo(name)
            row.size, row.uid, row.gid = len(data), 4711, 4711
            file.addfile(row, io.BytesIO(data))
    id = user.ok("build", "-q", "-", stdin=out.getvalue())
    assert user.ok("run", "--rm", id, "stat", "-c", "%u:%g %s", "/x") == "0:0 2"


def test_a_file_that_the_user_cannot_read_is_named(user: Ordinary, home: Path) -> None:
    where = context(home / "context")
    (where / "a").chmod(0o600)
    os.chown(where / "a", 0, 0)
    result = user("build", str(where))
    assert result.code == 1 and b"Traceback" not in result.err
    assert b"a: Permission denied" in result.err.splitlines()[-1], result
