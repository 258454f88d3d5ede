"""Content on its way into the image store: a pull, a load, a commit, a build.

    with Transfer(root) as transfer:
        if not transfer.has_blob(digest):
            transfer.add_blob(stream, digest, size)
        transfer.add_layer(descriptor, diff_id, chain, stream)  # chain: images.chain_ids()
        id = transfer.register(manifest, media_type, ["docker.io/library/busybox:latest"])

A stream is anything with read(size). Nothing is used before its digest has been compared
with what was promised: a blob is written under another name and renamed; a layer is
unpacked in the same pass, beside its place, and renamed too. An image is there once
register() has put it into the index, and not before. Killed at any moment, a transfer
leaves files that no listing shows; the next removal or `system check --repair` takes them.

A transfer holds a lease: a file, locked for as long as it lives, with the digests that it
asked for. What is in a living lease is not removed, whoever prunes meanwhile. add_blob and
add_layer may be called by several threads at once.
"""

from __future__ import annotations

import hashlib
import os
import threading

from mini_docker import image_garbage, image_layers, image_store, records
from mini_docker.errors import ConfigError, LayerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from mini_docker.image_store import Descriptor
    from mini_docker.image_streams import Source

PIECE = 2**18  # bytes to read at a time
DRAINED = 2**26  # bytes left of a stream that are read to see what an error came from


class Transfer:
    """One pull, load, commit or build that is under way; use it in a with statement."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.name = ""
        self._own = threading.Lock()
        self._count = 0

    def __enter__(self) -> Self:
        image_store.prepare(self.root)
        with image_store.lock(self.root):
            self._lease = image_store.lease(self.root)
        self.name = os.path.basename(self._lease.path)
        return self

    def __exit__(self, *_: object) -> None:
        self.clean()
        image_store.end_lease(self._lease)

    def clean(self) -> None:
        """Take away what was begun and not finished."""
        for place in ("oci/ingest", "layers"):
            for entry in os.listdir(f"{self.root}/{place}"):
                if entry.startswith((f"{self.name}.", f".making-{self.name}.")):
                    image_garbage.remove(f"{self.root}/{place}/{entry}")

    def has_blob(self, digest: str) -> bool:
        """Say whether the blob *digest* is here; from now on it is not removed."""
        path = image_store.blob_path(self.root, digest)
        return self._claim(f"blob {digest}", path)

    def has_layer(self, chain: str) -> bool:
        """Say whether the layer *chain* is here, unpacked; from now on it is not removed."""
        return self._claim(f"layer {chain}", f"{image_store.layer_path(self.root, chain)}/diff")

    def _claim(self, line: str, path: str) -> bool:
        with image_store.lock(self.root), self._own:
            try:
                os.write(self._lease.descriptor, f"{line}\n".encode())
            except OSError as error:
                raise ConfigError(f"cannot write {self._lease.path}: {reason(error)}") from error
            return os.path.exists(path)

    def new_path(self, place: str) -> str:
        """Return a name in ROOT/oci/ingest or ROOT/layers for something unfinished."""
        with self._own:
            self._count += 1
            name = f"{self.name}.{self._count}"
        making = "layers/.making-" if place == "layers" else "oci/ingest/"
        return f"{self.root}/{making}{name}"

    def add_blob(self, stream: Source, digest: str = "", size: int = -1) -> tuple[str, int]:
        """Put what *stream* holds into the store; return its digest and size in bytes.

        Without *digest* and *size* anything is taken. Otherwise ConfigError says what came
        instead, and the store stays as it was; no more than *size* bytes are read and one.
        """
        receiver = Receiver(self, stream, digest, size)
        return receiver.finish()

    def add_bytes(self, data: bytes) -> Descriptor:
        """Put *data* into the store; return a descriptor of it without a mediaType."""
        import io

        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not self.has_blob(digest) or not sound(self.root, digest):
            self.add_blob(io.BytesIO(data), digest, len(data))
        return {"digest": digest, "size": len(data)}

    def add_layer(
        self, layer: Descriptor, diff_id: str, chain: list[str], stream: Source | None = None
    ) -> None:
        """See to it that the blob *layer* is here and, unpacked, its files.

        *chain* are the chain ids of the stack up to this layer, which has the last one. The
        layers below, as far as they are unpacked, tell the mode of a directory that its
        archive does not mention. *stream* gives the blob if it is not here yet. One pass
        hashes the compressed bytes, keeps them, inflates, hashes and unpacks.
        ConfigError if the blob is not the one that was promised, or its tar is not *diff_id*.
        """
        blob, there = image_store.checked(layer["digest"]), self.has_layer(chain[-1])
        here = self.has_blob(blob)
        if not here and stream is None:
            raise ConfigError(f"the image store lacks the blob {blob}")
        if here and there:
            return
        if there and stream is not None:
            self.add_blob(stream, blob, layer["size"])
        elif here:
            with open(image_store.blob_path(self.root, blob), "rb", buffering=0) as file:
                receiver = Receiver(self, file, blob, layer["size"], os.devnull)
                image_layers.unpack(self, receiver, image_store.checked(diff_id), chain)
        elif stream is not None:
            receiver = Receiver(self, stream, blob, layer["size"])
            image_layers.unpack(self, receiver, image_store.checked(diff_id), chain)

    def take_layer(self, layer: Descriptor, diff_id: str, chain: list[str], path: str) -> None:
        """Do as add_layer() with a blob that lies at *path*, a new_path() of ours: it moves."""
        there = self.has_layer(chain[-1])
        self.has_blob(layer["digest"])
        with open(path, "rb", buffering=0) as file:
            receiver = Receiver(self, file, layer["digest"], layer["size"], path)
            if there:
                receiver.finish()
            else:
                image_layers.unpack(self, receiver, image_store.checked(diff_id), chain)

    def register(self, manifest: bytes, media_type: str, names: list[str], parent: str = "") -> str:
        """Make an image of the bytes of its *manifest*, once all that it names is here.

        *names* are whole references (images.Reference.full()); without one the image is
        untagged. *parent* is the id of the image that it was made from. Returns the image's
        id. ConfigError if a blob or a layer is missing, or the documents do not fit together.
        """
        descriptor = {"mediaType": media_type, **self.add_bytes(manifest)}
        found = image_store.manifest(self.root, descriptor["digest"])
        image_layers.check_manifest(self, found)
        with image_store.lock(self.root):
            image_store.point(self.root, descriptor, names, parent)
        return str(found["config"]["digest"])


def sound(root: str, digest: str) -> bool:
    """Say whether the blob *digest* is what its name says: all of it is read and hashed."""
    try:
        with open(image_store.blob_path(root, digest), "rb", buffering=0) as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == digest
    except FileNotFoundError:
        return False


class Receiver:
    """A stream into the store: read() passes on what it keeps; finish() proves it."""

    def __init__(
        self, transfer: Transfer, stream: Source, digest: str, size: int, path: str = ""
    ) -> None:
        """*path* is where the blob lies already; it need not be kept if that is /dev/null."""
        self.digest = image_store.checked(digest) if digest else ""
        self._size = size
        self._root = transfer.root
        self._path = path or transfer.new_path("ingest")
        self._stream = stream
        self._hash = hashlib.sha256()
        self._count = 0
        try:
            place = os.devnull if path else self._path
            self._file = open(place, "wb", buffering=0)  # noqa: SIM115  finish() closes it
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {reason(error)}") from error

    def read(self, size: int = PIECE, /) -> bytes:
        """Return at most *size* bytes of the stream, which have been counted, hashed and kept."""
        piece = self._stream.read(size)
        self._hash.update(piece)
        self._count += len(piece)
        if 0 <= self._size < self._count:
            raise ConfigError(f"{self._what()} is larger than its {self._size} bytes")
        try:
            written = self._file.write(piece)
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {reason(error)}") from error
        if written != len(piece):
            raise ConfigError(f"cannot write {self._path}: {os.strerror(28)}")  # ENOSPC
        return piece

    def finish(self) -> tuple[str, int]:
        """Read the rest; give the blob its name if it is what it should be, or ConfigError."""
        digest, count = self._prove()
        if self._path != os.devnull:
            os.rename(self._path, image_store.blob_path(self._root, digest))
        return digest, count

    def blame(self, error: LayerError) -> LayerError:
        """Return *error*, with the blob's name, unless the blob is not what it should be.

        Then the ConfigError that says so is raised: it is the cause of whatever else is wrong.
        """
        if 0 <= self._size < self._count + DRAINED:
            self._prove()
        return LayerError(f"{self._what()}: {error}")

    def _prove(self) -> tuple[str, int]:
        while self.read():
            pass
        self._file.close()
        digest = f"sha256:{self._hash.hexdigest()}"
        if self._count != self._size >= 0:
            raise ConfigError(f"{self._what()} ends after {self._count} of {self._size} bytes")
        if self.digest and digest != self.digest:
            raise ConfigError(f"{self._what()} is not what it should be: its digest is {digest}")
        return digest, self._count

    def close(self) -> None:
        """Close the file, whatever has come of it."""
        self._file.close()

    def _what(self) -> str:
        return f"the blob {self.digest}" if self.digest else "a blob"


def encode(document: dict[str, Any]) -> bytes:
    """Return the bytes of a manifest or config of ours: JSON without blanks."""
    return records.dump(document).encode()
