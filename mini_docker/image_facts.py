"""What is known of an image, in the field names of Docker's API: names, date, size, inspect.

Docker Engine API, "Inspect an image".
"""

from __future__ import annotations

from mini_docker import image_layers, image_store, images
from mini_docker.errors import MiniDockerError
from mini_docker.timestamps import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.image_lookup import Image

CONFIG: dict[str, Any] = {  # Docker's order, and what it shows for what an image does not say
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
SOMETIMES = ("ExposedPorts", "Healthcheck", "StopSignal", "Shell")  # only where there is one


def repo_tags(image: Image) -> list[str]:
    """Return the names with a tag, as short as Docker shows them: "busybox:latest"."""
    return [images.parse(name).familiar() for name in image.names if "@" not in name]


def repo_digests(image: Image) -> list[str]:
    """Return the names with a digest, by which a registry gave it: "busybox@sha256:..."."""
    return [images.parse(name).familiar() for name in image.names if "@" in name]


def created(image: Image) -> float | None:
    """Return when *image* was made, as moment() does."""
    return moment(image.created)


def moment(text: object) -> float | None:
    """Return the date *text* in seconds since 1970; None if it is none, or makes no sense.

    Tools write any offset, and fractions of any length. RFC 3339.
    """
    from datetime import UTC, datetime

    if not isinstance(text, str) or text in ("", NEVER):
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def layer_sizes(image: Image) -> list[int]:
    """Return the bytes of each layer's regular files, the lowest first; 0 for one that is gone."""
    found = []
    for chain in image_layers.stack(image_store.diff_ids(image.document, image.id)):
        try:
            found.append(int(image_layers.record(image.root, chain)["Size"]))
        except MiniDockerError:
            found.append(0)
    return found


def size(image: Image) -> int:
    """Return the bytes of the regular files of all its layers."""
    return sum(layer_sizes(image))


def children(found: list[Image]) -> dict[str, list[Image]]:
    """Return, by id, the images that were made from an image."""
    grown: dict[str, list[Image]] = {}
    for image in found:
        if image.parent():
            grown.setdefault(image.parent(), []).append(image)
    return grown


def history(image: Image) -> list[dict[str, Any]]:
    """Return its steps, the newest first: created, created_by, comment, and the layer's Size."""
    sizes = iter(layer_sizes(image))
    rows = []
    for row in image.document.get("history") or []:
        empty = bool(row.get("empty_layer"))
        rows.append({**row, "Size": 0 if empty else next(sizes, 0)})
    rows += [{"created": image.created, "Size": left} for left in sizes]  # told by nobody
    return rows[::-1]


def inspect(image: Image) -> dict[str, Any]:
    """Return the object that `image inspect` prints for *image*."""
    document = image.document
    config = {**CONFIG, **{key: image.config[key] for key in CONFIG if key in image.config}}
    config |= {key: image.config[key] for key in SOMETIMES if image.config.get(key)}
    layers = image.layers()
    data = {"UpperDir": layers[0], "LowerDir": ":".join(layers[1:])} if layers else {}
    total = size(image)
    return {
        "Id": image.id,
        "RepoTags": repo_tags(image),
        "RepoDigests": repo_digests(image),
        "Parent": image.parent(),
        "Comment": str((document.get("history") or [{}])[-1].get("comment", "")),
        "Created": image.created or NEVER,
        "DockerVersion": str(document.get("docker_version", "")),
        "Author": str(document.get("author", "")),
        "Config": config,
        "Architecture": str(document.get("architecture", "")),
        **({"Variant": str(document["variant"])} if document.get("variant") else {}),
        "Os": str(document.get("os", "")),
        "Size": total,
        "VirtualSize": total,
        "GraphDriver": {"Name": "overlay2", "Data": {k: v for k, v in data.items() if v}},
        "RootFS": {"Type": "layers", "Layers": image_store.diff_ids(document, image.id)},
        "Metadata": {"LastTagTime": NEVER},
        "Descriptor": {k: image.descriptor[k] for k in ("mediaType", "digest", "size")},
    }
