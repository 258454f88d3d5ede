"""Contexts: where the Dockerfile is found, what an archive may hold, what a killed one leaves."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from mini_docker import builder_context, builder_places
from mini_docker.errors import ConfigError, LayerError, NotFound, UsageError

TEXT = b"FROM scratch\n"


def archive(*entries: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    """Return a tar of files (name, contents) and of entries without contents."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for it in entries:
            if isinstance(it, tarfile.TarInfo):
                file.addfile(it)
                continue
            row = tarfile.TarInfo(it[0])
            row.size = len(it[1])
            file.addfile(row, io.BytesIO(it[1]))
    return out.getvalue()


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    row = tarfile.TarInfo(name)
    row.type, row.linkname = kind, target
    return row


def stream(data: bytes, folder: Path, dockerfile: str = "") -> builder_context.Context:
    return builder_context.from_stream(io.BytesIO(data), str(folder), dockerfile)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_an_archive_is_known_by_its_content(tmp_path: Path, pack: type[bytes]) -> None:
    data = archive(("./Dockerfile", TEXT), ("a/b", b"1"), (".dockerignore", b"x\n"))
    found = stream(pack(data), tmp_path)
    assert (found.dockerfile, found.root, found.ignore) == (TEXT.decode(), str(tmp_path), "x\n")
    assert (tmp_path / "a/b").read_bytes() == b"1"


def test_what_is_no_archive_is_a_dockerfile(tmp_path: Path) -> None:
    found = stream(TEXT * 100, tmp_path)
    assert (found.dockerfile, found.root) == (TEXT.decode() * 100, "")
    with pytest.raises(UsageError, match="-f names a file of the context"):
        stream(TEXT, tmp_path, "other")


def test_a_dockerfile_of_another_name_in_an_archive(tmp_path: Path) -> None:
    data = archive(("d/x.df", TEXT), ("d/x.df.dockerignore", b"1"), (".dockerignore", b"2"))
    found = stream(data, tmp_path, "d/x.df")
    assert (found.dockerfile, found.name, found.path) == (TEXT.decode(), "x.df", "d/x.df")
    assert found.ignore == "1"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (("../out", b"1"), "leads out"),
        (("a/../../out", b"1"), "leads out"),
        (entry("null", tarfile.CHRTYPE), "device"),
        (entry("hard", tarfile.LNKTYPE, "../../etc/passwd"), "leads out"),
    ],
)
def test_a_hostile_archive(
    tmp_path: Path, bad: tarfile.TarInfo | tuple[str, bytes], reason: str
) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(LayerError, match=reason):
        stream(archive(("Dockerfile", TEXT), bad), tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_no_file_is_written_through_a_link_of_the_archive(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    data = archive(entry("d", tarfile.SYMTYPE, ".."), ("d/out", b"1"))
    with pytest.raises(LayerError, match=r"symbolic link|Too many levels"):
        stream(data, tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_a_dockerfile_that_is_a_link_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/Dockerfile").symlink_to("../secret")
    with pytest.raises(NotFound, match="failed to read dockerfile"):
        builder_context.in_directory(str(tmp_path / "in"))
    (tmp_path / "in/secret").write_text("mine")
    assert builder_context.in_directory(str(tmp_path / "in")).dockerfile == "mine"


def test_a_dockerfile_that_is_a_pipe_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "Dockerfile")
    with pytest.raises(ConfigError, match="no regular file"):
        builder_context.in_directory(str(tmp_path))


def test_a_dockerfile_of_16_mb(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(TEXT * 2**20)
    with pytest.raises(ConfigError, match="more than 4194304 bytes"):
        builder_context.in_directory(str(tmp_path))


def test_in_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """-f counts from the working directory; patterns beside the Dockerfile come first."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "ctx"
    folder.mkdir()
    (folder / "dockerfile").write_text("small")
    assert builder_context.in_directory("ctx").dockerfile == "small"
    (folder / "Dockerfile").write_text("big")
    (folder / ".dockerignore").write_text("all")
    found = builder_context.in_directory("ctx")
    assert (found.dockerfile, found.ignore, found.path) == ("big", "all", "Dockerfile")
    (folder / "Dockerfile.dockerignore").write_text("own")
    assert builder_context.in_directory("ctx").ignore == "own"
    (tmp_path / "other").write_text("outside")
    found = builder_context.in_directory("ctx", "other")
    assert (found.dockerfile, found.ignore, found.path) == ("outside", "all", "")
    (tmp_path / "other.dockerignore").write_text("beside")
    assert builder_context.in_directory("ctx", "other").ignore == "beside"
    found = builder_context.in_directory("ctx", "ctx/Dockerfile")
    assert (found.dockerfile, found.path) == ("big", "Dockerfile")
    given = builder_context.in_directory("ctx", "-", io.BytesIO(b"given"))
    assert (given.dockerfile, given.ignore, given.name) == ("given", "all", "Dockerfile")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r'path ".*none" not found'):
        builder_context.in_directory(str(tmp_path / "none"))
    (tmp_path / "Dockerfiel").write_text("x")
    with pytest.raises(NotFound, match="did you mean Dockerfiel"):
        builder_context.in_directory(str(tmp_path))
    with pytest.raises(NotFound, match="is not a directory"):
        builder_context.in_directory(str(tmp_path / "Dockerfiel"))


@pytest.mark.parametrize("folder", ["../..", "link", "/../.."])
def test_the_subdirectory_of_a_repository_stays_inside(tmp_path: Path, folder: str) -> None:
    root = tmp_path / "r"
    root.mkdir()
    (root / "link").symlink_to("/..")
    (root / "Dockerfile").write_text("mine")
    (tmp_path / "Dockerfile").write_text("not mine")
    assert builder_context.from_repository(str(root), folder).dockerfile == "mine"


def test_a_subdirectory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "nosuch"):
        with pytest.raises(NotFound, match="cannot use"):
            builder_context.from_repository(str(tmp_path), name)


def test_a_place_is_a_leftover_when_nobody_holds_it(tmp_path: Path) -> None:
    root = str(tmp_path)
    with builder_places.Place(root) as place:
        Path(place.path, "x").touch()
        assert not list(builder_places.leftovers(root))
        builder_places.clear(root)
        assert Path(place.path, "x").exists()
    assert not Path(place.path).exists()
    killed = tmp_path / "build/contexts/dead"
    (killed / "deep").mkdir(parents=True)
    ((line, remedy),) = builder_places.leftovers(root)
    assert "dead" in line
    remedy()
    assert not killed.exists() and not list(builder_places.leftovers(root))
