"""layers: stacks looked through, changes found, change sets packed, and unpacked again."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mini_docker import layers, layers_options, layers_tar, layers_unpack, syscalls
from mini_docker.errors import LayerError
from mini_docker.layers_stack import Stack
from mini_docker.layers_tar_write import Writer
from mini_docker.layers_tree import Tree

OPAQUE = "user.overlay.opaque"  # the mark that needs no root


def whiteout(path: Path) -> None:
    """Make the mark of a removal at *path*: anybody may. mknod(2)."""
    os.mknod(path, stat.S_IFCHR, 0)


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def pack(upper: Path, hidden: tuple[str, ...] = ()) -> bytes:
    """Return the layer that *upper* makes."""
    sink = io.BytesIO()
    with Stack([str(upper)], marks=True, userxattr=True) as stack:
        archive = Writer(sink)
        layers.pack(stack, archive, hidden)
        archive.close()
    return sink.getvalue()


def unpack(data: bytes, directory: Path, below: tuple[Path, ...] = ()) -> layers_unpack.Unpacked:
    """Unpack the layer *data* to *directory*, which is made, as a user can."""
    directory.mkdir()
    with (
        Stack([str(path) for path in below]) as stack,
        Tree(str(directory), stack, userxattr=True, owners=False) as tree,
    ):
        return layers_unpack.unpack(io.BytesIO(data), tree)


def names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


def changes(upper: Path, *lowers: Path, hidden: tuple[str, ...] = ()) -> list[str]:
    """Return the lines that `diff` would print."""
    with (
        Stack([str(upper)], marks=True, userxattr=True) as above,
        Stack([str(path) for path in lowers], userxattr=True) as below,
    ):
        return [" ".join(pair) for pair in layers.changes(above, below, hidden)]


# --- Task 1: mount


class Mounts:
    """In the place of mount(2): what was asked, and where the caller stood then."""

    def __init__(self, error: int = 0) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.inside: list[str] = []
        self.error = error

    def __call__(self, *words: Any) -> None:
        self.calls.append(words)
        lower = words[4].partition(",")[0].removeprefix("lowerdir=")
        if not lower.startswith("/"):
            self.inside = [os.readlink(name) for name in lower.split(":")]
        if self.error:
            raise OSError(self.error, os.strerror(self.error), words[1])


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> Mounts:
    found = Mounts()
    monkeypatch.setattr(syscalls, "mount", found)
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_task1_a_small_stack_is_named_by_its_paths(mounts: Mounts) -> None:
    layers.mount(["/b", "/a:1"], "/u", "/w", "/m", ["x=y"])
    data = "lowerdir=/b:/a\\:1,upperdir=/u,workdir=/w,x=y"
    assert mounts.calls == [("overlay", "/m", "overlay", 0, data)]


@pytest.mark.parametrize("count", [40, 500])
def test_task1_a_large_stack_has_short_names(mounts: Mounts, tmp_path: Path, count: int) -> None:
    lowers = [str(tmp_path / f"{number:0200}") for number in range(count)]
    for path in lowers:
        os.mkdir(path)
    before, here = descriptors(), os.getcwd()
    layers.mount(lowers, "/u", "/w", "/m")
    assert len(mounts.calls[0][4]) < 4096
    assert mounts.inside == lowers
    assert (descriptors(), os.getcwd()) == (before, here)


def test_task1_what_fits_to_the_byte_stays_as_it_is(mounts: Mounts, tmp_path: Path) -> None:
    room = 4095 - len(layers_options.options([""], "/u", "/w", []))
    layers.mount(["/" + "x" * (room - 1)], "/u", "/w", "/m", [])
    assert len(mounts.calls[0][4]) == 4095
    with pytest.raises(LayerError, match="File name too long"):
        layers.mount(["/" + "x" * room], "/u", "/w", "/m", [])


def test_task1_a_refusal_leaves_nothing_open(mounts: Mounts, tmp_path: Path) -> None:
    mounts.error = 1
    path = str(tmp_path)
    before, here = descriptors(), os.getcwd()
    with pytest.raises(LayerError, match=r"cannot mount the layers at /m: Operation not permitted"):
        layers.mount([path] * 300, "/u", "/w", "/m")
    assert (descriptors(), os.getcwd()) == (before, here)


@pytest.mark.parametrize("count", [0, 501])
def test_task1_no_layers_and_too_many_are_refused(mounts: Mounts, count: int) -> None:
    with pytest.raises(LayerError, match=f"cannot mount {count} layers"):
        layers.mount(["/"] * count, "/u", "/w", "/m")
    assert not mounts.calls


def test_options_are_read_back_as_they_were_written() -> None:
    places = ["/a,b", "/c:d", "/e\\f"]
    words = layers_options.places(places, "/u,1", "/w:2")
    assert layers_options.parse([*words, "x=1"]) == (places, "/u,1", "/w:2", ["x=1"])


# --- Task 2: changes


def test_task2_added_changed_deleted(tmp_path: Path) -> None:
    low, up = tmp_path / "low", tmp_path / "up"
    write(low / "etc/passwd", "root")
    write(low / "etc/group")
    write(low / "usr/same")
    write(up / "etc/passwd", "longer")
    write(up / "etc/new/file")
    whiteout(up / "etc/group")
    (up / "usr").mkdir()
    assert changes(up, low) == [
        "C /etc", "D /etc/group", "A /etc/new", "A /etc/new/file", "C /etc/passwd",
    ]  # fmt: skip


def test_task2_the_topmost_layer_counts(tmp_path: Path) -> None:
    top, base, up = tmp_path / "top", tmp_path / "base", tmp_path / "up"
    write(base / "gone")
    whiteout(write(top / "x").parent / "gone")
    write(up / "gone")
    assert changes(up, top, base) == ["A /gone"]


def test_task2_a_mode_an_owner_or_a_time_is_a_change(tmp_path: Path) -> None:
    low, up = tmp_path / "low", tmp_path / "up"
    for root in (low, up):
        for name in ("mode", "time", "same"):
            os.utime(write(root / name), ns=(5, 10**9))
        (root / "directory").mkdir()
    (up / "mode").chmod(0o600)
    os.utime(up / "time", ns=(5, 10**9 + 1))
    os.utime(up / "directory", ns=(0, 0))  # of a directory it says nothing
    assert changes(up, low) == ["C /mode", "C /time"]


def test_task2_an_opaque_directory_hides_what_it_does_not_have(tmp_path: Path) -> None:
    low, up = tmp_path / "low", tmp_path / "up"
    write(low / "d/kept/deep")
    write(low / "d/old")
    write(up / "d/kept/new")
    os.setxattr(up / "d", OPAQUE, b"y")
    assert changes(up, low) == ["C /d", "C /d/kept", "D /d/kept/deep", "A /d/kept/new", "D /d/old"]


def test_task2_a_whiteout_of_nothing_is_no_change(tmp_path: Path) -> None:
    whiteout(write(tmp_path / "up/x").parent / "never")
    (tmp_path / "low").mkdir()
    assert changes(tmp_path / "up", tmp_path / "low", hidden=("/x",)) == []


def test_a_link_in_the_place_of_a_directory_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside/secret")
    write(tmp_path / "low/x/secret")
    (tmp_path / "up").mkdir()
    (tmp_path / "up/x").symlink_to("../outside")
    with Stack([str(tmp_path / "up"), str(tmp_path / "low")]) as stack:
        assert stack.find("/x/secret") is None
        assert stack.names("/x") == set()
        assert [it.path for it in stack.walk()] == ["/x"]


# --- Task 3: pack


def test_task3_marks_and_order(tmp_path: Path) -> None:
    up = tmp_path / "up"
    write(up / "d/x")
    os.setxattr(up / "d", OPAQUE, b"y")
    whiteout(up / "d/gone")
    whiteout(up / "top")
    assert names(pack(up)) == ["d", "d/.wh..wh..opq", "d/.wh.gone", "d/x", ".wh.top"]


def test_task3_hidden_paths_and_sockets_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    write(tmp_path / "up/kept")
    write(tmp_path / "up/hidden")
    monkeypatch.chdir(tmp_path / "up")  # a socket's path has 108 bytes at most
    with socket.socket(socket.AF_UNIX) as it:
        it.bind("socket")
    assert names(pack(tmp_path / "up", ("/hidden",))) == ["kept"]


def test_task3_a_name_like_a_mark_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "up/d/.wh.passwd")
    with pytest.raises(LayerError, match=r"cannot pack /d/\.wh\.passwd"):
        pack(tmp_path / "up")


def test_a_layer_is_the_same_whenever_it_is_packed(tmp_path: Path) -> None:
    for name in "cab":
        write(tmp_path / "up" / name, name)
    os.link(tmp_path / "up/a", tmp_path / "up/z")
    assert pack(tmp_path / "up") == pack(tmp_path / "up")
    with tarfile.open(fileobj=io.BytesIO(pack(tmp_path / "up"))) as archive:
        assert archive.getmember("z").linkname == "a"


# --- Task 4: apply


def test_task4_everything_comes_back(tmp_path: Path) -> None:
    up = tmp_path / "up"
    write(up / "d/file", "text")
    os.link(up / "d/file", up / "second")
    (up / "link").symlink_to("/etc/passwd")
    os.mkfifo(up / "fifo")
    write(up / "old/new")
    os.setxattr(up / "old", OPAQUE, b"y")
    os.setxattr(up / "second", "user.note", b"\0\xff=")
    whiteout(up / "gone")
    (up / "second").chmod(0o4711)
    os.utime(up / "second", ns=(0, -1_500_000_001))
    with open(up / "sparse", "wb") as file:
        file.truncate(2**24)
        file.seek(2**20)
        file.write(b"x" * 5000)
    os.utime(up / "d", ns=(0, 123_456_789))
    first = pack(up)
    done = unpack(first, tmp_path / "again")
    assert pack(tmp_path / "again") == first
    assert done.size == len(first) < 40_000
    assert (tmp_path / "again/d").stat().st_mtime_ns == 123_456_789
    assert (tmp_path / "again/second").stat().st_mtime_ns == -1_500_000_001
    assert (tmp_path / "again/sparse").stat().st_blocks < 100


@pytest.mark.parametrize("order", [1, -1])
def test_task4_a_mark_and_a_new_file_of_one_name(tmp_path: Path, order: int) -> None:
    """In either order: the file stays, and a new directory hides the old one."""
    entries = [tarfile.TarInfo(name) for name in (".wh.file", "file", ".wh.d", "d")]
    entries[3].type = tarfile.DIRTYPE
    unpack(tar(*entries[::order]), tmp_path / "out")
    assert (tmp_path / "out/file").is_file()
    assert os.getxattr(tmp_path / "out/d", OPAQUE) == b"y"


def test_task4_a_directory_that_is_not_mentioned_is_as_below(tmp_path: Path) -> None:
    write(tmp_path / "low/a/b/old")
    (tmp_path / "low/a/b").chmod(0o1711)
    os.utime(tmp_path / "low/a/b", ns=(0, 7 * 10**9))
    entry = tarfile.TarInfo("a/b/new/x")
    unpack(tar(entry), tmp_path / "out", (tmp_path / "low",))
    status = (tmp_path / "out/a/b").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o1711, 7 * 10**9)
    assert stat.S_IMODE((tmp_path / "out/a/b/new").stat().st_mode) == 0o755


def test_task4_the_last_entry_of_a_name_counts(tmp_path: Path) -> None:
    first, second = tarfile.TarInfo("x"), tarfile.TarInfo("x")
    first.type, first.mode = tarfile.DIRTYPE, 0o755
    inside, second.mode = tarfile.TarInfo("x/y"), 0o640
    unpack(tar(first, inside, second), tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out/x").stat().st_mode) == 0o640


def tar(*entries: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> bytes:
    """Return an archive of *entries*, whose data are zeros."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=format) as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return sink.getvalue()


NAME = st.text(st.sampled_from("ab\u00e9"), min_size=1, max_size=120)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NAME, NAME, st.integers(0, 70_000), st.integers(0, 2**33)), max_size=8),
    st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_what_python_writes_is_read_the_same(rows: list[Any], format: int) -> None:
    entries = []
    for above, name, size, mtime in rows:
        entry = tarfile.TarInfo(f"{above}/{name}")
        entry.size, entry.mtime, entry.uid = size, mtime, size
        entry.mode = size & 0o7777
        entries.append(entry)
    try:
        data = tar(*entries, format=format)
    except ValueError:
        return  # ustar has no room for it
    found = list(layers_tar.Reader(io.BytesIO(data)))
    fields = [(it.name, it.size, it.mtime, it.uid, it.mode) for it in found]
    assert fields == [(it.name, it.size, it.mtime * 10**9, it.uid, it.mode) for it in entries]


TREE = st.recursive(
    st.one_of(st.binary(max_size=3000), st.just("link"), st.just("gone"), st.just("fifo")),
    lambda inner: st.dictionaries(NAME, inner, max_size=4),
    max_leaves=12,
)


def build(place: Path, it: Any) -> None:
    if isinstance(it, dict):
        place.mkdir()
        for name, inner in it.items():
            build(place / name, inner)
        place.chmod(0o700 | len(it))
    elif isinstance(it, bytes):
        place.write_bytes(it)
        os.utime(place, ns=(0, int.from_bytes(it[:7], "big", signed=True)))
    elif it == "link":
        place.symlink_to("../../../etc/passwd")
    else:
        whiteout(place) if it == "gone" else os.mkfifo(place)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(NAME, TREE, max_size=5))
def test_any_tree_survives_pack_and_apply(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]
) -> None:
    place = tmp_path_factory.mktemp("tree")
    build(place / "up", tree)
    first = pack(place / "up")
    unpack(first, place / "again")
    assert pack(place / "again") == first
