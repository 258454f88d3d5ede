"""Images: a root file system and what to run in it.

An image is a directory, its whole root; content-addressed layers are another
chapter's. What the rest of the engine knows is an Image: its config, in the field
names of the OCI image specification, and the directories that make its root, the
topmost first.

    ROOT/images/ID/image.json     id, reference, created, config
    ROOT/images/ID/rootfs/        the files
    ROOT/tags/NAME:TAG -> ID      a link: what the name stands for now
"""

from __future__ import annotations

import os

from mini_docker import records
from mini_docker.errors import ConfigError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


class Image:
    """An image of this store."""

    __slots__ = ("config", "created", "directory", "id", "reference")

    def __init__(self, directory: str, record: dict[str, Any]) -> None:
        self.directory = directory
        self.id = str(record["id"])  # "sha256:..." of its contents
        self.reference = str(record["reference"])  # "busybox:latest"
        self.created = str(record["created"])  # RFC 3339
        self.config: dict[str, Any] = record["config"]  # Cmd, Env, ...: OCI image config

    def layers(self) -> list[str]:
        """Return the directories of the root, the topmost first, as overlayfs wants them."""
        return [f"{self.directory}/rootfs"]


def normalize(reference: str) -> str:
    """Return *reference* with its tag: "busybox" is "busybox:latest". UsageError if malformed."""
    name, colon, tag = reference.partition(":")
    tag = tag if colon else "latest"
    good = name and name == name.lower() and tag and not name.startswith((".", "-"))
    if not good or not ALLOWED.issuperset(name + tag) or len(tag) > 128:
        raise UsageError(f"invalid reference format: {reference!r}")
    return f"{name}:{tag}"


def find(root: str, reference: str) -> Image:
    """Return the image that *reference* names in the store at *root*, by name or id.

    NotFound, with what to do about it, if it is not there; ConfigError if its files are gone.
    """
    by_id = reference.removeprefix("sha256:")
    if len(by_id) >= 4 and set(by_id) <= set("0123456789abcdef"):
        for image in listing(root):
            if image.id.removeprefix("sha256:").startswith(by_id):
                return _whole(image)
    full = normalize(reference)
    try:
        return _whole(_load(root, full))
    except FileNotFoundError:
        hint = ""
        if full == "busybox:latest":
            hint = ": make it with 'mini-docker image bootstrap busybox'"
        raise NotFound(f"Unable to find image '{full}' locally{hint}") from None


def _whole(image: Image) -> Image:
    for layer in image.layers():
        if not os.path.isdir(layer):
            raise ConfigError(f"cannot use the image {image.reference}: {layer} is missing")
    return image


def listing(root: str) -> list[Image]:
    """Return all images of the store at *root*, by name."""
    try:
        names = sorted(os.listdir(f"{root}/tags"))
    except FileNotFoundError:
        return []
    images = []
    for name in names:
        if not name.startswith("."):
            try:
                images.append(_load(root, name))
            except FileNotFoundError:  # removed meanwhile
                continue
    return images


def _load(root: str, name: str) -> Image:
    directory = f"{root}/images/{os.path.basename(os.readlink(f'{root}/tags/{name}'))}"
    path = f"{directory}/image.json"
    record = records.read(path)
    try:
        return Image(directory, record)
    except (KeyError, TypeError) as error:
        raise ConfigError(f"cannot use {path}: {error!r} is missing or of a wrong type") from error
