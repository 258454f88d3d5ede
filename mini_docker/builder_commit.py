"""What a step has written becomes a layer, and each step an image.

The directory that a step wrote to is packed, for the digests and for whoever pulls the image,
and then moved to its place: it is what unpacking the archive would make. An image after a
step without a layer differs from the one before by its config alone.
"""

from __future__ import annotations

import os
import stat
import time

from mini_docker import (
    image_layers,
    image_new,
    image_store,
    images,
    layers_attributes,
    layers_stack,
    timestamps,
)
from mini_docker.builder_state import KEYS, State, diff_ids
from mini_docker.errors import LayerError, reason
from mini_docker.image_transfer import Transfer, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.builder_mounts import Workplace
    from mini_docker.layers_tar_write import Sink


class _Layer:
    """A directory as image_new.pack() wants it."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def pack(self, sink: Sink) -> int:
        """Write it to *sink* as a layer; return the bytes of it but for its end."""
        from mini_docker import layers
        from mini_docker.layers_tar_write import Writer

        archive = Writer(sink)
        marks = layers_attributes.confined()
        with layers_stack.Stack([self._directory], marks=True, userxattr=marks) as stack:
            layers.pack(stack, archive)
        total = archive.total
        archive.close()
        return total


def seal(
    transfer: Transfer,
    before: State,
    place: Workplace,
    epoch: int | None,
    exact: bool = False,
) -> tuple[dict[str, Any], str] | None:
    """Make a layer of diff/ in *place*; return its descriptor and chain id, None for no change.

    *place* is gone afterwards. Nothing in the layer is younger than *epoch*, in seconds; with
    *exact* all of it has that time: what a copy is of may have had any.
    """
    if not os.listdir(place.diff):
        place.remove()
        return None
    try:
        _tidy(place.diff, before.lowers())
        if epoch is not None:
            _clamp(place.diff, epoch * 10**9, exact)
    except OSError as error:
        raise LayerError(f"cannot read what the step has written: {reason(error)}") from error
    packed = image_new.pack(transfer, _Layer(place.diff))  # type: ignore[arg-type]
    if packed is None:
        place.remove()
        return None
    row, diff_id = packed
    chain = images.chain_ids([*diff_ids(before), diff_id])[-1]
    if transfer.has_layer(chain):
        place.remove()
    else:
        place.finish()
        os.chmod(place.diff, 0o755)
        os.chown(place.diff, 0, 0)
        image_layers.settle(transfer.root, place.path, (diff_id, chain, row["digest"]))
    return {**row, "diff_id": diff_id}, chain


def _tidy(diff: str, lowers: list[str]) -> None:
    """Take out the marks of what is not there below.

    overlayfs marks each new directory as opaque, to save itself a look; an archive would say
    of each that it replaces one.
    """
    mark = layers_attributes.opaque(layers_attributes.confined())
    with layers_stack.Stack(lowers) as below:
        waiting = [("", diff)]
        for path, place in waiting:
            with os.scandir(place) as rows:
                found = list(rows)
            for row in found:
                inner = f"{path}/{row.name}"
                if row.is_dir(follow_symlinks=False):
                    waiting.append((inner, row.path))
                    opaque = layers_attributes.get(row.path, mark) == b"y"
                    if opaque and not (below.roots and below.find(inner)):
                        os.removexattr(row.path, mark)
                elif not row.is_file(follow_symlinks=False) and not row.is_symlink():
                    _drop_mark(row, inner, below)


def _drop_mark(row: os.DirEntry[str], path: str, below: layers_stack.Stack) -> None:
    """Remove a whiteout of nothing: a file that came and went in one step."""
    status = row.stat(follow_symlinks=False)
    whiteout = stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
    if whiteout and not (below.roots and below.find(path)):
        os.unlink(row.path)


def _clamp(diff: str, most: int, exact: bool) -> None:
    """Let no file below *diff* be younger, or with *exact* older, than *most*, in nanoseconds."""
    waiting = [diff]
    for place in waiting:
        with os.scandir(place) as rows:
            for row in rows:
                if row.is_dir(follow_symlinks=False):
                    waiting.append(row.path)
                if exact or row.stat(follow_symlinks=False).st_mtime_ns > most:
                    os.utime(row.path, ns=(most, most), follow_symlinks=False)


class Step:
    """What one step adds: its config, what `history` says, and perhaps a layer."""

    __slots__ = ("author", "config", "created", "key", "layer", "note")

    def __init__(self, config: dict[str, Any], note: str, key: str) -> None:
        self.config = config
        self.note = note
        self.key = key  # by which the cache finds it
        self.layer: tuple[dict[str, Any], str] | None = None  # of seal()
        self.created = timestamps.now()
        self.author = ""


def register(transfer: Transfer, before: State, step: Step) -> State:
    """Make an image of *before* and *step*; return the state after it."""
    after = State(before.root)
    after.rows, after.chain = list(before.rows), list(before.chain)
    after.keys = [*before.keys, step.key]
    ids = diff_ids(before)
    if step.layer:
        row, chain = dict(step.layer[0]), step.layer[1]
        ids.append(row.pop("diff_id"))
        after.rows.append(row)
        after.chain.append(chain)
    after.document = _document(before, step, ids)
    config = {"mediaType": image_store.CONFIG_TYPE, **transfer.add_bytes(encode(after.document))}
    manifest = {
        "schemaVersion": 2,
        "mediaType": image_store.MANIFEST_TYPE,
        "config": config,
        "layers": after.rows,
        "annotations": {KEYS: ",".join(after.keys)},
    }
    data = encode(manifest)
    after.id, after.manifest = config["digest"], image_store.digest(data)
    transfer.register(data, image_store.MANIFEST_TYPE, [], before.id)
    return after


def _document(before: State, step: Step, ids: list[str]) -> dict[str, Any]:
    base = before.document
    found = {key: base[key] for key in ("architecture", "os", "variant", "author") if base.get(key)}
    if not base:
        from mini_docker import registry_platforms

        found = {"architecture": registry_platforms.host()[1], "os": "linux"}
    row: dict[str, Any] = {"created": step.created, "created_by": step.note}
    if step.author:
        found["author"] = step.author
    if not step.layer:
        row["empty_layer"] = True
    found |= {"created": step.created, "config": image_new.of_image(step.config)}
    found["rootfs"] = {"type": "layers", "diff_ids": ids}
    found["history"] = [*(base.get("history") or []), row]
    return found


def moment(epoch: int | None) -> str:
    """Return the time that an image says it was made: now, or *epoch*."""
    if epoch is None:
        return timestamps.now()
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def take_upper(place: Workplace, upper: str) -> None:
    """Make the directory *upper*, which a container has written to, the diff/ of *place*."""
    try:
        os.rmdir(place.diff)
        os.rename(upper, place.diff)
    except OSError as error:
        raise LayerError(f"cannot take the files of the step: {reason(error)}") from error
