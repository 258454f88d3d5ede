"""COPY and ADD on the running kernel: where each file ends up, and with which owner and mode.

The table MATRIX is the matrix of destinations: what the source is, how the destination is
written, what the image has there. Each row says what the image has afterwards.
"""

from __future__ import annotations

import os
import stat
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from mini_docker import builder, builder_add, builder_place, builder_select
from mini_docker.builder_copy import Copier, Manner
from mini_docker.builder_select import Root
from mini_docker.errors import MiniDockerError

pytestmark = [pytest.mark.root, pytest.mark.needs("real-root")]

# What the image has: "d/" a directory, "f" a file with "old" in it, "l -> t" a link.
IMAGE: tuple[str, ...] = (
    "d/",
    "d/old",
    "f",
    "to-d -> d",
    "to-f -> f",
    "gone -> not/there",
    "out -> /d",
)
IMAGE += ("up -> ../../../d", "loop -> loop", "deep/er/")
CONTEXT = {"a": "A", "b": "B", "dir/x": "X", "dir/sub/y": "Y", "to-a -> a": "", "to-dir -> dir": ""}
CONTEXT |= {"dir/l -> x": "", "we ird": "W", "[odd]": "O"}

MATRIX = [
    # source, destination, the paths that are new or other afterwards, with their contents
    ("a", "/n", {"/n": "A"}),
    ("a", "/n/", {"/n/a": "A"}),
    ("a", "/d", {"/d/a": "A"}),
    ("a", "/d/", {"/d/a": "A"}),
    ("a", "/d/old", {"/d/old": "A"}),
    ("a", "/f", {"/f": "A"}),
    ("a", "/f/", MiniDockerError),
    ("a", "/f/x", MiniDockerError),
    ("a", "/", {"/a": "A"}),
    ("a", "/p/q/r", {"/p/q/r": "A"}),
    ("a", "/p/q/r/", {"/p/q/r/a": "A"}),
    ("a", "/d/../n", {"/n": "A"}),
    ("a", "/../../n", {"/n": "A"}),
    ("a", "/to-d", {"/d/a": "A"}),
    ("a", "/to-d/", {"/d/a": "A"}),
    ("a", "/to-d/n", {"/d/n": "A"}),
    ("a", "/to-f", {"/f": "A"}),
    ("a", "/out/n", {"/d/n": "A"}),
    ("a", "/up/n", {"/d/n": "A"}),
    ("a", "/gone", {"/not/there": "A"}),
    ("a", "/gone/", {"/not/there/a": "A"}),
    ("a", "/loop", MiniDockerError),
    ("a", "/loop/x", MiniDockerError),
    ("to-a", "/n", {"/n": "A"}),
    ("to-a", "/n/", {"/n/to-a": "A"}),
    ("to-dir", "/n", {"/n/x": "X", "/n/sub/y": "Y", "/n/l": "-> x"}),
    ("dir", "/n", {"/n/x": "X", "/n/sub/y": "Y", "/n/l": "-> x"}),
    ("dir", "/n/", {"/n/x": "X", "/n/sub/y": "Y", "/n/l": "-> x"}),
    ("dir/", "/n/", {"/n/x": "X", "/n/sub/y": "Y", "/n/l": "-> x"}),
    ("dir/.", "/n", {"/n/x": "X", "/n/sub/y": "Y", "/n/l": "-> x"}),
    ("dir", "/d", {"/d/x": "X", "/d/sub/y": "Y", "/d/l": "-> x"}),
    ("dir", "/", {"/x": "X", "/sub/y": "Y", "/l": "-> x"}),
    ("dir", "/f", MiniDockerError),
    ("dir", "/to-d", {"/d/x": "X", "/d/sub/y": "Y", "/d/l": "-> x"}),
    ("dir", "/gone", {"/not/there/x": "X", "/not/there/sub/y": "Y", "/not/there/l": "-> x"}),
    ("dir/sub", "/deep/er", {"/deep/er/y": "Y"}),
    ("?", "/n/", {"/n/a": "A", "/n/b": "B"}),
    ("[ab]", "/d/", {"/d/a": "A", "/d/b": "B"}),
    ("[^a]", "/n/", {"/n/b": "B"}),
    ("d*/x", "/n", {"/n": "X"}),
    ("d*", "/n/", {"/n/x": "X", "/n/sub/y": "Y", "/n/l": "-> x"}),
    ("*/sub/*", "/n/", {"/n/y": "Y"}),
    ("we ird", "/n/", {"/n/we ird": "W"}),
    ("\\[odd\\]", "/n/", {"/n/[odd]": "O"}),
    ("../a", "/n", MiniDockerError),
    ("dir/../../a", "/n", MiniDockerError),
    ("dir/../a", "/n", {"/n": "A"}),
    ("/a", "/n", {"/n": "A"}),
    ("./a", "/n", {"/n": "A"}),
    ("missing", "/n", MiniDockerError),
]


def plant(top: Path, name: str, text: str = "old") -> None:
    """Make one file of a tree, as IMAGE and CONTEXT describe it."""
    name, arrow, target = name.partition(" -> ")
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if arrow:
        path.symlink_to(target)
    elif name.endswith("/"):
        path.mkdir(exist_ok=True)
    else:
        path.write_text(text)


def found(top: Path) -> dict[str, str]:
    """Return what is below *top*: contents by path, links as "-> target"."""
    rows = {}
    for path in sorted(top.rglob("*")):
        name = f"/{path.relative_to(top)}"
        if path.is_symlink():
            rows[name] = f"-> {os.readlink(path)}"
        elif path.is_file():
            rows[name] = path.read_text()
    return rows


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """A context and an image's root."""
    context, root = tmp_path / "context", tmp_path / "root"
    for name, text in CONTEXT.items():
        plant(context, name, text)
    for name in IMAGE:
        plant(root, name)
    return context, root


def copy(context: Path, root: Path, source: str, target: str, manner: Manner | None = None) -> None:
    manner = manner or Manner()
    with Root(str(context)) as from_:
        copier = Copier(from_, str(root), manner)
        for it in builder_select.select(from_, source, manner.parents):
            copier.copy(it, target)


@pytest.mark.parametrize(("source", "target", "new"), MATRIX)
def test_the_matrix_of_destinations(
    trees: tuple[Path, Path], source: str, target: str, new: dict[str, str] | type[Exception]
) -> None:
    context, root = trees
    before = found(root)
    outside = sorted(os.listdir(root.parent))
    if isinstance(new, dict):
        copy(context, root, source, target)
        assert {k: v for k, v in found(root).items() if before.get(k) != v} == new
    else:
        with pytest.raises(new):
            copy(context, root, source, target)
        assert found(root) == before
    assert sorted(os.listdir(root.parent)) == outside, "nothing is written beside the root"


@pytest.mark.parametrize(
    ("source", "new"),
    [
        ("dir/x", {"/n/dir/x": "X"}),
        ("./dir/x", {"/n/dir/x": "X"}),
        ("dir/./x", {"/n/x": "X"}),
        ("dir/./sub/y", {"/n/sub/y": "Y"}),
        ("dir/sub", {"/n/dir/sub/y": "Y"}),
        ("**/y", {"/n/dir/sub/y": "Y"}),
        ("dir/./**/y", {"/n/sub/y": "Y"}),
        ("a", {"/n/a": "A"}),
    ],
)
def test_parents_keeps_the_directories_above(
    trees: tuple[Path, Path], source: str, new: dict[str, str]
) -> None:
    manner = Manner()
    manner.parents = True
    before = found(trees[1])
    copy(*trees, source, "/n/", manner)
    assert {k: v for k, v in found(trees[1]).items() if k not in before} == new


def test_excluded_and_ignored_files_stay_away(trees: tuple[Path, Path]) -> None:
    context, root = trees
    manner = Manner()
    manner.excluded = builder.Ignore(["**/y", "!x"])
    copy(context, root, "dir", "/n", manner)
    assert "/n/sub/y" not in found(root) and "/n/x" in found(root)
    ignore = builder.Ignore(builder.read_ignore("dir\n!dir/sub/y\nb\n"))
    with Root(str(context), ignore) as from_:
        assert [it.name for it in builder_select.select(from_, "?")] == ["a"]
        for it in builder_select.select(from_, "."):
            Copier(from_, str(root), Manner()).copy(it, "/all")
        with pytest.raises(MiniDockerError, match=r"excluded by \.dockerignore"):
            builder_select.select(from_, "b")
    new = {name for name in found(root) if name.startswith("/all/")}
    assert {"/all/a", "/all/dir/sub/y"} <= new and not {"/all/dir/x", "/all/b"} & new


def test_a_link_inside_a_directory_is_not_followed(trees: tuple[Path, Path]) -> None:
    context, root = trees
    (context / "dir/away").symlink_to("/etc/passwd")
    (root / "n/sub").parent.mkdir()
    (root / "n/sub").symlink_to("../d")
    with pytest.raises(MiniDockerError, match="cannot copy to non-directory"):
        copy(context, root, "dir", "/n")
    assert os.readlink(root / "n/away") == "/etc/passwd"
    assert not (root / "d/y").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../etc/passwd"])
def test_a_source_that_is_a_link_out_is_refused(trees: tuple[Path, Path], target: str) -> None:
    (trees[0] / "evil").symlink_to(target)
    with pytest.raises(MiniDockerError, match="forbidden path outside the build context"):
        copy(*trees, "evil", "/n")


def test_a_file_in_the_place_of_a_link_replaces_it(trees: tuple[Path, Path]) -> None:
    context, root = trees
    (root / "n").mkdir()
    (root / "n/x").symlink_to("/f")
    copy(context, root, "dir", "/n")
    assert not (root / "n/x").is_symlink() and (root / "f").read_text() == "old"


def test_owners_modes_times_and_holes(trees: tuple[Path, Path]) -> None:
    context, root = trees
    os.chown(context / "dir/x", 5, 6)
    (context / "dir/x").chmod(0o4751)
    os.utime(context / "dir/x", ns=(1, 1_000_000_001))
    os.link(context / "dir/x", context / "dir/z")
    with open(context / "dir/holes", "wb") as file:
        file.truncate(2**30)
        file.seek(2**29)
        file.write(b"data")
    copy(context, root, "dir", "/n")
    it = (root / "n/x").stat()
    assert (it.st_uid, it.st_gid, stat.S_IMODE(it.st_mode)) == (0, 0, 0o4751)
    assert it.st_mtime_ns == 1_000_000_001 and it.st_ino == (root / "n/z").stat().st_ino
    holes = (root / "n/holes").stat()
    assert holes.st_size == 2**30 and holes.st_blocks < 2**15
    with open(root / "n/holes", "rb") as file:
        file.seek(2**29)
        assert file.read(4) == b"data"
    manner = Manner()
    manner.owner, manner.mode = (33, 44), "600"
    copy(context, root, "dir", "/m", manner)
    for name in ("/m", "/m/x", "/m/sub", "/m/sub/y", "/m/l"):
        it = os.lstat(f"{root}{name}")
        assert (it.st_uid, it.st_gid) == (33, 44), name
    assert stat.S_IMODE(os.stat(root / "m/sub/y").st_mode) == 0o600


def test_files_of_an_image_keep_their_owners_and_attributes(trees: tuple[Path, Path]) -> None:
    context, root = trees
    os.chown(context / "a", 7, 8)
    os.setxattr(context / "a", "user.note", b"kept")
    with Root(str(context), foreign=True) as from_:
        Copier(from_, str(root), Manner()).copy(builder_select.select(from_, "a")[0], "/n")
    it = (root / "n").stat()
    assert (it.st_uid, it.st_gid) == (7, 8) and os.getxattr(root / "n", "user.note") == b"kept"


@pytest.mark.parametrize(
    ("text", "file", "directory"),
    [
        ("", 0o640, 0o750),
        ("755", 0o755, 0o755),
        ("0600", 0o600, 0o600),
        ("u=rwX,go=rX", 0o644, 0o755),
        ("a+x", 0o751, 0o751),
        ("go-rwx", 0o600, 0o700),
        ("u+s,+t", 0o5640, 0o5750),
        ("o=", 0o640, 0o750),
    ],
)
def test_modes_of_chmod(tmp_path: Path, text: str, file: int, directory: int) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("")
    one.chmod(0o640)
    two.mkdir()
    two.chmod(0o750)
    if text:
        builder_place.check_mode(text)
    assert oct(builder_place.mode(text, one.stat())) == oct(file)
    assert oct(builder_place.mode(text, two.stat())) == oct(directory)


@pytest.mark.parametrize("text", ["888", "rwx", "u=q", "77777", "u+x,"])
def test_wrong_modes(text: str) -> None:
    with pytest.raises(MiniDockerError, match="invalid chmod parameter"):
        builder_place.check_mode(text)


def test_owners_by_name_and_number(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("web:x:33:44::/:/bin/sh\n")
    (tmp_path / "etc/group").write_text("staff:x:50:web\n")
    root = str(tmp_path)
    answers = {"web": (33, 44), "web:staff": (33, 50), "web:7": (33, 7), "5": (5, 5)}
    answers |= {"5:staff": (5, 50), "5:6": (5, 6), "33": (33, 33)}
    assert {text: builder_place.owner(text, root) for text in answers} == answers
    for text in ("nobody", "web:none", "4294967295"):
        with pytest.raises(MiniDockerError):
            builder_place.owner(text, root)


def archive(path: Path, mode: str, *entries: tuple[str, bytes, str]) -> None:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, kind, content in entries:
            it = tarfile.TarInfo(name)
            it.type, it.mode, it.uid = kind, 0o640, 9
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                it.linkname = content
            it.size = len(content) if kind == tarfile.REGTYPE else 0
            file.addfile(it, BytesIO(content.encode()))


REG, SYM = tarfile.REGTYPE, tarfile.SYMTYPE


@pytest.mark.parametrize("mode", ["w:", "w:gz", "w:bz2", "w:xz"])
def test_add_unpacks_by_content(trees: tuple[Path, Path], mode: str) -> None:
    context, root = trees
    archive(context / "it.txt", mode, ("one", REG, "1"), ("two/three", REG, "3"))
    with Root(str(context)) as from_:
        (source,) = builder_select.select(from_, "it.txt")
        assert builder_add.is_archive(from_, source)
        builder_add.unpack(from_, source, str(root), "/to-d", Manner())
        (other,) = builder_select.select(from_, "a")
        assert not builder_add.is_archive(from_, other)
    assert (root / "d/one").read_text() == "1" and (root / "d/two/three").read_text() == "3"
    assert (root / "d/one").stat().st_uid == 9


def test_an_archive_does_not_lead_out(trees: tuple[Path, Path]) -> None:
    context, root = trees
    victim = context.parent / "victim"
    victim.mkdir()
    entries = (
        ("l", SYM, str(victim)),
        ("l/x", REG, "in"),
        ("m", SYM, "../../.."),
        ("m/y", REG, "in"),
    )
    archive(context / "evil.tar", "w:", *entries)
    with Root(str(context)) as from_:
        builder_add.unpack(
            from_, builder_select.select(from_, "evil.tar")[0], str(root), "/d", Manner()
        )
    assert not list(victim.iterdir()) and (root / "d/y").read_text() == "in"
    for entry in (("../x", REG, "out"), ("d/.wh.x", REG, ""), (".wh..wh..opq", REG, "")):
        archive(context / "bad.tar", "w:", entry)
        with Root(str(context)) as from_, pytest.raises(MiniDockerError):
            source = builder_select.select(from_, "bad.tar")[0]
            builder_add.unpack(from_, source, str(root), "/d", Manner())


def test_names_that_mean_a_removal_are_refused(trees: tuple[Path, Path]) -> None:
    (trees[0] / ".wh.f").write_text("")
    with pytest.raises(MiniDockerError, match="stands for a removal"):
        copy(*trees, ".wh.f", "/")


def test_a_missing_source_names_the_nearest(trees: tuple[Path, Path]) -> None:
    with pytest.raises(MiniDockerError, match=r"did you mean dir/sub\?"):
        copy(*trees, "dir/sbu", "/n")
    (trees[0] / "my file").write_text("")
    with pytest.raises(MiniDockerError, match=r'mean "my file".* JSON form: \["my file"'):
        copy(*trees, "my", "/n")
