"""An image as it is after a step: its documents, and the layers that it lies on."""

from __future__ import annotations

from mini_docker import image_new, image_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from mini_docker.image_lookup import Image
    from mini_docker.image_transfer import Transfer

KEYS = "mini-docker.build.keys"  # annotation of a manifest: see builder_cache


class State:
    """An image as it is after a step: its documents, and the layers that it lies on."""

    __slots__ = ("chain", "document", "id", "keys", "manifest", "root", "rows")

    def __init__(self, root: str) -> None:
        """The state before all steps: nothing (FROM scratch)."""
        self.root = root
        self.id = ""
        self.manifest = ""  # its digest
        self.document: dict[str, Any] = {}
        self.rows: list[dict[str, Any]] = []  # descriptors of the layers, the lowest first
        self.chain: list[str] = []  # chain ids of the same
        self.keys: list[str] = []  # by which each row of the history is found; "" for unknown

    @classmethod
    def of(cls, image: Image) -> Self:
        """Return the state of an *image* that is in the store."""
        found = cls(image.root)
        found.id, found.document = image.id, image.document
        found.manifest = image.descriptor["digest"]
        found.rows = [
            {**row, "mediaType": image_new.OCI_TYPES.get(row["mediaType"], row["mediaType"])}
            for row in image.manifest["layers"]
        ]
        found.chain = image.chain_ids()
        found.keys = keys_of(image.manifest, image.document)
        return found

    @property
    def config(self) -> dict[str, Any]:
        """Return the config that a container would start with."""
        return self.document.get("config") or {}

    def lowers(self) -> list[str]:
        """Return the directories of its layers, the topmost first."""
        return [f"{image_store.layer_path(self.root, id)}/diff" for id in reversed(self.chain)]

    def hold(self, transfer: Transfer) -> bool:
        """Say whether all of it is here; from now on none of it is removed."""
        here = transfer.has_blob(self.manifest) and transfer.has_blob(self.id)
        for row, chain in zip(self.rows, self.chain, strict=True):
            here = transfer.has_blob(row["digest"]) and transfer.has_layer(chain) and here
        return here


def keys_of(manifest: dict[str, Any], document: dict[str, Any]) -> list[str]:
    """Return the key of each row of an image's history, "" where it does not say."""
    count = len(document.get("history") or [])
    noted = manifest.get("annotations")
    text = noted.get(KEYS) if isinstance(noted, dict) else None
    found = text.split(",") if isinstance(text, str) else []
    return found if len(found) == count else [""] * count


def diff_ids(state: State) -> list[str]:
    """Return the diff ids of the layers of *state*, the lowest first."""
    rootfs = state.document.get("rootfs") or {}
    return list(rootfs.get("diff_ids") or [])
