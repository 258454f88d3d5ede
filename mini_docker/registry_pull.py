"""Pull: an image from a registry into the store.

The manifest comes first, by its tag; everything after it is asked for by digest. What the
store has already is not asked for again: of an image that has not changed, the manifest is all.
Layers are fetched side by side and unpacked from below as they come (registry_download.py);
the image has its name once everything is proved and in its place (image_transfer.py).
"""

from __future__ import annotations

from contextlib import closing

from mini_docker import (
    image_layers,
    image_lookup,
    image_store,
    registry,
    registry_download,
    registry_endpoints,
    registry_manifests,
    registry_platforms,
)
from mini_docker.errors import ConnectionCut, MiniDockerError, RegistryError
from mini_docker.image_transfer import Receiver, Transfer
from mini_docker.registry_manifests import Found, check
from mini_docker.registry_progress import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.image_store import Descriptor
    from mini_docker.images import Reference
    from mini_docker.registry import Platform, Session
    from mini_docker.registry_download import Arrival
    from mini_docker.registry_endpoints import Endpoints
    from mini_docker.registry_progress import Progress

LIMIT = image_store.DOCUMENT_LIMIT
CONFIG_TYPES = (image_store.CONFIG_TYPE, "application/vnd.docker.container.image.v1+json")
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
LAYER_TYPES = (
    *(f"{image_store.LAYER_TYPE}{suffix}" for suffix in ("", "+gzip", "+zstd")),
    *(f"{DOCKER_LAYER}{suffix}" for suffix in ("", ".gzip", ".zstd")),
)


class Pulled:
    """What a pull brought: the *digest* that its name stands for, the image's *id*."""

    __slots__ = ("digest", "id", "new")

    def __init__(self, digest: str, id: str, new: bool) -> None:
        self.digest = digest  # of the index, where there is one
        self.id = id
        self.new = new


class Puller:
    """One command that pulls into the store at *root*."""

    def __init__(self, root: str, endpoints: Endpoints, progress: Progress, platform: str) -> None:
        self._root = root
        self._endpoints = endpoints
        self._progress = progress
        self._asked = bool(platform)
        self._platform: Platform = (
            registry_platforms.parse(platform) if platform else registry_platforms.host()
        )

    def sessions(self, reference: Reference) -> list[Session]:
        """Return sessions at all who may have *reference*: mirrors, then its registry."""
        scopes = [f"repository:{reference.path}:pull"]
        hub = reference.domain == registry_endpoints.HUB
        mirrors = self._endpoints.mirrors(reference.path, scopes) if hub else []
        return [*mirrors, self._endpoints.session(reference.domain, reference.path, scopes)]

    def pull(self, reference: Reference) -> Pulled:
        """Pull *reference*, which has a tag or a digest, and tell of it as Docker does."""
        *mirrors, last = self.sessions(reference)
        for session in mirrors:
            try:
                return self._pull_from(session, reference)
            except RegistryError as error:
                self._progress.say(f"{session.base} cannot help: {error}")
        try:
            return self._pull_from(last, reference)
        except ConnectionCut as error:
            raise registry_endpoints.offline(reference.domain, error) from None

    def _pull_from(self, session: Session, reference: Reference) -> Pulled:
        found = top = registry_manifests.first(session, reference)
        asked = reference.tag if not reference.digest else f"{reference}"
        self._progress.say(f"{asked}: Pulling from {reference.path}")
        with Transfer(self._root) as transfer:
            if top.media_type in image_store.INDEX_TYPES:
                found = self._chosen(session, transfer, top)
            names = [f"{reference.domain}/{reference.path}@{top.digest}"]
            if not reference.digest:
                names.append(reference.full())
            manifest = image_store.check_manifest(found.document, found.digest)
            new = not self._here(found.digest, names[-1])
            if new:
                self._bring(session, transfer, manifest)
            else:
                document = image_store.document(self._root, manifest["config"]["digest"])
                self._check_platform(session, document)
            id = transfer.register(found.data, found.media_type, names)
        return Pulled(top.digest, id, new)

    def _check_platform(self, session: Session, document: dict[str, Any]) -> None:
        if self._asked and not registry_platforms.fits(document, self._platform):
            raise RegistryError(
                f"{session.name} is for {document.get('os')}/{document.get('architecture')}, "
                f"not for {registry_platforms.name(self._platform)}"
            )

    def _here(self, digest: str, name: str) -> bool:
        """Say whether *name* stands for the manifest *digest* now, and nothing of it is missing."""
        row = image_store.locate(self._root, name)
        if row is None or row["digest"] != digest:
            return False
        try:
            image_lookup.find(self._root, name)
        except MiniDockerError:
            return False
        return True

    def _chosen(self, session: Session, transfer: Transfer, index: Found) -> Found:
        """Return the manifest in *index* that is for our platform: the store's, or fetched."""
        if not isinstance(index.document.get("manifests"), list):
            raise RegistryError(f"the index {index.digest} has no list of manifests")
        row = registry.choose(index.document, self._platform)
        check(row, LIMIT)
        digest, what = row["digest"], f"{session.name}@{row['digest']}"
        if transfer.has_blob(digest):
            with open(image_store.blob_path(self._root, digest), "rb") as file:
                return Found(file.read(LIMIT), str(row.get("mediaType")), what)
        data = b"".join(registry.fetch(session, "manifests", row))
        return Found(data, str(row.get("mediaType")), what)

    def _bring(self, session: Session, transfer: Transfer, manifest: dict[str, Any]) -> None:
        """Bring the config and all layers of *manifest* into the store."""
        row = check(manifest["config"], LIMIT)
        if row["mediaType"] not in CONFIG_TYPES:
            raise RegistryError(f"{session.name} is no image, but {row['mediaType']!r:.100}")
        digest = row["digest"]
        layers = [check(layer) for layer in manifest["layers"]]
        for layer in layers:
            if layer["mediaType"] not in LAYER_TYPES or layer.get("urls"):
                why = "from another place" if "foreign" in layer["mediaType"] else "of a type"
                raise RegistryError(
                    f"{session.name} has a layer {why} that we do not fetch: "
                    f"{layer['mediaType']!r:.100}"
                )
        if not transfer.has_blob(digest):
            transfer.add_bytes(b"".join(registry.fetch(session, "blobs", row)))
        document = image_store.document(self._root, digest)
        diff_ids = image_layers.check_config(document, digest)
        self._check_platform(session, document)
        if len(diff_ids) != len(layers):
            raise RegistryError(
                f"{session.name} has {len(layers)} layers and {len(diff_ids)} diff ids"
            )
        self._bring_layers(session, transfer, layers, diff_ids)

    def _bring_layers(
        self, session: Session, transfer: Transfer, layers: list[Descriptor], diff_ids: list[str]
    ) -> None:
        """Fetch what is not here, several at once, and unpack all, the lowest first."""
        chain = image_layers.stack(diff_ids)
        missing = {row["digest"]: row for row in layers if not transfer.has_blob(row["digest"])}
        for layer, id in zip(layers, chain, strict=True):
            there = layer["digest"] not in missing and transfer.has_layer(id)
            self._tell(layer["digest"], "Already exists" if there else "Pulling fs layer", 0, 0)
        rows, most = list(missing.values()), self._endpoints.downloads
        with registry_download.Downloads(session, transfer, rows, most, self._tell) as downloads:
            for n, layer in enumerate(layers):
                stack = chain[: n + 1]
                arrival = downloads.pop(layer["digest"])
                if arrival is None:
                    if not transfer.has_layer(stack[-1]):
                        self._tell(layer["digest"], "Extracting", 0, 0)
                        transfer.add_layer(layer, diff_ids[n], stack)
                        self._tell(layer["digest"], "Pull complete", 0, 0)
                    continue
                self._unpack(transfer, arrival, diff_ids[n], stack)
                self._tell(layer["digest"], "Pull complete", 0, 0)

    def _unpack(self, transfer: Transfer, arrival: Arrival, diff_id: str, stack: list[str]) -> None:
        """Put the blob that arrives into the store, and its files, unless they are there."""
        row = arrival.row
        receiver = Receiver(transfer, arrival, row["digest"], row["size"], arrival.path)
        with closing(receiver):
            if transfer.has_layer(stack[-1]):
                receiver.finish()
            else:
                image_layers.unpack(transfer, receiver, diff_id, stack)

    def _tell(self, digest: str, state: str, count: int, size: int) -> None:
        if size:
            self._progress.bar(short(digest), state, count, size)
        else:
            self._progress.state(short(digest), state)
