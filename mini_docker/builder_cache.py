"""The cache of builds: which image a step has led to before.

    ROOT/build/cache/KEY   {"Image": id, "Manifest": digest}   KEY: builder.key()
    ROOT/build/mounts/     what RUN --mount=type=cache keeps (builder_cache_mounts.py)

The images are those of the store, each untagged and with the one before it as its parent: they
go with `image prune`, or when the last image that was made from them is removed. A record
whose image is gone is worth nothing, and prune() takes it away. An image also says by which
keys its steps can be found (manifest annotation KEYS): so one that was pulled serves as a
cache for --cache-from.
"""

from __future__ import annotations

import os

from mini_docker import (
    builder_cache_mounts,
    builder_commit,
    builder_state,
    image_lookup,
    image_store,
    records,
)
from mini_docker.builder_commit import Step
from mini_docker.builder_state import State
from mini_docker.errors import ConfigError, MiniDockerError, NotFound, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mini_docker.image_lookup import Image
    from mini_docker.image_transfer import Transfer

RECORD = {"Image": str, "Manifest": str}
HEX = 64  # digits of a key


class Hit:
    """An image of an earlier build: its id, and the digest of its manifest."""

    __slots__ = ("id", "manifest")

    def __init__(self, id: str, manifest: str) -> None:
        self.id = id
        self.manifest = manifest


class Cache:
    """The cache of the store at *root*."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._more: dict[str, tuple[Image, int]] = {}  # by key: an image, and a row of its history

    def use(self, reference: str) -> None:
        """Let the image *reference* serve as a cache as well; NotFound if it is not here."""
        image = image_lookup.find(self.root, reference)
        for row, key in enumerate(builder_state.keys_of(image.manifest, image.document)):
            if key:
                self._more[key] = image, row

    def find(self, key: str) -> Hit | None:
        """Return the image that the step of *key* led to, if that is still here."""
        found = self._read(key)
        if not found or not os.path.exists(image_store.blob_path(self.root, found["Manifest"])):
            return None  # the step is done again, and writes a new one
        return Hit(found["Image"], found["Manifest"])

    def knows(self, key: str) -> bool:
        """Say whether an image that use() was told of has the step *key*."""
        return key in self._more

    def revive(
        self, transfer: Transfer, key: str, before: State, config: dict[str, Any]
    ) -> State | None:
        """Make the image of the step *key* out of one that use() has been told of; None for none.

        *before* is the image before the step, *config* the config after it.
        """
        if key not in self._more:
            return None
        image, row = self._more[key]
        history = image.document["history"][: row + 1]
        count = sum(not it.get("empty_layer") for it in history)
        diff_ids = image_store.diff_ids(image.document, image.id)
        step = Step(config, str(history[-1].get("created_by", "")), key)
        step.created = str(history[-1].get("created") or "")
        step.author = str(history[-1].get("author") or "")
        if count > len(before.rows):
            if diff_ids[: count - 1] != builder_state.diff_ids(before):
                return None  # it says what is not so
            layer = {**image.manifest["layers"][count - 1], "diff_id": diff_ids[count - 1]}
            step.layer = layer, image.chain_ids()[count - 1]
            if not (transfer.has_blob(layer["digest"]) and transfer.has_layer(step.layer[1])):
                return None
        return builder_commit.register(transfer, before, step)

    def put(self, key: str, after: State) -> None:
        """Note that the step of *key* has led to *after*."""
        self._write(key, {"Image": after.id, "Manifest": after.manifest})

    def content(self, key: str) -> str:
        """Return what put_content() has noted for *key*, or "" if that image is gone."""
        found = self._read(key) if self.find(key) else {}
        return str(found.get("Content", ""))

    def put_content(self, key: str, hit: Hit, digest: str) -> None:
        """Note the digest of some files of the image *hit*, which never change."""
        self._write(key, {"Image": hit.id, "Manifest": hit.manifest, "Content": digest})

    def _read(self, key: str) -> dict[str, Any]:
        """Return the record *key*; an empty one if there is none, or a damaged one."""
        try:
            found = records.read(f"{self.root}/build/cache/{key}")
            records.demand(found, RECORD, key)
            image_store.checked(found["Manifest"])
        except (FileNotFoundError, ConfigError, AttributeError):
            return {}
        return dict(found)

    def _write(self, key: str, record: dict[str, str]) -> None:
        folder = f"{self.root}/build/cache"
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make {folder}: {reason(error)}") from error
        records.write(f"{folder}/{key}", record)


class Unwanted:
    """What of a cache may go, by prune(): at first all that it finds."""

    __slots__ = ("before", "everything", "keep")

    def __init__(self, everything: bool) -> None:
        self.everything = everything  # also what leads somewhere, and cache mounts not in use
        self.before = float("inf")  # what has been used since this moment stays, in seconds
        self.keep = 0  # bytes that may stay: what was used last


def prune(root: str, unwanted: Unwanted) -> tuple[list[str], int]:
    """Remove the records that lead nowhere, or what else is *unwanted*, the oldest first.

    Return the names of what is gone, and the bytes that this has freed.
    """
    gone, freed = [], 0
    total = usage(root)[1] if unwanted.keep else 1
    for used, path in sorted(_candidates(root, unwanted.everything)):
        if used >= unwanted.before or total <= unwanted.keep:
            break
        try:
            size = _remove(path)
        except FileNotFoundError:
            continue  # another prune was quicker
        if size < 0:
            continue
        gone.append(os.path.basename(path))
        freed += size
        total -= size if unwanted.keep else 0
    return gone, freed


def _remove(path: str) -> int:
    """Remove a record or a cache mount; return the bytes that this frees, -1 if it is in use."""
    if os.path.isdir(path):
        return builder_cache_mounts.remove(path)
    freed = os.path.getsize(path)
    os.unlink(path)
    return freed


def _candidates(root: str, everything: bool) -> Iterator[tuple[float, str]]:
    """Yield when a record, or a cache mount, was last used, and its path."""
    cache, folder = Cache(root), f"{root}/build/cache"
    for key in _list(folder):
        if everything or len(key) != HEX or not cache.find(key):
            yield _used(f"{folder}/{key}")
    for path in builder_cache_mounts.places(root):
        if everything or builder_cache_mounts.is_gone(path):
            yield _used(path)


def _used(path: str) -> tuple[float, str]:
    try:
        return os.stat(path).st_mtime, path
    except FileNotFoundError:
        return 0.0, path  # another prune is quicker


def usage(root: str) -> tuple[int, int]:
    """Return how many records and cache mounts there are, and the bytes that they take."""
    places = [f"{root}/build/cache/{name}" for name in _list(f"{root}/build/cache")]
    total = sum(os.path.getsize(path) for path in places)
    mounts = builder_cache_mounts.places(root)
    total += sum(builder_cache_mounts.size(path) for path in mounts)
    return len(places) + len(mounts), total


def load(root: str, hit: Hit) -> State:
    """Return the state of a *hit*; ConfigError, with what to do, if the image is damaged."""
    try:
        image = image_lookup.Image(root, {"digest": hit.manifest, "annotations": {}})
    except MiniDockerError as error:
        raise NotFound(f"{hit.id} of the cache is gone ({error}): build again") from None
    return State.of(image)


def _list(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except FileNotFoundError:
        return []
