"""Layers on the running kernel, beside GNU tar and umoci: the same files, file by file."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mini_docker import layers, layers_unpack, syscalls
from mini_docker.errors import LayerError
from mini_docker.layers_stack import Stack
from mini_docker.layers_tar_write import Writer
from mini_docker.layers_tree import Tree

pytestmark = [pytest.mark.root, pytest.mark.needs("real-root")]

NET_RAW = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # cap_net_raw=ep, capabilities(7)
GNU = ("--xattrs", "--xattrs-include=*", "--numeric-owner", "--sparse")


def fill(root: Path) -> None:
    """Make one file of every sort."""
    root.mkdir()
    for name in ("usr/bin", "etc", "x" * 200 + "/" + "y" * 200, "empty"):
        (root / name).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0\n")
    os.chown(root / "etc/passwd", 3_000_000, 70_000)
    (root / "usr/bin/su").write_bytes(os.urandom(100_000))
    (root / "usr/bin/su").chmod(0o6755)
    os.link(root / "usr/bin/su", root / "usr/bin/sudo")
    os.setxattr(root / "usr/bin/su", "security.capability", NET_RAW)
    os.setxattr(root / "etc", "user.note", b"a=b\0\xff\n")
    os.setxattr(root / "etc", "trusted.note", b"1")
    (root / "link").symlink_to("../" * 40 + "etc")
    os.setxattr(root / "link", "trusted.of-a-link", b"1", follow_symlinks=False)
    os.chown(root / "link", 7, 8, follow_symlinks=False)
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "disk", stat.S_IFBLK | 0o600, os.makedev(259, 70_000))
    os.mkfifo(root / "fifo", 0o640)
    open(os.fsencode(root) + b"/caf\xe9", "wb").close()
    (root / "caf\u00e9").write_text("utf-8")
    (root / ("x" * 200) / ("y" * 200) / "deep").write_text("z" * 513)
    with open(root / "sparse", "wb") as file:
        for at in (0, 2**20, 3 * 2**20):
            file.seek(at)
            file.write(b"data" * 2000)
        file.truncate(2**23)
    (root / "usr").chmod(0o1777)
    os.chown(root / "usr", 1, 2)
    for number, path in enumerate(sorted(root.rglob("*"), reverse=True)):
        moment = (10**9 + number) * 10**9 + 123_456_789
        os.utime(path, ns=(moment, moment), follow_symlinks=False)
    os.utime(root / "empty", ns=(0, -86_400_000_000_001))


def listing(root: Path) -> dict[bytes, Any]:
    """Return all that can be told apart of what is below *root*, but sockets and the root."""
    found = {}
    names: dict[int, bytes] = {}
    top = os.fsencode(root)
    for above, directories, files in os.walk(top):
        for name in sorted(directories + files):
            path = above + b"/" + name
            status = os.lstat(path)
            if stat.S_ISSOCK(status.st_mode):
                continue
            row: dict[str, Any] = {
                key: getattr(status, f"st_{key}")
                for key in ("mode", "uid", "gid", "mtime_ns", "rdev")
            }
            if stat.S_ISREG(status.st_mode):
                row["data"] = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).hexdigest()
                row["same as"] = names.setdefault(status.st_ino, path.removeprefix(top))
            if stat.S_ISLNK(status.st_mode):
                row["target"] = os.readlink(path)
            row["xattrs"] = {
                key: os.getxattr(path, key, follow_symlinks=False)
                for key in sorted(os.listxattr(path, follow_symlinks=False))
                if not key.startswith("trusted.overlay.")
            }
            found[path.removeprefix(top)] = row
    return found


def pack(upper: Path, to: Path) -> Path:
    with open(to, "wb") as file, Stack([str(upper)], marks=True) as stack:
        archive = Writer(file)
        layers.pack(stack, archive)
        archive.close()
    return to


def unpack(archive: Path, to: Path, *below: Path) -> layers_unpack.Unpacked:
    to.mkdir()
    with (
        Stack([str(path) for path in below]) as stack,
        Tree(str(to), stack) as tree,
        open(archive, "rb") as file,
    ):
        return layers_unpack.unpack(file, tree)


MOUNTED: list[Path] = []


@pytest.fixture(autouse=True)
def _unmount() -> Iterator[None]:
    yield
    while MOUNTED:
        syscalls.umount(str(MOUNTED.pop()))


def overlay(tmp: Path, *lowers: Path) -> Path:
    """Mount *lowers*, the topmost first; return the directory where they are to be seen."""
    for name in ("upper", "work", "merged"):
        (tmp / name).mkdir(parents=True)
    layers.mount([str(p) for p in lowers], f"{tmp}/upper", f"{tmp}/work", f"{tmp}/merged")
    MOUNTED.append(tmp / "merged")
    return tmp / "merged"


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False)
    assert done.returncode == 0, (words, done.stderr.decode())
    return done.stdout.decode()


def test_gnu_tar_unpacks_what_we_pack(tmp_path: Path) -> None:
    fill(tmp_path / "tree")
    archive = pack(tmp_path / "tree", tmp_path / "ours.tar")
    assert archive.stat().st_size < 200_000
    (tmp_path / "theirs").mkdir()
    run("tar", "-C", tmp_path / "theirs", "-xpf", archive, *GNU)
    assert listing(tmp_path / "theirs") == listing(tmp_path / "tree")


@pytest.mark.parametrize("sparse", ["0.0", "0.1", "1.0"])
def test_we_unpack_what_gnu_tar_packs(tmp_path: Path, sparse: str) -> None:
    fill(tmp_path / "tree")
    words = ["--format=posix", f"--sparse-version={sparse}", *GNU]
    run("tar", "-C", tmp_path / "tree", "-cf", tmp_path / "theirs.tar", *words, ".")
    unpack(tmp_path / "theirs.tar", tmp_path / "ours")
    assert listing(tmp_path / "ours") == listing(tmp_path / "tree")
    assert (tmp_path / "ours/sparse").stat().st_blocks * 512 < 2**20


def test_we_unpack_gnu_tars_own_format(tmp_path: Path) -> None:
    """It has no room for parts of a second, or attributes."""
    fill(tmp_path / "tree")
    archive = tmp_path / "theirs.tar"
    run("tar", "-C", tmp_path / "tree", "-cf", archive, "--format=gnu", "--sparse", ".")
    (tmp_path / "theirs").mkdir()
    run("tar", "-C", tmp_path / "theirs", "-xpf", archive, "--numeric-owner")
    unpack(archive, tmp_path / "ours")
    assert listing(tmp_path / "ours") == listing(tmp_path / "theirs")


def test_umoci_and_we_unpack_the_same(tmp_path: Path) -> None:
    fill(tmp_path / "tree")
    for name in ("disk", "null"):
        (tmp_path / "tree" / name).unlink()  # umoci's spec file cannot name them all
    archive = pack(tmp_path / "tree", tmp_path / "ours.tar")
    image = f"{tmp_path}/image"
    run("umoci", "init", "--layout", image)
    run("umoci", "new", "--image", f"{image}:latest")
    run("umoci", "raw", "add-layer", "--image", f"{image}:latest", archive)
    run("umoci", "unpack", "--image", f"{image}:latest", tmp_path / "bundle")
    unpack(archive, tmp_path / "ours")
    assert listing(tmp_path / "bundle/rootfs") == listing(tmp_path / "ours")

    # And back: what umoci sees as changed is a layer that does the same here.
    root = tmp_path / "bundle/rootfs"
    (root / "usr/bin/sudo").unlink()
    shutil.rmtree(root / "empty")
    (root / "etc/new").write_text("new")
    os.utime(root / "etc/new", (10**9, 10**9))
    os.setxattr(root / "etc/new", "user.x", b"y")
    os.chown(root / "etc/passwd", 5, 6)
    (root / "fifo").unlink()
    (root / "fifo").mkdir()
    run("umoci", "repack", "--image", f"{image}:latest", tmp_path / "bundle")
    blob = top_layer(Path(image))
    done = unpack(blob, tmp_path / "second", tmp_path / "ours")
    plain = gzip.decompress(blob.read_bytes())
    assert done.diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    merged = overlay(tmp_path / "o", tmp_path / "second", tmp_path / "ours")
    ours, theirs = (without_links(listing(place)) for place in (merged, root))
    for row in (*ours.values(), *theirs.values()):
        row["mtime_ns"] = row.get("mtime_ns", 0) // 10**9  # umoci's layers have whole seconds
    assert ours == theirs


def without_links(rows: dict[bytes, Any]) -> dict[bytes, Any]:
    """A file with two names that loses one has no other any more; times of its directory change."""
    for row in rows.values():
        row.pop("same as", None)
        if stat.S_ISDIR(row["mode"]):
            del row["mtime_ns"]
    return rows


def top_layer(image: Path) -> Path:
    def blob(digest: str) -> Path:
        return image / "blobs" / digest.replace(":", "/")

    index = json.loads((image / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]["digest"]).read_text())
    return blob(manifest["layers"][-1]["digest"])


def test_500_layers_and_not_one_more(tmp_path: Path) -> None:
    lowers = []
    for number in range(500):
        path = tmp_path / "layers" / f"{number:064}"
        path.mkdir(parents=True)
        (path / f"file{number}").touch()
        (path / "who").write_text(str(number))
        lowers.append(path)
    merged = overlay(tmp_path / "o", *lowers)
    assert len(os.listdir(merged)) == 501
    assert (merged / "who").read_text() == "0"
    (merged / "new").touch()
    assert os.listdir(tmp_path / "o/upper") == ["new"]
    with pytest.raises(LayerError, match="cannot mount 501 layers"):
        overlay(tmp_path / "p", *lowers, lowers[0])


def test_a_refusal_says_why(tmp_path: Path) -> None:
    (tmp_path / "low").mkdir()
    merged = overlay(tmp_path / "o", tmp_path / "low")
    with pytest.raises(LayerError, match="is on an overlay itself: keep the state elsewhere"):
        overlay(merged / "p", tmp_path / "low")


def test_renamed_directories_are_whole_in_upper(tmp_path: Path) -> None:
    """What redirect_dir would leave in upper is a name for a place in the layers below."""
    (tmp_path / "low/old").mkdir(parents=True)
    (tmp_path / "low/old/file").write_text("text")
    merged = overlay(tmp_path / "o", tmp_path / "low")
    run("mv", merged / "old", merged / "new")
    (merged / "new/file").chmod(0o600)  # metacopy would leave the data below
    archive = pack(tmp_path / "o/upper", tmp_path / "a.tar")
    unpack(archive, tmp_path / "again")
    assert (tmp_path / "again/new/file").read_text() == "text"
    assert stat.S_ISCHR((tmp_path / "again/old").lstat().st_mode)


NAMES = st.sampled_from(["a", "b", "c", "a/x", "a/y", "b/x", "a/x/z", "c/x"])


def remove(path: Path, _: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


ACTS: dict[str, Callable[[Path, Path], object]] = {
    "write": lambda path, other: path.write_text(other.name),
    "remove": remove,
    "mkdir": lambda path, other: path.mkdir(),
    "link": lambda path, other: os.link(path, other, follow_symlinks=False),
    "symlink": lambda path, other: path.symlink_to(other.name),
    "rename": lambda path, other: path.rename(other),
    "chmod": lambda path, other: path.chmod(0o700 if path.is_dir() else 0o640),
    "chown": lambda path, other: os.chown(path, len(other.name), 1),
}
STEPS = st.tuples(st.sampled_from(sorted(ACTS)), NAMES, NAMES)


def step(root: Path, kind: str, name: str, other: str) -> None:
    """Change something below *root*; what the kernel refuses is no change."""
    with suppress(OSError):
        ACTS[kind](root / name, root / other)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, max_size=8), st.lists(STEPS, max_size=10))
def test_any_change_is_the_same_after_pack_and_apply(
    tmp_path_factory: pytest.TempPathFactory, before: list[Any], after: list[Any]
) -> None:
    tmp = tmp_path_factory.mktemp("change")
    low = tmp / "low"
    low.mkdir()
    for words in before:
        step(low, *words)
    merged = overlay(tmp / "o", low)
    for words in after:
        step(merged, *words)
    upper = tmp / "o/upper"
    unpack(pack(upper, tmp / "a.tar"), tmp / "again", low)
    again = overlay(tmp / "p", tmp / "again", low)
    assert without_links(listing(again)) == without_links(listing(merged))
    with Stack([str(upper)], marks=True) as up, Stack([str(low)]) as below:
        lines = {path: kind for kind, path in layers.changes(up, below)}
    assert lines == expected(listing(low), listing(merged))
    with Stack([str(upper), str(low)]) as stack:  # seen without a mount
        assert {os.fsencode(it.path) for it in stack.walk()} == set(listing(merged))
    while MOUNTED:
        syscalls.umount(str(MOUNTED.pop()))


def expected(old: dict[bytes, Any], new: dict[bytes, Any]) -> dict[str, str]:
    """Return what `diff` must say, by looking at the two trees as they are."""
    found = {}
    for path in old.keys() | new.keys():
        above = os.path.dirname(path)
        if path not in new:
            gone_with_it = above != b"/" and (
                above not in new or not stat.S_ISDIR(new[above]["mode"])
            )
            if not gone_with_it:
                found[path] = "D"
        elif path not in old:
            found[path] = "A"
        elif told(old[path]) != told(new[path]):
            found[path] = "C"
    for path in list(found):
        above = os.path.dirname(path)
        while above != b"/":
            found.setdefault(above, "C")
            above = os.path.dirname(above)
    return {os.fsdecode(path): kind for path, kind in found.items()}


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what tells two files of one name apart."""
    owner = row["mode"], row["uid"], row["gid"]
    return owner if stat.S_ISDIR(row["mode"]) else (*owner, row["mtime_ns"], row.get("data"))


def test_sockets_stay_behind(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with socket.socket(socket.AF_UNIX) as it:
        it.bind(f"{tmp_path}/tree/socket")
    archive = pack(tmp_path / "tree", tmp_path / "a.tar")
    unpack(archive, tmp_path / "again")
    assert os.listdir(tmp_path / "again") == []


def test_a_full_disk_is_named_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/big").write_bytes(os.urandom(2**21))
    archive = pack(tmp_path / "tree", tmp_path / "a.tar")
    (tmp_path / "disk").mkdir()
    syscalls.mount("tmpfs", f"{tmp_path}/disk", "tmpfs", 0, "size=1m")
    MOUNTED.append(tmp_path / "disk")
    with pytest.raises(LayerError, match="cannot unpack 'big': No space left on device"):
        unpack(archive, tmp_path / "disk/out")


def test_memory_stays_small_whatever_the_size(tmp_path: Path) -> None:
    """A file of 300 MB and 20,000 small ones, compressed: less than 100 MB for all of Python."""
    code = f"""
import re
from mini_docker import layers_unpack
from mini_docker.layers_tree import Tree
with Tree({str(tmp_path / "out")!r}) as tree, open({str(tmp_path / "a.tar.gz")!r}, "rb") as file:
    layers_unpack.unpack(file, tree)
# Not ru_maxrss: that begins with the memory of whoever started this process.
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""
    (tmp_path / "tree").mkdir()
    with open(tmp_path / "tree/big", "wb") as file:
        for _ in range(300):
            file.write(os.urandom(2**10) * 2**10)
    for number in range(20_000):
        (tmp_path / f"tree/{number}").touch()
    run("tar", "-C", tmp_path / "tree", "-czf", tmp_path / "a.tar.gz", ".")
    (tmp_path / "out").mkdir()
    used = int(run(sys.executable, "-c", code))
    assert used < 100, f"{used} MB"


def test_a_sparse_file_in_very_many_pieces(tmp_path: Path) -> None:
    """Its list of pieces stays short, its holes mostly holes, its contents the same."""
    (tmp_path / "tree").mkdir()
    with open(tmp_path / "tree/file", "wb") as file:
        for number in range(8000):
            file.seek(number * 8192)
            file.write(b"x")
        for number in range(4000):
            file.seek(2**26 + number * 2**16)
            file.write(b"y")
        file.truncate(2**29)
    archive = pack(tmp_path / "tree", tmp_path / "a.tar")
    assert archive.stat().st_size < 2**26 + 2**25
    unpack(archive, tmp_path / "again")
    run("cmp", tmp_path / "tree/file", tmp_path / "again/file")


def test_what_is_mounted_in_a_directory_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "tree/mounted").mkdir(parents=True)
    syscalls.mount("tmpfs", f"{tmp_path}/tree/mounted", "tmpfs")
    MOUNTED.append(tmp_path / "tree/mounted")
    (tmp_path / "tree/mounted/x").touch()
    with Stack([str(tmp_path / "tree")]) as stack:
        assert [it.path for it in stack.walk()] == ["/mounted"]
