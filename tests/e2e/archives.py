"""Archives of images made by hand, with tarfile and hashlib alone: sound ones and hostile ones."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mini_docker import images_hello

File = tuple[str, bytes, int]  # name, contents, mode


def digest(data: bytes) -> str:
    """Return the digest of *data*."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(*files: File) -> bytes:
    """Return a layer with *files*, as a plain tar."""
    return tar((name, data, mode) for name, data, mode in files)


def tar(files: Iterable[File], links: Iterable[tuple[str, str, bytes]] = ()) -> bytes:
    """Return a tar of *files* and *links*: name, target, type."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, target, kind in links:
            it = tarfile.TarInfo(name)
            it.type, it.linkname = kind, target
            archive.addfile(it)
        for name, data, mode in files:
            it = tarfile.TarInfo(name)
            it.size, it.mode = len(data), mode
            archive.addfile(it, io.BytesIO(data))
    return out.getvalue()


PROGRAM = images_hello.program()
HELLO = layer(("hello", PROGRAM, 0o755))
SECOND = layer(("etc/second", b"two\n", 0o644))


def config(layers: list[bytes], **fields: Any) -> bytes:
    """Return the config of an image of *layers*; *fields* go into its "config"."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2020-02-03T04:05:06.789Z",
        "config": {"Cmd": ["/hello"], **fields},
        "rootfs": {"type": "layers", "diff_ids": [digest(it) for it in layers]},
        "history": [{"created_by": f"step {n}"} for n in range(len(layers))],
    }
    return json.dumps(document).encode()


def docker(
    names: list[str] | None, layers: list[bytes] | None = None, **fields: Any
) -> dict[str, bytes]:
    """Return the files of a Docker archive of one image."""
    layers = [HELLO, SECOND] if layers is None else layers
    document = config(layers, **fields)
    files = {f"{digest(document)[7:]}.json": document}
    paths = []
    for it in layers:
        paths.append(f"{digest(it)[7:]}/layer.tar")
        files[paths[-1]] = it
    row = {"Config": next(iter(files)), "RepoTags": names, "Layers": paths}
    return {**files, "manifest.json": json.dumps([row]).encode()}


def layout(
    name: str, layers: list[bytes] | None = None, row: dict[str, Any] | None = None, **fields: Any
) -> dict[str, bytes]:
    """Return the files of an OCI layout of one image; *row* changes its entry in the index."""
    layers = [HELLO, SECOND] if layers is None else layers
    document = config(layers, **fields)
    blobs = [document, *layers]
    kinds = ["config.v1+json", *["layer.v1.tar"] * len(layers)]
    rows = [
        {
            "mediaType": f"application/vnd.oci.image.{kind}",
            "digest": digest(blob),
            "size": len(blob),
        }
        for kind, blob in zip(kinds, blobs, strict=True)
    ]
    manifest = json.dumps({"schemaVersion": 2, "config": rows[0], "layers": rows[1:]}).encode()
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest(manifest),
        "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": name},
        **(row or {}),
    }
    files = {f"blobs/sha256/{digest(it)[7:]}": it for it in (manifest, *blobs)}
    files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    return files


def packed(files: dict[str, bytes]) -> bytes:
    """Return an archive of *files*."""
    return tar((name, data, 0o644) for name, data in files.items())


def written(folder: Path, files: dict[str, bytes]) -> Path:
    """Write *files* below *folder* and return it."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder
