"""Find images in the store: by name, by id, or all of them.

find() is on the path of ``run``: it reads the index, a manifest and a config, three small
files, however many layers the image has.
"""

from __future__ import annotations

import os

from mini_docker import image_store, images, images_grammar
from mini_docker.errors import ConfigError, MiniDockerError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.image_store import Descriptor


class Image:
    """An image of this store, as its manifest and its config describe it."""

    __slots__ = ("config", "created", "descriptor", "document", "id", "manifest", "names", "root")

    def __init__(self, root: str, entry: Descriptor) -> None:
        self.root = root
        self.descriptor = entry  # of the manifest, with the index's annotations
        self.manifest = image_store.manifest(root, entry["digest"])
        self.id = str(self.manifest["config"]["digest"])
        self.document = image_store.document(root, self.id)  # the whole config blob: config.md
        self.config: dict[str, Any] = self.document.get("config") or {}  # Cmd, Env, ...
        self.created = str(self.document.get("created") or "")  # RFC 3339, or ""
        name = image_store.name_of(entry)
        self.names = [name] if name else []  # whole references; listing() knows all

    @property
    def reference(self) -> str:
        """Return the name by which it was found, as short as Docker shows it; "" without one."""
        return images.parse(self.names[0]).familiar() if self.names else ""

    def parent(self) -> str:
        """Return the id of the image that this one was committed or built upon, or ""."""
        return str(self.descriptor["annotations"].get(image_store.PARENT, ""))

    def chain_ids(self) -> list[str]:
        """Return the chain ids of its layers, the lowest first."""
        return images.chain_ids(image_store.diff_ids(self.document, self.id))

    def layers(self) -> list[str]:
        """Return the directories of its layers, the topmost first, as overlayfs wants them."""
        chain = reversed(self.chain_ids())
        return [f"{image_store.layer_path(self.root, id)}/diff" for id in chain]


def find(root: str, reference: str) -> Image:
    """Return the image that locate() finds, once it is sure that its layers are here.

    NotFound, in Docker's words, if there is none; ConfigError if its files are gone.
    """
    image = Image(root, locate(root, reference))
    for layer in image.layers():
        if not os.path.isdir(layer):
            name = image.reference or image.id
            raise ConfigError(f"cannot use the image {name}: {layer} is missing")
    return image


def locate(root: str, reference: str) -> Descriptor:
    """Return the entry of what *reference* names in the store: a name, an id, the start of one.

    A name wins over the start of an id, as Docker has it; a whole id is never a name.
    NotFound, in Docker's words, if there is none.
    """
    rows = image_store.entries(root)
    start = reference.removeprefix("sha256:")
    hexadecimal = bool(start) and images_grammar.HEX.issuperset(start)
    if not (hexadecimal and len(start) == 64):
        parsed = parse(reference)
        wanted = names(parsed)
        for row in rows:
            if image_store.name_of(row) in wanted:
                return row
        if found := _by_digest(rows, parsed):
            return found
    if hexadecimal and (found := _by_id(root, rows, f"sha256:{start}")):
        return found
    if len(start) == 64 and hexadecimal:
        raise NotFound(f"No such image: sha256:{start}")
    parsed = parse(reference)
    tag = "" if parsed.tag or parsed.digest else ":latest"
    raise NotFound(f"No such image: {parsed.familiar()}{tag}")


def parse(reference: str) -> images.Reference:
    """Return images.parse(), whose refusal does not always say of what."""
    try:
        return images.parse(reference)
    except UsageError as error:
        raise UsageError(f"{error}: {reference!r:.300}") from None


def target(reference: str) -> str:
    """Return the whole name that *reference* gives to an image; UsageError for what is no tag."""
    parsed = parse(reference)
    if parsed.digest:
        raise UsageError(f"refusing to create a tag with a digest reference: {reference!r:.300}")
    check_target(parsed)
    return parsed.full()


def check_target(parsed: images.Reference) -> None:
    """Refuse "sha256:abc" for a name, in Docker's words: it would read like a digest."""
    if parsed.repository() == "sha256":
        raise UsageError(
            "refusing to create an ambiguous tag using digest algorithm as name: "
            f"{parsed.familiar()!r:.300}"
        )


def names(parsed: images.Reference) -> tuple[str, ...]:
    """Return the names in the index for which *parsed* stands: beside a digest no tag counts."""
    if parsed.digest:
        return (f"{parsed.domain}/{parsed.path}@{parsed.digest}",)
    return (parsed.full(),)


def _by_digest(rows: list[Descriptor], parsed: images.Reference) -> Descriptor | None:
    """Return the entry of the repository whose manifest has the digest: it needs no pull."""
    for row in rows:
        if parsed.digest and row["digest"] == parsed.digest:
            named = image_store.name_of(row)
            if named.startswith((f"{parsed.domain}/{parsed.path}:",)):
                return row
    return None


def _by_id(root: str, rows: list[Descriptor], start: str) -> Descriptor | None:
    """Return the one entry whose image id begins with *start*; two images are none."""
    found: dict[str, Descriptor] = {}
    for row in rows:
        try:
            id = image_store.manifest(root, row["digest"])["config"]["digest"]
        except MiniDockerError:
            continue  # listing() tells of it
        if id.startswith(start):
            found.setdefault(id, row)
    return found.popitem()[1] if len(found) == 1 else None


def listing(root: str) -> tuple[list[Image], list[MiniDockerError]]:
    """Return all images, the newest first, each with all its names; an error for a broken one."""
    found: dict[str, Image] = {}
    broken = []
    for row in image_store.entries(root):
        try:
            image = Image(root, row)
        except MiniDockerError as error:
            if row in image_store.entries(root):  # otherwise it was removed meanwhile
                broken.append(error)
            continue
        if image.id in found:
            found[image.id].names += image.names
        else:
            found[image.id] = image
    for image in found.values():
        image.names.sort()
    ordered = sorted(found.values(), key=lambda it: it.names)
    return sorted(ordered, key=lambda it: it.created, reverse=True), broken
