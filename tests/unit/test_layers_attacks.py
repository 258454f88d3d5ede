"""layers: archives made to do harm. Each is refused, with its entry named, and reaches nothing.

Every archive of the table is unpacked beside a directory that it must not touch. Then a
machine makes archives of the same parts in any order: what they do stays inside, too.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mini_docker import layers_tar, layers_unpack
from mini_docker.errors import LayerError
from mini_docker.layers_tar_write import header
from mini_docker.layers_tree import REFUSE, Tree

END = bytes(1024)
LINK, SYMLINK, CHAR, DIRECTORY, FIFO = b"1", b"2", b"3", b"5", b"6"


def file(name: str, data: bytes = b"") -> bytes:
    return header(name, b"0", {"size": len(data), "mode": 0o644}) + data + bytes(-len(data) % 512)


def link(name: str, target: str, kind: bytes = SYMLINK) -> bytes:
    return header(name, kind, {"mode": 0o777}, target)


def folder(name: str) -> bytes:
    return header(name, DIRECTORY, {"mode": 0o755})


def raw(name: str, at: int, value: bytes, kind: bytes = b"0") -> bytes:
    """Return a header with *value* at the offset *at*, and a checksum that fits."""
    block = bytearray(header(name, kind, {"mode": 0o644}))
    block[at : at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax(data: bytes, name: str = "victim") -> bytes:
    """Return an entry behind an extended header with *data*."""
    return (
        raw("about", 124, b"%011o\0" % len(data), b"x")
        + data
        + bytes(-len(data) % 512)
        + file(name)
    )


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd as library
    else:
        from backports import zstd as library
    options: dict[int, int] = {library.CompressionParameter.checksum_flag: 1}
    return library.compress(data, options=options)


def sparse(real: int, pieces: str, stored: int = 0) -> bytes:
    """Return a sparse file of version 0.1."""
    records = {"GNU.sparse.size": b"%d" % real, "GNU.sparse.map": pieces.encode()}
    first = header("sparse", b"0", {"size": stored}, "", records)
    return first + bytes(stored + -stored % 512)


ATTACKS: dict[str, tuple[bytes, str]] = {
    # names
    "parent": (file("../outside/passwd", b"x"), r"'\.\./outside/passwd': its name leads out"),
    "parent, deep": (file("a/b/../../../outside/passwd"), "its name leads out"),
    "parent, of a directory": (folder("../outside"), "its name leads out"),
    "parent, in a pax record": (header("a", b"0", {}, "", {"path": b"../x"}), "its name leads out"),
    "parent, in a long name": (
        raw("././@LongLink", 124, b"%011o\0" % 5, b"L") + b"../x\0" + bytes(507) + file("a"),
        "its name leads out",
    ),
    "absolute": (file("/etc/passwd", b"x"), r"'/etc/passwd': its name is absolute"),
    "absolute, two slashes": (file("//etc/passwd"), "its name is absolute"),
    "4096 bytes": (file("a/" * 2047 + "bb"), "its name has 4096 bytes, 4095 are allowed"),
    "a part of 256 bytes": (file("x" * 256), "File name too long"),
    "a null byte": (pax(b"12 path=a\0b\n"), "its name has a null byte"),
    "the root as a file": (file("."), "the root is a directory"),
    "the root as a link": (link("./", "/etc"), "the root is a directory"),
    # symbolic links
    "file through a link": (link("d", "../outside") + file("d/passwd"), "'d/passwd': a symbolic"),
    "file through an absolute link": (link("d", "/etc") + file("d/x"), "'d/x': a symbolic link"),
    "directory through a link": (link("d", "../outside") + folder("d/new"), "'d/new': a symbolic"),
    "missing directories through a link": (
        link("d", "../outside") + file("d/new/deep/x"),
        "'d/new/deep/x': a symbolic link",
    ),
    "link through a link": (link("d", "../outside") + link("d/l", "/"), "'d/l': a symbolic link"),
    "link to a link": (link("a", "..") + link("b", "a") + file("b/outside/passwd"), "a symbolic"),
    "directory, then a link in its place": (
        folder("d") + file("d/x") + link("d", "../outside") + file("d/passwd"),
        "'d/passwd': a symbolic link",
    ),
    "link, directory, link": (
        link("d", "../outside") + folder("d") + link("d", "../outside") + file("d/passwd"),
        "'d/passwd': a symbolic link",
    ),
    "whiteout through a link": (link("d", "../outside") + file("d/.wh.passwd"), "a symbolic link"),
    "opaque through a link": (link("d", "../outside") + file("d/.wh..wh..opq"), "a symbolic link"),
    "a link in its own place": (link("d", "d") + file("d/x"), "a symbolic link"),
    "/proc": (link("d", "/proc/self/root") + file("d/tmp/x"), "a symbolic link"),
    "a link with no target": (link("l", ""), "'l': No such file"),
    "a link of 4096 bytes": (link("l", "x" * 4096), "'l': its target is no path"),
    # hard links
    "hard link outside": (link("l", "../outside/passwd", LINK), "'../outside/passwd': its name"),
    "hard link, absolute": (link("l", "/etc/passwd", LINK), "'/etc/passwd': its name is absolute"),
    "hard link through a link": (
        link("d", "../outside") + link("l", "d/passwd", LINK) + file("l", b"x"),
        "'l' as a link to 'd/passwd': a symbolic link",
    ),
    "hard link to nothing": (link("l", "never", LINK), "'l' as a link to 'never': No such file"),
    "hard link to a directory": (folder("d") + link("l", "d", LINK), "Operation not permitted"),
    "hard link to the root": (link("l", ".", LINK), "'l' as a link to '.': Operation not"),
    "hard link below a mark": (link("l", ".wh.x/y", LINK), "it lies below the mark"),
    # marks
    "whiteout of ..": (file("d/.wh..."), r"'d/\.wh\.\.\.': it removes no name"),
    "whiteout of .": (file(".wh.."), "it removes no name"),
    "whiteout of nothing": (file(".wh."), "it removes no name"),
    "below a whiteout": (file(".wh.d/x"), "it lies below the mark of a removal"),
    # kinds
    "device": (header("sda", CHAR, {"device": os.makedev(8, 0)}), "'sda': devices are not allowed"),
    "unknown kind": (raw("x", 156, b"Z"), "no such type of file: b'Z'"),
    "below a file": (file("f") + file("f/x"), "'f/x': a file is in the place of its directory"),
    "below a fifo": (header("f", FIFO, {}) + file("f/x"), "a file is in the place"),
    # numbers
    "uid -1": (pax(b"18 uid=4294967295\n"), "no such owner"),
    "uid negative": (raw("x", 108, b"\xff" * 8), "a uid that is negative"),
    "size negative": (raw("x", 124, b"\xff" * 12), "a size that is negative"),
    "size of 2**64": (pax(b"29 size=18446744073709551616\n"), "a size of 18446744073709551616"),
    "size without digits": (raw("x", 124, b"12x"), "a size that is no number"),
    "size that lies": (header("x", b"0", {"size": 2**40}) + b"data", "'x': the archive is cut"),
    "device number": (raw("x", 329, b"7777777\0", CHAR), "no such device number"),
    "mtime without digits": (pax(b"12 mtime=a.\n"), "mtime is no number"),
    "checksum": (file("x") + b"y" + file("x")[1:], "'x': a damaged header follows it"),
    # headers
    "no tar": (b"#!/bin/sh\n" * 100, "cannot read the archive: it is no tar"),
    "header of 2 MiB": (raw("x", 124, b"%011o\0" % 2**21, b"x"), "extended headers of 2097152"),
    "a hundred headers": (pax(b"20000 a=" + b"b" * 19991 + b"\n")[:-512] * 100, "extended headers"),
    "record too long": (pax(b"99 path=a\n"), "a record of a wrong length"),
    "record without length": (pax(b"path=a\n"), "a record without a length"),
    "record of length 0": (pax(b"0 path=a\n"), "a record of a wrong length"),
    "cut short in a header": (file("x")[:300], "the archive is cut short"),
    # sparse files
    "sparse: overlap": (sparse(100, "0,10,5,10", 20), "'sparse': a sparse map that overlaps"),
    "sparse: beyond the file": (sparse(10, "5,10", 10), "a sparse map that overlaps, or goes"),
    "sparse: more data than there is": (sparse(99, "0,50", 10), "a sparse map that does not fit"),
    "sparse: 2**63": (sparse(2**63, "0,0", 0), "a sparse map that does not fit"),
    "sparse: odd": (sparse(9, "1,2,3", 0), "a broken sparse map"),
    "sparse: version 1, no map": (
        header("s", b"0", {}, "", {"GNU.sparse.major": b"1", "GNU.sparse.realsize": b"9"}),
        "a sparse map that is longer than its data",
    ),
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory out/ to unpack to, beside one that must stay as it is."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "passwd").write_text("root")
    before = listing(tmp_path)
    (tmp_path / "out").mkdir()
    yield tmp_path
    assert listing(tmp_path) == before


def listing(place: Path) -> list[Any]:
    """Return what there is beside out/."""
    rows = []
    for path in sorted(place.rglob("*")):
        if path.relative_to(place).parts[0] != "out":
            status = path.lstat()
            mode, links, times = status.st_mode, status.st_nlink, status.st_mtime_ns
            rows.append((str(path), mode, links, times, status.st_size, os.listxattr(path)))
    return rows


def unpack(data: bytes, directory: Path, limit: int = layers_tar.MAX_TOTAL) -> None:
    tree = Tree(str(directory), None, REFUSE, userxattr=True, owners=False)
    with tree:
        layers_unpack.unpack(io.BytesIO(data), tree, limit)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_its_entry_named(place: Path, name: str) -> None:
    data, message = ATTACKS[name]
    cut = () if "cut short" in message else (END,)
    with pytest.raises(LayerError, match=message) as caught:
        unpack(b"".join([file("first"), data, *cut]) if name != "no tar" else data, place / "out")
    assert "\n" not in str(caught.value)


def test_a_repeated_hard_link_to_itself_does_no_harm(place: Path) -> None:
    unpack(file("a", b"kept") + link("a", "a", LINK) + END, place / "out")
    assert (place / "out/a").read_bytes() == b"kept"


def test_attributes_of_overlayfs_and_of_this_machine_are_left_out(place: Path) -> None:
    names = ("user.overlay.opaque", "trusted.overlay.redirect", "security.selinux", "user.own")
    records = {f"SCHILY.xattr.{name}": b"y" for name in names}
    unpack(header("d", DIRECTORY, {"mode": 0o755}, "", records) + END, place / "out")
    assert os.listxattr(place / "out/d") == ["user.own"]


def test_a_private_file_of_aufs_is_no_part_of_a_layer(place: Path) -> None:
    unpack(file(".wh..wh.aufs") + folder(".wh..wh.plnk") + END, place / "out")
    assert os.listdir(place / "out") == []


def test_too_many_entries(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers_tar, "MAX_ENTRIES", 100)
    with pytest.raises(LayerError, match=r"'f100': the archive has more than 100 entries"):
        unpack(b"".join(file(f"f{number}") for number in range(200)) + END, place / "out")
    assert len(os.listdir(place / "out")) == 100


def test_an_archive_beyond_the_limit(place: Path) -> None:
    data = file("a") + file("big", bytes(2**20)) + END
    with pytest.raises(LayerError, match=r"'big': the archive has more than 600000 bytes"):
        unpack(data, place / "out", 600_000)


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_bomb(
    place: Path, monkeypatch: pytest.MonkeyPatch, squeeze: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(layers_unpack, "FREE", 2**20)
    data = squeeze(file("a") + header("bomb", b"0", {"size": 2**23}) + bytes(2**23))
    with pytest.raises(LayerError, match=r"'bomb': the archive grows to more than 300 times"):
        unpack(data, place / "out")


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_compressed_archive_that_is_cut_or_damaged(
    place: Path, squeeze: Callable[[bytes], bytes]
) -> None:
    noise = os.urandom(2**16)
    data = squeeze(file("a") + file("b", noise) + END)
    with pytest.raises(LayerError, match="stream is cut short"):
        unpack(data[:-2000], place / "out")
    damaged = bytearray(data)
    damaged[-3000] ^= 255
    with pytest.raises(LayerError):
        unpack(bytes(damaged), place / "out")


def test_a_disk_that_is_full(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LayerError, match="cannot unpack 'b': No space left on device"):
        unpack(file("a") + file("b", b"x") + END, place / "out")


def test_deep_paths_and_many_marks_need_no_descriptors(place: Path) -> None:
    deep = "d/" * 300
    before = len(os.listdir("/proc/self/fd"))
    unpack(
        file(f"{deep}x") + file(f"{deep}.wh.y") + file(f"{deep}.wh..wh..opq") + END, place / "out"
    )
    assert len(os.listdir("/proc/self/fd")) == before


NAMES = st.lists(
    st.sampled_from(["a", "b", "c", "..", ".", "outside", "passwd", ".wh.a", ".wh..wh..opq", ""]),
    min_size=1,
    max_size=4,
).map("/".join)
KINDS = st.sampled_from([b"0", b"1", b"2", b"5", b"6"])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(NAMES, KINDS, NAMES), max_size=12))
def test_no_archive_reaches_outside(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, bytes, str]]
) -> None:
    place = tmp_path_factory.mktemp("place")
    (place / "outside").mkdir()
    (place / "outside/passwd").write_text("root")
    before = listing(place)
    (place / "out").mkdir()
    data = b""
    for name, kind, target in rows:
        goal = f"../{target}" if kind == b"2" else target
        data += file(name, b"harm") if kind == b"0" else header(name, kind, {"mode": 0o755}, goal)
    try:
        unpack(data + END, place / "out")
    except LayerError as error:
        assert str(error).startswith("cannot unpack '")
    assert listing(place) == before
    (place / "out").chmod(0o755)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=600), st.integers(0, 3000), st.booleans())
def test_noise_is_refused_in_one_line_or_unpacked(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, kind: bool
) -> None:
    entry = tarfile.TarInfo("x" * 130)
    entry.size = 700
    format: Any = tarfile.GNU_FORMAT if kind else tarfile.PAX_FORMAT
    data = bytearray(entry.tobuf(format) + bytes(2048))
    data[at : at + len(noise)] = noise
    try:
        unpack(bytes(data), tmp_path_factory.mktemp("noise"))
    except LayerError as error:
        assert "\n" not in str(error)
