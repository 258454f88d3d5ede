"""What an archive of images says: which images there are, and where their documents lie.

    OCI layout       index.json -> manifest -> config, layers        image-layout.md
    Docker archive   manifest.json: [{Config, RepoTags, Layers}]     docker save, since 1.10

An archive that is both is read as a layout, since its manifests keep their digests; the names
may stand in either.
"""

from __future__ import annotations

import hashlib

from mini_docker import image_lookup, image_store
from mini_docker.errors import ConfigError, UsageError
from mini_docker.image_make import architecture
from mini_docker.image_save import FULL_NAME
from mini_docker.image_spool import Spool, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.image_store import Descriptor

DEEPEST = 3  # indexes within indexes
MOST_IMAGES = 1000  # in one archive


class Listed:
    """An image as the archive lists it: a descriptor of its manifest, or Docker's parts."""

    __slots__ = ("config", "descriptor", "layers", "names")

    def __init__(self, names: list[str], descriptor: Descriptor | None = None) -> None:
        self.names = names
        self.descriptor = descriptor
        self.config = ""  # the names of files in the archive
        self.layers: list[str] = []


def listing(spool: Spool) -> list[Listed]:
    """Return the images of the archive in *spool*; ConfigError if it is no archive of images."""
    if "index.json" in spool and "oci-layout" in spool:
        found = _layout(spool)
    elif "manifest.json" in spool:
        found = _docker_images(spool)
    elif "repositories" in spool:
        raise ConfigError("the archive is of Docker before 1.10, which nobody reads any more")
    else:
        raise ConfigError(
            "the archive is neither of docker save nor an image layout: it has no "
            "manifest.json and no index.json"
        )
    if len(found) > MOST_IMAGES:
        raise ConfigError(f"the archive has more than {MOST_IMAGES} images")
    return found


def _layout(spool: Spool) -> list[Listed]:
    """Return the images of an OCI layout, in the order of its index."""
    tags = _tags_by_config(spool) if "manifest.json" in spool else {}
    found: dict[str, Listed] = {}
    rows = _flatten(spool, spool.document("index.json"), 0)
    for row, names in rows:
        it = found.setdefault(row["digest"], Listed([], row))
        it.names += [name for name in names if name not in it.names]
    for it in found.values():
        if not it.names and it.descriptor:
            manifest = decode(blob(spool, it.descriptor), "a manifest of the archive")
            config = manifest.get("config") if isinstance(manifest, dict) else None
            it.names = tags.get(str(config.get("digest")) if isinstance(config, dict) else "", [])
    return list(found.values())


def _flatten(spool: Spool, index: Any, depth: int) -> list[tuple[Descriptor, list[str]]]:
    """Return the manifests of *index* and of the indexes in it, for this machine alone."""
    rows = index.get("manifests") if isinstance(index, dict) else None
    if not isinstance(rows, list) or depth > DEEPEST:
        raise ConfigError("the archive's index is not an image index")
    found = []
    for row in rows:
        if not isinstance(row, dict) or not isinstance(row.get("size"), int):
            raise ConfigError("the archive's index has an entry without a size")
        image_store.checked(row.get("digest"))
        names = _names(row)
        kind = row.get("mediaType")
        if kind in image_store.MANIFEST_TYPES or kind is None:
            if _fits(row):
                found.append((row, names))
        elif kind in image_store.INDEX_TYPES:
            inner = decode(blob(spool, row), f"the index {row['digest']}")
            found += [(it, names or own) for it, own in _flatten(spool, inner, depth + 1)]
    return found


def _fits(row: Descriptor) -> bool:
    """Say whether the manifest *row* is for this machine, or does not say for which one."""
    platform = row.get("platform")
    if not isinstance(platform, dict):
        return True
    return platform.get("os") == "linux" and platform.get("architecture") == architecture()


def _names(row: Descriptor) -> list[str]:
    """Return the name in the annotations of *row*: a whole one, or Docker's short form of it."""
    annotations = row.get("annotations")
    if not isinstance(annotations, dict):
        return []
    name = annotations.get(FULL_NAME)
    short = annotations.get(image_store.NAME)
    if name is None and isinstance(short, str) and (":" in short or "/" in short):
        name = short  # a bare "latest" is a tag of nothing
    return [_tagged(name)] if name is not None else []


def _tagged(name: Any) -> str:
    """Return the whole reference that *name* means; ConfigError if it is none."""
    if not isinstance(name, str) or len(name) > 1024:
        raise ConfigError(f"the archive has an invalid name: {name!r:.300}")
    try:
        parsed = image_lookup.parse(name)
        image_lookup.check_target(parsed)
        return parsed.full()
    except UsageError as error:
        raise ConfigError(f"the archive has an invalid name: {error}") from None


def _docker_images(spool: Spool) -> list[Listed]:
    """Return the images of manifest.json."""
    found = []
    rows = spool.document("manifest.json")
    for row in rows if isinstance(rows, list) else [None]:
        if not isinstance(row, dict) or not isinstance(row.get("Config"), str):
            raise ConfigError("the archive's manifest.json is not that of docker save")
        layers, tags = row.get("Layers") or [], row.get("RepoTags") or []
        good = isinstance(layers, list) and isinstance(tags, list)
        if not good or not all(isinstance(name, str) for name in layers):
            raise ConfigError("the archive's manifest.json has a field of a wrong type")
        it = Listed([_tagged(name) for name in tags])
        it.config, it.layers = row["Config"], layers
        found.append(it)
    return found


def _tags_by_config(spool: Spool) -> dict[str, list[str]]:
    """Return the names in manifest.json by the digest of the config that they are for."""
    return {
        f"sha256:{hashlib.sha256(spool.text(it.config)).hexdigest()}": it.names
        for it in _docker_images(spool)
    }


def blob(spool: Spool, row: Descriptor) -> bytes:
    """Return the document that *row* describes; ConfigError if it is another one."""
    data = spool.text(file_of(row))
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if digest != row["digest"] or len(data) != row["size"]:
        raise ConfigError(f"the blob {row['digest']} is not what it should be: it is {digest}")
    return data


def file_of(row: Descriptor) -> str:
    """Return the name of the file in a layout that *row* describes."""
    return f"blobs/sha256/{image_store.checked(row['digest'])[7:]}"
