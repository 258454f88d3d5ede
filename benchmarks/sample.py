"""The image that is pushed, pulled, saved, loaded and unpacked: the same bytes on every machine.

196 MB in 5000 files and 5 layers. The files are text of made-up words, as frequent as words
are (a few often, most seldom), and every fourth one binary, so that gzip shrinks the whole to
two fifths, as it does a distribution's image. Most files are small, and a few large.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mini_docker.image_make import architecture
from mini_docker.image_save import FULL_NAME
from mini_docker.image_store import CONFIG_TYPE, INDEX_TYPE, LAYER_TYPE, MANIFEST_TYPE, NAME

REGISTRY = "127.0.0.1:5000"
REFERENCE = f"{REGISTRY}/bench:1"
SIZE, FILES, LAYERS = 196_000_000, 5000, 5
DIRECTORIES = 50  # in a layer
SPREAD = 1.5  # sigma of the logarithm of a file's size
LEVEL = 6  # of gzip: what gzip(1) takes by itself
POOL = 2**21  # bytes of text, and as many of binary, of which files are cut
CUT = 4096  # bytes
EPOCH = 1_700_000_000


@dataclass(frozen=True)
class Sample:
    """Where the image lies, in the forms in which programs take it."""

    layout: str  # an OCI layout, its layers by gzip; the tag is "1"
    packed: str  # the same as a tar that is a Docker archive too
    plain: str  # a Docker archive with plain layers, as `docker save` writes it
    layers: tuple[str, ...]  # the files of the layers in the layout, the lowest first
    documents: tuple[bytes, bytes]  # config, manifest


@functools.cache
def at(directory: str) -> Sample:
    """Make the image in *directory*, once for all jobs of a run."""
    return make(f"{directory}/sample")


def make(directory: str, size: int = SIZE, files: int = FILES) -> Sample:
    """Make an image of *size* bytes in *files* files, and return where it is."""
    os.makedirs(directory)
    paths = [f"{directory}/{number}.tar" for number in range(LAYERS)]
    pools = _pools()

    def fill(number: int) -> None:
        _fill(paths[number], number, (size // LAYERS, files // LAYERS), pools)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(fill, range(LAYERS)))
        packed = list(threads.map(_compress, paths))
    config = _config(paths)
    archive(f"{directory}/plain.tar", config, paths)
    found = _layout(f"{directory}/layout", config, packed)
    for path in paths:
        os.unlink(path)
    return found


def archive(path: str, config: bytes, layers: Sequence[str], name: str = REFERENCE) -> None:
    """Write a Docker archive of the files *layers* to *path*."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    row = {"Config": "config.json", "RepoTags": [name], "Layers": names}
    with tarfile.open(path, "w") as file:
        for inner, layer in zip(names, layers, strict=True):
            file.add(layer, inner)
        _add(file, "config.json", config)
        _add(file, "manifest.json", json.dumps([row]).encode())


def stack(directory: str, bottom: str, count: int) -> str:
    """Make an archive of *count* layers: the tar *bottom*, and small ones; return its path.

    The image is called bench-COUNT.
    """
    folder = f"{directory}/stack-{count}"
    os.makedirs(folder)
    layers = [bottom]
    for number in range(1, count):
        layers.append(f"{folder}/{number}")
        with tarfile.open(layers[-1], "w") as file:
            _add(file, f"etc/bench/{number}", b"one more\n")
    archive(f"{folder}.tar", _config(layers), layers, f"bench-{count}:latest")
    shutil.rmtree(folder)
    return f"{folder}.tar"


def _pools() -> tuple[bytes, bytes]:
    """Return text and binary data, POOL bytes each or a little more."""
    lot = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(lot.choices(letters, k=lot.randint(2, 11))) for _ in range(8000)]
    often = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    text = " ".join(lot.choices(words, cum_weights=often, k=POOL // 4)).encode()
    codes = lot.randbytes(64) + bytes(32)  # some bytes more often than others
    return text, bytes(lot.choices(codes, k=POOL))


def _fill(path: str, number: int, most: tuple[int, int], pools: tuple[bytes, bytes]) -> None:
    """Write layer *number* to *path*, *most* being its bytes and its files."""
    size, count = most
    lot = random.Random(number + 1)
    weights = [lot.lognormvariate(0, SPREAD) for _ in range(count)]
    sizes = [int(size * weight / sum(weights)) for weight in weights]
    sizes[0] += size - sum(sizes)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as file:
        for place, length in enumerate(sizes):
            folder = f"usr/share/{number}/{place % DIRECTORIES:02}"
            if place < DIRECTORIES:
                _add(file, folder, None)
            pool = pools[place % 4 == 3]
            pieces = (_cut(lot, pool, min(CUT, length - at)) for at in range(0, length, CUT))
            _add(file, f"{folder}/{place:04}", b"".join(pieces))


def _cut(lot: random.Random, pool: bytes, length: int) -> bytes:
    start = lot.randrange(len(pool) - CUT)
    return pool[start : start + length]


def _add(file: tarfile.TarFile, name: str, data: bytes | None) -> None:
    """Add a file with *data*; without any, a directory."""
    row = tarfile.TarInfo(name)
    row.mtime, row.mode = EPOCH, 0o644
    if data is None:
        row.type, row.mode = tarfile.DIRTYPE, 0o755
    row.size = len(data or b"")
    file.addfile(row, io.BytesIO(data or b""))


def _compress(path: str) -> str:
    with (
        open(path, "rb") as source,
        open(f"{path}.gz", "wb") as target,
        gzip.GzipFile("", "wb", LEVEL, target, mtime=0) as file,
    ):
        shutil.copyfileobj(source, file, 2**20)
    return f"{path}.gz"


def _config(layers: Sequence[str]) -> bytes:
    document = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Cmd": ["true"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(path) for path in layers]},
    }
    return json.dumps(document).encode()


def _layout(directory: str, config: bytes, packed: Sequence[str]) -> Sample:
    """Move the layers *packed* into an OCI layout, and write the tar that has it all."""
    blobs = f"{directory}/blobs/sha256"
    os.makedirs(blobs)
    rows = [_row(f"{LAYER_TYPE}+gzip", _digest(path), os.path.getsize(path)) for path in packed]
    layers = tuple(f"{blobs}/{row['digest'][7:]}" for row in rows)
    for path, place in zip(packed, layers, strict=True):
        os.rename(path, place)
    keep = functools.partial(_keep, blobs)
    top = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE}
    manifest = json.dumps({**top, "config": keep(CONFIG_TYPE, config), "layers": rows}).encode()
    names = {FULL_NAME: REFERENCE, NAME: REFERENCE.rpartition(":")[2]}
    entry = {**keep(MANIFEST_TYPE, manifest), "annotations": names}
    inner = [f"blobs/sha256/{row['digest'][7:]}" for row in rows]
    docker = {
        "Config": f"blobs/sha256/{hashlib.sha256(config).hexdigest()}",
        "RepoTags": [REFERENCE],
        "Layers": inner,
    }
    for name, document in (
        ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
        ("index.json", {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}),
        ("manifest.json", [docker]),
    ):
        with open(f"{directory}/{name}", "w") as file:
            json.dump(document, file)
    with tarfile.open(f"{directory}.tar", "w") as archive:
        archive.add(directory, ".")
    plain = f"{os.path.dirname(directory)}/plain.tar"
    return Sample(directory, f"{directory}.tar", plain, layers, (config, manifest))


def _keep(blobs: str, kind: str, data: bytes) -> dict[str, Any]:
    """Write *data* as a blob, and return its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{blobs}/{digest}", "wb") as file:
        file.write(data)
    return _row(kind, f"sha256:{digest}", len(data))


def _row(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest, "size": size}


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
