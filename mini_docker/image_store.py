"""The image store: blobs by digest, names in an index, whole at any moment.

    ROOT/oci/                 an image layout of the OCI: skopeo, umoci and buildah read it
      oci-layout
      index.json              one entry per name; ours to change under the lock, by rename
      blobs/sha256/HEX        manifests, configs and layers, byte for byte as they came
      lock                    exclusive: the index is being changed; shared: a container is made
      ingest/TRANSFER.N       a blob that is on its way: its digest is not proved yet
      leases/TRANSFER         what a pull or a load needs that is under way (image_transfer.py)
    ROOT/layers/HEX/          a layer unpacked, by chain id, shared by all images that have it
      diff/                   its files, with overlayfs's own whiteouts: a lower directory
      layer.json              DiffID, ChainID, Blob, Size (bytes of its regular files)

An entry of the index is a descriptor of a manifest. Its annotation
org.opencontainers.image.ref.name is the whole reference, "docker.io/library/busybox:latest"
or "docker.io/library/busybox@sha256:..."; an entry without one is an untagged image, which
stays until it is removed. This module reads and names; image_transfer.py brings content in,
image_garbage.py takes it out. It is on the path of ``run``: its imports are few.

OCI image specification: image-layout.md, descriptor.md, manifest.md.
"""

from __future__ import annotations

import os
import sys

# hashlib would load OpenSSL, which takes longer than all else that `run` does here.
if sys.version_info >= (3, 12):
    from _sha2 import sha256
else:
    from _sha256 import sha256  # type: ignore[import-not-found]

from mini_docker import records
from mini_docker.errors import ConfigError, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Descriptor = dict[str, Any]  # mediaType, digest, size, annotations: descriptor.md

NAME = "org.opencontainers.image.ref.name"
PARENT = "mini-docker.parent"  # the image that this one was committed or built upon: its id
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
INDEX_TYPES = (INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"  # +gzip, +zstd
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST_TYPES = (MANIFEST_TYPE, DOCKER_MANIFEST)
DOCUMENT_LIMIT = 4 * 2**20  # bytes of a manifest or a config: what registries accept
LAYERS_MOST = 500  # what one overlay mount takes
_HEX = frozenset("0123456789abcdef")


def prepare(root: str) -> None:
    """Make the store's directories and an empty index where there are none."""
    try:
        for name in ("oci/blobs/sha256", "oci/ingest", "oci/leases", "layers"):
            os.makedirs(f"{root}/{name}", 0o700, exist_ok=True)
        if not os.path.exists(f"{root}/oci/oci-layout"):
            records.write(f"{root}/oci/oci-layout", {"imageLayoutVersion": "1.0.0"})
    except OSError as error:
        raise ConfigError(f"cannot make the image store in {root}: {reason(error)}") from error


def lock(root: str) -> Lock:
    """Return the lock to hold while the index changes, or content is removed."""
    return Lock(f"{root}/oci/lock")


def reading(root: str) -> Lock:
    """Return the same lock, shared: to hold while a container is made from an image.

    From find() until container.json is written nothing else says that the layers are needed.
    """
    if not os.path.isdir(f"{root}/oci/leases"):
        prepare(root)
    return _Shared(f"{root}/oci/lock")


class _Shared(Lock):
    __slots__ = ()

    def acquire(self, shared: bool = True) -> None:
        super().acquire(shared)


def lease(root: str) -> Lock:
    """Make and take a lease: what bears its name is unfinished, not forgotten, while it is held.

    The caller holds the store's lock, so that nobody takes it for the lease of a dead process.
    """
    held = Lock(f"{root}/oci/leases/{os.urandom(8).hex()}")
    held.acquire()
    return held


def end_lease(held: Lock) -> None:
    """Remove the lease and let it go."""
    os.unlink(held.path)
    held.release()


def digest(data: bytes) -> str:
    """Return the digest of *data*: "sha256:" and 64 hexadecimal digits."""
    return f"sha256:{sha256(data).hexdigest()}"


def checked(digest: object) -> str:
    """Return *digest* if it is a sha256 digest in its one spelling; ConfigError otherwise.

    Everything that becomes a file name here has passed this.
    """
    if not isinstance(digest, str) or not digest.startswith("sha256:"):
        raise ConfigError(f"unsupported digest {digest!r:.100}: this store has sha256 alone")
    if len(digest) != 71 or not _HEX.issuperset(digest[7:]):
        raise ConfigError(f"invalid digest {digest!r:.100}")
    return digest


def blob_path(root: str, digest: str) -> str:
    """Return the path of the blob *digest*, whether it is there or not."""
    return f"{root}/oci/blobs/sha256/{checked(digest)[7:]}"


def layer_path(root: str, chain: str) -> str:
    """Return the directory of the layer with the chain id *chain*; its files are in diff/."""
    return f"{root}/layers/{checked(chain)[7:]}"


def entries(root: str) -> list[Descriptor]:
    """Return the entries of the index: a descriptor per name, and those of untagged images."""
    path = f"{root}/oci/index.json"
    try:
        found = records.read(path)
    except FileNotFoundError:
        return []
    rows = found.get("manifests") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f"cannot use {path}: it is not an image index")
    for row in rows:
        if not isinstance(row.setdefault("annotations", {}), dict):
            raise ConfigError(f"cannot use {path}: annotations of a wrong type")
        checked(row.get("digest"))
    return rows


def name_of(entry: Descriptor) -> str:
    """Return the reference that *entry* gives to its image, or "" for an untagged one."""
    return str(entry["annotations"].get(NAME, ""))


def locate(root: str, name: str) -> Descriptor | None:
    """Return the entry that the whole reference *name* stands for, or None."""
    return next((entry for entry in entries(root) if name_of(entry) == name), None)


def write_index(root: str, rows: list[Descriptor]) -> None:
    """Replace the index; the caller holds the lock since it read the *rows* that it changed."""
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": rows}
    records.write(f"{root}/oci/index.json", index)


def point(root: str, descriptor: Descriptor, names: list[str], parent: str = "") -> None:
    """Let each of *names* stand for the manifest *descriptor*; the caller holds the lock.

    What a name stood for before stays, untagged if that was its last one. Without names
    the manifest gets an untagged entry, unless it has an entry already.
    """
    rows = entries(root)
    if not names and any(row["digest"] == descriptor["digest"] for row in rows):
        return
    kept = [row for row in rows if name_of(row) not in names or not name_of(row)]
    held = {row["digest"] for row in kept} | {descriptor["digest"]}
    for row in rows:  # those that lose their name, and have no other
        if row["digest"] not in held:
            held.add(row["digest"])
            kept.append(_entry(row, "", row["annotations"].get(PARENT, "")))
    if names:  # an image that gets a name is not untagged any more
        kept = [row for row in kept if name_of(row) or row["digest"] != descriptor["digest"]]
    kept += [_entry(descriptor, name, parent) for name in names or [""]]
    write_index(root, kept)


def _entry(descriptor: Descriptor, name: str, parent: str) -> Descriptor:
    annotations = {key: value for key, value in ((NAME, name), (PARENT, parent)) if value}
    fields = {key: descriptor[key] for key in ("mediaType", "digest", "size")}
    return {**fields, "annotations": annotations}


def untagged(descriptor: Descriptor) -> Descriptor:
    """Return an entry for *descriptor* without a name; its parent stays noted."""
    return _entry(descriptor, "", descriptor["annotations"].get(PARENT, ""))


def document(root: str, digest: str) -> dict[str, Any]:
    """Return the JSON object that the blob *digest* holds; ConfigError if it is gone or none."""
    path = blob_path(root, digest)
    try:
        found = records.read(path)
    except FileNotFoundError:
        raise ConfigError(f"the image store lacks the blob {digest} ({path})") from None
    if not isinstance(found, dict):
        raise ConfigError(f"cannot use {path}: it is not a JSON object")
    return found


def manifest(root: str, digest: str) -> dict[str, Any]:
    """Return the manifest *digest*, its config and layers checked to be descriptors."""
    return check_manifest(document(root, digest), digest)


def check_manifest(found: dict[str, Any], digest: str) -> dict[str, Any]:
    """Return the manifest *found* if it has a config and layers as manifest.md says.

    A list of manifests has neither: whoever reads one chooses the platform first.
    """
    layers = found.get("layers")
    if not isinstance(layers, list) or not isinstance(found.get("config"), dict):
        raise ConfigError(f"{digest} is not the manifest of an image")
    if len(layers) > LAYERS_MOST:
        raise ConfigError(f"the image {digest} has {len(layers)} layers, {LAYERS_MOST} are allowed")
    for row in (found["config"], *layers):
        if not isinstance(row, dict) or not isinstance(row.get("size"), int) or row["size"] < 0:
            raise ConfigError(f"the manifest {digest} has a descriptor without a size")
        checked(row.get("digest"))
    return found


def diff_ids(config: dict[str, Any], what: str) -> list[str]:
    """Return rootfs.diff_ids of an image's *config*, checked; *what* is its name in a refusal."""
    rootfs = config.get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if found is None:  # an image without layers, as some tools write it
        found = []
    if not isinstance(found, list):
        raise ConfigError(f"the config of the image {what} has no list rootfs.diff_ids")
    return [checked(diff_id) for diff_id in found]
