"""Layers of the image store: unpacked beside their place, and renamed once they are proved.

ROOT/layers/HEX/diff/         the files: a lower directory for overlayfs
ROOT/layers/HEX/layer.json    DiffID, ChainID, Blob (the digest that it was unpacked from),
                              Size (bytes of its regular files, as `docker images` counts)
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from mini_docker import image_store, images, records, trees
from mini_docker.errors import ConfigError, LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mini_docker.image_transfer import Receiver, Transfer
    from mini_docker.layers_stack import Stack

TEXTS = ("User", "WorkingDir", "StopSignal")
LISTS = ("Env", "Cmd", "Entrypoint", "OnBuild", "Shell")
OBJECTS = ("Labels", "Volumes", "ExposedPorts", "Healthcheck")


def unpack(transfer: Transfer, receiver: Receiver, diff_id: str, chain: list[str]) -> None:
    """Unpack the layer that *receiver* brings, and put it and its blob into their places."""
    from mini_docker import layers_unpack  # here: `run` needs none of it

    making = transfer.new_path("layers")
    try:
        os.makedirs(f"{making}/diff", 0o755)
        os.chmod(making, 0o700)
    except OSError as error:
        raise ConfigError(f"cannot make {making}: {reason(error)}") from error
    with (
        _below(transfer.root, chain[:-1]) as below,
        layers_unpack.open_tree(f"{making}/diff", below) as tree,
    ):
        try:
            found = layers_unpack.unpack(receiver, tree)
        except LayerError as error:
            raise receiver.blame(error) from error
    blob, _ = receiver.finish()
    if found.diff_id != diff_id:
        raise ConfigError(
            f"the layer {blob} is not what the image's config says: its diff id is "
            f"{found.diff_id}, not {diff_id}"
        )
    settle(transfer.root, making, (diff_id, chain[-1], blob))


@contextmanager
def _below(root: str, chain: list[str]) -> Iterator[Stack | None]:
    """Yield the layers below, as far as they are unpacked."""
    from mini_docker import layers_attributes
    from mini_docker.layers_stack import Stack

    paths = [f"{image_store.layer_path(root, id)}/diff" for id in reversed(chain)]
    there = [path for path in paths if os.path.isdir(path)]
    if not there:
        yield None
        return
    with Stack(there, userxattr=layers_attributes.confined()) as stack:
        yield stack


def settle(root: str, making: str, ids: tuple[str, str, str]) -> None:
    """Rename the layer in the directory *making* into its place; *ids* are diff, chain, blob."""
    diff_id, chain, blob = ids
    record = {"DiffID": diff_id, "ChainID": chain, "Blob": blob, "Size": size(f"{making}/diff")}
    records.write(f"{making}/layer.json", record)
    try:
        os.rename(making, image_store.layer_path(root, chain))
    except OSError as error:
        place = image_store.layer_path(root, chain)
        if os.path.isdir(f"{place}/diff"):
            trees.remove(making)  # somebody else was faster
        elif os.path.isdir(place):
            trees.remove(place)  # somebody has removed the files
            os.rename(making, place)
        else:
            raise ConfigError(f"cannot finish the layer {chain}: {reason(error)}") from error


def size(directory: str) -> int:
    """Return the bytes of all regular files below *directory*, one with several names once."""
    seen: dict[int, int] = {}
    waiting = [directory]
    while waiting:
        with os.scandir(waiting.pop()) as rows:
            for row in rows:
                if row.is_dir(follow_symlinks=False):
                    waiting.append(row.path)
                elif row.is_file(follow_symlinks=False):
                    seen[row.inode()] = row.stat(follow_symlinks=False).st_size
    return sum(seen.values())


def check_manifest(transfer: Transfer, manifest: dict[str, Any]) -> None:
    """Refuse a *manifest* unless its config and all its layers are here and fit together."""
    digest = manifest["config"]["digest"]
    for row in (manifest["config"], *manifest["layers"]):
        if not transfer.has_blob(row["digest"]):
            raise ConfigError(f"the image {digest} is not complete: it lacks {row['digest']}")
    document = image_store.document(transfer.root, digest)
    diff_ids = check_config(document, digest)
    if len(diff_ids) != len(manifest["layers"]):
        raise ConfigError(
            f"the image {digest} has {len(manifest['layers'])} layers and {len(diff_ids)} diff ids"
        )
    for chain in stack(diff_ids):
        if not transfer.has_layer(chain):
            raise ConfigError(f"the image {digest} is not complete: its layer {chain} is missing")


def check_config(document: dict[str, Any], digest: str) -> list[str]:
    """Return the diff ids of an image's config *document*; ConfigError if it makes no sense.

    Later nobody asks again whether Env is a list and every label a text.
    """
    config = document.get("config") or {}
    good = isinstance(config, dict) and isinstance(document.get("created", ""), str | None)
    if good:
        good = all(isinstance(config.get(name) or "", str) for name in TEXTS)
        good = good and all(_texts(config.get(name) or []) for name in LISTS)
        good = good and all(isinstance(config.get(name) or {}, dict) for name in OBJECTS)
        good = good and _texts(list((config.get("Labels") or {}).values()))
        good = good and _history(document.get("history") or [])
    if not good:
        raise ConfigError(f"the config of the image {digest} has a field of a wrong type")
    for name, ours in (("os", "linux"),):
        if document.get(name, ours) not in (ours, ""):
            raise ConfigError(f"the image {digest} is for {document[name]!r:.50}, not for {ours}")
    return image_store.diff_ids(document, digest)


def stack(diff_ids: list[str]) -> list[str]:
    """Return the chain ids of a stack of layers; for a single one no lab is needed."""
    return images.chain_ids(diff_ids) if len(diff_ids) > 1 else list(diff_ids)


def whole(root: str, chain: str) -> bool:
    """Say whether the layer *chain* is here, unpacked."""
    return os.path.isdir(f"{image_store.layer_path(root, chain)}/diff")


def record(root: str, chain: str) -> dict[str, Any]:
    """Return layer.json of the layer *chain*; ConfigError if the layer is gone."""
    path = f"{image_store.layer_path(root, chain)}/layer.json"
    try:
        found = records.read(path)
        records.demand(found, {"Size": int, "DiffID": str}, path)
    except FileNotFoundError:
        raise ConfigError(f"the image store lacks the layer {chain} ({path})") from None
    return dict(found)


def _texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(word, str) for word in found)


def _history(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(row, dict) for row in found)
