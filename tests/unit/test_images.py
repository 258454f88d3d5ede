"""images: names, the merge of image and command line, ids; and what stands beside them."""

from __future__ import annotations

import bz2
import copy
import gzip
import hashlib
import io
import lzma
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_docker import image_store, image_streams, images, images_hello
from mini_docker.errors import ConfigError, UsageError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_a_digest_is_read_beside_a_tag_and_alone() -> None:
    both = images.parse(f"localhost:5000/me/x:1@{DIGEST}")
    assert (both.domain, both.path, both.tag, both.digest) == (
        "localhost:5000", "me/x", "1", DIGEST
    )  # fmt: skip
    alone = images.parse(f"busybox@{DIGEST}")
    assert (alone.tag, alone.familiar()) == ("", f"busybox@{DIGEST}")
    assert alone.full() == f"docker.io/library/busybox@{DIGEST}"


@pytest.mark.parametrize(
    ("digest", "why"),
    [
        (DIGEST[:-1], "invalid checksum digest length"),
        (DIGEST.upper().replace("SHA", "sha"), "invalid checksum digest format"),
        ("md5:" + "0" * 32, "unsupported digest algorithm"),
        ("sha256:" + "0" * 31, "invalid reference format"),
        ("sha256:" + "g" * 64, "invalid reference format"),
        ("", "invalid reference format"),
    ],
)
def test_a_digest_that_is_none_is_refused(digest: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        images.parse(f"busybox@{digest}")


@given(st.text(st.sampled_from("ab1A.:/@-_[] \n\u212a\u0130"), max_size=24))
def test_what_is_read_is_written_as_it_can_be_read_again(text: str) -> None:
    try:
        found = images.parse(text)
    except UsageError:
        return
    again = images.parse(found.full())
    assert (again.domain, again.path, again.full()) == (found.domain, found.path, found.full())
    assert images.parse(found.familiar()).full() == found.full()
    assert not set(found.full()) & set("\n []") or "[" in found.domain


TABLE = [  # the image's, the asked, the container's: Entrypoint and Cmd each
    ((None, ["sh"]), (None, None), (None, ["sh"])),
    ((None, ["sh"]), (None, ["ls"]), (None, ["ls"])),
    ((["git"], ["help"]), (None, None), (["git"], ["help"])),
    ((["git"], ["help"]), (None, ["log"]), (["git"], ["log"])),
    ((["git"], ["help"]), (["sh"], None), (["sh"], None)),
    ((["git"], ["help"]), (["sh"], ["-c", "ls"]), (["sh"], ["-c", "ls"])),
    ((["git"], ["help"]), ([""], ["ls"]), (None, ["ls"])),
    ((["git"], ["help"]), ([""], None), (None, None)),
    ((["git"], None), (None, ["log"]), (["git"], ["log"])),
    ((None, None), (None, None), (None, None)),
    (([], []), ([], []), (None, None)),
]


@pytest.mark.parametrize(("image", "asked", "expected"), TABLE)
def test_entrypoint_and_cmd(image: Any, asked: Any, expected: Any) -> None:
    names = ("Entrypoint", "Cmd")
    given = dict(zip(names, image, strict=True)), dict(zip(names, asked, strict=True))
    before = copy.deepcopy(given)
    merged = images.merge(*given)
    assert tuple(merged[name] for name in names) == expected
    assert given == before


def test_the_other_fields_are_merged_by_their_kind() -> None:
    image = {
        "User": "1", "WorkingDir": "/i", "Env": ["A=1", "B=2", "C=3"],
        "Labels": {"x": "1", "y": "2"},
        "Volumes": {"/v": {}}, "StopSignal": "INT", "Healthcheck": {"Test": ["NONE"], "Retries": 3},
    }  # fmt: skip
    asked = {
        "User": "", "WorkingDir": "/a", "Env": ["B=9", "C", "D=4"], "Labels": {"y": "3"},
        "ExposedPorts": {"80/tcp": {}}, "Healthcheck": {"Test": ["CMD", "x"], "Retries": 0},
    }  # fmt: skip
    merged = images.merge(image, asked)
    assert merged["User"] == "1" and merged["WorkingDir"] == "/a" and merged["StopSignal"] == "INT"
    assert merged["Env"] == ["B=9", "C", "D=4", "A=1"]
    assert merged["Labels"] == {"x": "1", "y": "3"}
    assert merged["Volumes"] == {"/v": {}} and merged["ExposedPorts"] == {"80/tcp": {}}
    assert merged["Healthcheck"] == {"Test": ["CMD", "x"], "Retries": 3}


def test_chain_ids_are_those_of_the_specification() -> None:
    diffs = [f"sha256:{hashlib.sha256(bytes([n])).hexdigest()}" for n in range(3)]
    chain = images.chain_ids(diffs)
    assert chain[0] == diffs[0] and images.chain_ids([]) == []
    for n in (1, 2):
        text = f"{chain[n - 1]} {diffs[n]}".encode()
        assert chain[n] == "sha256:" + hashlib.sha256(text).hexdigest()
    assert chain[2] != images.chain_ids([diffs[1], diffs[0], diffs[2]])[2]


PLAIN = random.Random(7).randbytes(100_000) + b"a" * 3_000_000


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress, lzma.compress, bz2.compress])
def test_a_diff_id_is_the_digest_before_compression(pack: Any) -> None:
    expected = f"sha256:{hashlib.sha256(PLAIN).hexdigest()}"
    assert images.diff_id(io.BytesIO(pack(PLAIN))) == expected


class Drops:
    """A stream that gives one byte at a time, and then some more."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)
        self.asked = 0

    def read(self, size: int, /) -> bytes:
        self.asked += 1
        return self.data.read(min(size, 1 if self.asked < 50 else 1000))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress, lzma.compress, bz2.compress])
def test_a_stream_in_drops_with_several_members_and_padding(pack: Any) -> None:
    padding = b"" if pack is bytes else bytes(700)
    stream = image_streams.decompressed(Drops(pack(PLAIN) + pack(b"more") + padding))
    assert b"".join(iter(lambda: stream.read(9999), b"")) == PLAIN + b"more"


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("cut", [7, 2000, -1])
def test_a_stream_that_is_cut_short_is_refused(pack: Any, cut: int) -> None:
    with pytest.raises(ConfigError, match=r"cut short|damaged"):
        images.diff_id(io.BytesIO(pack(PLAIN)[:cut]))


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress, lzma.compress, bz2.compress])
def test_a_bomb_comes_in_pieces(pack: Any) -> None:
    stream = image_streams.decompressed(io.BytesIO(pack(bytes(60_000_000))))
    total = 0
    while piece := stream.read(2**18):
        assert len(piece) <= 2**18
        total += len(piece)
    assert total == 60_000_000


def test_a_window_of_gigabytes_is_refused() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 28}
    made = zstd.ZstdCompressor(options=options)
    data = made.compress(os.urandom(10_000)) + made.flush()
    with pytest.raises(ConfigError, match="zstd stream is damaged"):
        images.diff_id(io.BytesIO(data))


def test_hello_world_says_hello_on_both_machines(tmp_path: Path) -> None:
    for machine, runner in (("x86_64", []), ("aarch64", ["qemu-aarch64"])):
        if machine != os.uname().machine and not _there(runner):
            continue
        program = tmp_path / machine
        program.write_bytes(images_hello.program(machine))
        program.chmod(0o755)
        own = [] if machine == os.uname().machine else runner
        done = subprocess.run([*own, program], capture_output=True, check=True)
        assert done.stdout == images_hello.TEXT and program.stat().st_size < 1024


def _there(runner: list[str]) -> bool:
    return bool(runner) and any(
        os.access(f"{place}/{runner[0]}", os.X_OK) for place in os.environ["PATH"].split(":")
    )


def entry(number: int, **annotations: str) -> dict[str, Any]:
    """Return a descriptor of manifest *number*."""
    digest = f"sha256:{number:064x}"
    return {"mediaType": "m", "digest": digest, "size": 1, "annotations": annotations}


def shown(root: Path) -> list[tuple[str, int]]:
    """Return names and numbers of the entries, in their order."""
    rows = image_store.entries(str(root))
    return [(image_store.name_of(row), int(row["digest"][7:], 16)) for row in rows]


def test_the_index_never_forgets_an_image(tmp_path: Path) -> None:
    root = str(tmp_path)
    image_store.prepare(root)
    image_store.point(root, entry(1), [])
    image_store.point(root, entry(1), [])
    assert shown(tmp_path) == [("", 1)]
    image_store.point(root, entry(1), ["a", "b"], "sha256:parent")
    assert shown(tmp_path) == [("a", 1), ("b", 1)]
    image_store.point(root, entry(2), ["a"])
    assert shown(tmp_path) == [("b", 1), ("a", 2)]
    image_store.point(root, entry(2), ["b"])
    assert shown(tmp_path) == [("a", 2), ("", 1), ("b", 2)]
    parent = image_store.entries(root)[1]["annotations"]
    assert parent == {image_store.PARENT: "sha256:parent"}


@pytest.mark.parametrize(
    "text", ["[]", '{"manifests": 1}', '{"manifests": [1]}', '{"manifests": [{"digest": "../x"}]}',
             '{"manifests": [{"annotations": 1}]}'],
)  # fmt: skip
def test_a_damaged_index_is_named(tmp_path: Path, text: str) -> None:
    image_store.prepare(str(tmp_path))
    (tmp_path / "oci/index.json").write_text(text)
    with pytest.raises(ConfigError):
        image_store.entries(str(tmp_path))
