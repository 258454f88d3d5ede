"""An image out of a directory: one layer, packed so that the same files give the same digest.

Entries are sorted, owners are numbers, and times those of the files, which who fills the
directory sets. The compressed bytes depend on the zlib of this machine as well.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import tarfile
import time

from mini_docker import image_layers, image_store
from mini_docker.errors import ConfigError, MiniDockerError, reason
from mini_docker.image_transfer import Transfer, encode, sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the kernel's names: the OCI's
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Recipe:
    """What an image is made of: its *names*, its *config*, and who fills its directory.

    *fill* gets a directory, which will be the root, and returns when it was made, in seconds
    since 1970: the image's date, and with *fixed_times* that of all its files.
    """

    def __init__(
        self,
        names: list[str],
        config: dict[str, Any],
        fill: Callable[[str], float],
        note: str,
        fixed_times: bool = True,
    ) -> None:
        self.names = names  # ["docker.io/library/busybox:latest"]
        self.config = config
        self.fill = fill
        self.note = note  # what `history` shows
        self.fixed_times = fixed_times


def make(root: str, recipe: Recipe) -> tuple[str, bool]:
    """Make the image of *recipe* in the store at *root*; return its id, and whether it is new."""
    with Transfer(root) as transfer:
        making = transfer.new_path("layers")
        os.makedirs(f"{making}/diff", 0o755)
        os.chmod(making, 0o700)
        when = recipe.fill(f"{making}/diff")
        _set_times(f"{making}/diff", when if recipe.fixed_times else None)
        layer, diff_id, kept = _pack(transfer, f"{making}/diff")
        whole = transfer.has_layer(diff_id)  # of a single layer the chain id is the diff id
        if not whole:
            image_layers.settle(root, making, (diff_id, diff_id, layer["digest"]))
        document = _document(recipe, when, diff_id)
        whole = whole and kept and sound(root, image_store.digest(encode(document)))
        config = {"mediaType": image_store.CONFIG_TYPE, **transfer.add_bytes(encode(document))}
        manifest = {
            "schemaVersion": 2,
            "mediaType": image_store.MANIFEST_TYPE,
            "config": config,
            "layers": [{"mediaType": f"{image_store.LAYER_TYPE}+gzip", **layer}],
        }
        named = image_store.locate(root, recipe.names[0])
        there = named and _id(root, named) == config["digest"]
        id = transfer.register(encode(manifest), image_store.MANIFEST_TYPE, recipe.names)
    return id, not (there and whole)


def _id(root: str, entry: dict[str, Any]) -> str:
    """Return the id of the image of *entry*; "" if its manifest is damaged."""
    try:
        return str(image_store.manifest(root, entry["digest"])["config"]["digest"])
    except MiniDockerError:
        return ""


def _document(recipe: Recipe, when: float, diff_id: str) -> dict[str, Any]:
    """Return the image's config: config.md."""
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    return {
        "created": created,
        "architecture": architecture(),
        "os": "linux",
        "config": recipe.config,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": created, "created_by": recipe.note}],
    }


def architecture() -> str:
    """Return this machine's name in the OCI's words: amd64, arm64."""
    machine = os.uname().machine
    return ARCHITECTURES.get(machine, machine)


def _set_times(directory: str, when: float | None) -> None:
    """Give all below *directory* the time *when*, or its own in whole seconds, as the tar has."""
    for above, directories, names in os.walk(directory, topdown=False):
        for path in [f"{above}/{name}" for name in (*names, *directories)] + [above]:
            moment = int(os.lstat(path).st_mtime) if when is None else when
            os.utime(path, (moment, moment), follow_symlinks=False)


class _Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, file: BinaryIO | gzip.GzipFile) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _pack(transfer: Transfer, directory: str) -> tuple[dict[str, Any], str, bool]:
    """Pack *directory* into a blob; return its digest and size, the diff id, and if it was here.

    A blob that was here and is damaged is replaced.
    """
    path = transfer.new_path("ingest")
    try:
        with open(path, "wb") as file:
            outer = _Hashing(file)
            with gzip.GzipFile("", "wb", 6, outer, mtime=0) as packed:
                inner = _Hashing(packed)
                with tarfile.open(fileobj=inner, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
                    for name in _paths(directory):
                        archive.addfile(*_entry(archive, directory, name))
        size = os.path.getsize(path)
        kept = transfer.has_blob(outer.digest()) and sound(transfer.root, outer.digest())
        if not kept:
            os.rename(path, image_store.blob_path(transfer.root, outer.digest()))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {reason(error)}") from error
    return {"digest": outer.digest(), "size": size}, inner.digest(), kept


def _paths(directory: str) -> list[str]:
    """Return all paths below *directory*, each directory before what is in it."""
    found = []
    for above, directories, names in os.walk(directory):
        for name in directories + names:
            path = f"{above}/{name}"
            if not stat.S_ISSOCK(os.lstat(path).st_mode):  # no archive can hold one
                found.append(os.path.relpath(path, directory))
    return sorted(found, key=os.fsencode)


def _entry(
    archive: tarfile.TarFile, directory: str, name: str
) -> tuple[tarfile.TarInfo, BinaryIO | None]:
    it = archive.gettarinfo(f"{directory}/{name}", name)
    it.uname = it.gname = ""
    it.mtime = int(it.mtime)
    return it, open(f"{directory}/{name}", "rb") if it.isreg() else None
