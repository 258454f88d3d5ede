"""Push: an image from the store to a registry, its blobs byte for byte as they came.

Layers go up side by side, each only if the registry lacks it; where another repository of
the same registry gave us a layer, it is linked instead of sent. Then the config, and at
last the manifest: from then on the image is there.
"""

from __future__ import annotations

import threading

from mini_docker import (
    image_lookup,
    image_store,
    images,
    registry,
    registry_challenges,
    registry_endpoints,
)
from mini_docker.errors import ConnectionCut, MiniDockerError, RegistryError, reason
from mini_docker.registry_progress import short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Self

    from mini_docker.image_lookup import Image
    from mini_docker.image_store import Descriptor
    from mini_docker.images import Reference
    from mini_docker.registry import Session
    from mini_docker.registry_endpoints import Endpoints
    from mini_docker.registry_progress import Progress

TRIES = 3  # of one blob
MOST_SOURCES = 8  # repositories to mount from: a token is asked for each


class Upload:
    """The file of a blob, which tells how far it has been read."""

    def __init__(self, file: BinaryIO, size: int, tell: tuple[Progress, str]) -> None:
        self._file = file
        self._size = size
        self._progress, self._id = tell
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1, /) -> bytes:
        """Return at most *size* bytes."""
        piece = self._file.read(size)
        self._count += len(piece)
        self._progress.bar(self._id, "Pushing", self._count, self._size)
        return piece

    def seek(self, offset: int, /) -> int:
        """Go back to the beginning, for another try."""
        self._count = offset
        return self._file.seek(offset)


class Pusher:
    """One command that pushes from the store at *root*."""

    def __init__(self, root: str, endpoints: Endpoints, progress: Progress) -> None:
        self._root = root
        self._endpoints = endpoints
        self._progress = progress

    def push(self, references: list[Reference]) -> None:
        """Push *references*, tags of one repository, and tell of it as Docker does."""
        found = [(it, image_lookup.find(self._root, str(it))) for it in references]
        domain, path = references[0].domain, references[0].path
        wanted = {row["digest"] for _, image in found for row in image.manifest["layers"]}
        sources = self._sources(domain, path, wanted)
        scopes = [f"repository:{path}:pull,push"]
        scopes += [f"repository:{it}:pull" for it in sorted(set(sources.values()))]
        try:
            session = self._endpoints.session(domain, path, scopes)
            for reference, image in found:
                self._push(session, reference, image, sources)
        except ConnectionCut as error:
            raise registry_endpoints.offline(domain, error) from None

    def _push(
        self, session: Session, reference: Reference, image: Image, sources: dict[str, str]
    ) -> None:
        rows = list({row["digest"]: row for row in image.manifest["layers"]}.values())
        for row in rows[::-1]:
            self._progress.state(short(row["digest"]), "Preparing")
        with _Crew(self, session, rows[::-1], sources) as crew:
            crew.wait()
        self.send(session, image.manifest["config"])
        digest, size = image.descriptor["digest"], image.descriptor["size"]
        with self._open(digest) as file:
            data = file.read(image_store.DOCUMENT_LIMIT)
        headers = {"Content-Type": str(image.descriptor["mediaType"])}
        with session.request("PUT", f"manifests/{reference.tag}", headers, data) as reply:
            if reply.status != 201:
                raise registry_challenges.refusal(reply, f"{session.name}:{reference.tag}")
            said = reply.headers.get("Docker-Content-Digest", digest)
        if said != digest:
            raise RegistryError(f"{session.base} lies: it took {digest} for {said!r:.100}")
        with image_store.lock(self._root):
            name = f"{reference.domain}/{reference.path}@{digest}"
            image_store.point(self._root, image.descriptor, [name], image.parent())
        self._progress.say(f"{reference.tag}: digest: {digest} size: {size}")

    def send(self, session: Session, row: Descriptor, source: str = "", id: str = "") -> None:
        """See to it that the registry has the blob *row*; tell of it under *id*, if any."""
        for left in range(TRIES - 1, -1, -1):
            try:
                with self._open(row["digest"]) as file:
                    if id:
                        tell = self._progress, id
                        with Upload(file, row["size"], tell) as upload:
                            how = registry.push_blob(session, row, upload, source)  # type: ignore[arg-type]  # it has read() and seek()
                        self._progress.state(id, how)
                    else:
                        registry.push_blob(session, row, file)
                return
            except ConnectionCut:
                if not left:
                    raise
                session.http.pause(TRIES - left)

    def _open(self, digest: str) -> BinaryIO:
        path = image_store.blob_path(self._root, digest)
        try:
            return open(path, "rb", buffering=0)
        except OSError as error:
            raise RegistryError(f"cannot read {path}: {reason(error)}") from error

    def _sources(self, domain: str, path: str, wanted: set[str]) -> dict[str, str]:
        """Return, by digest, another repository of *domain* that has a blob that is *wanted*.

        Of several the one that was pushed or pulled last: another registry may serve there now.
        """
        found: dict[str, str] = {}
        for row in reversed(image_store.entries(self._root)):
            name = image_store.name_of(row)
            if not name.startswith(f"{domain}/") or "@" not in name:
                continue  # by its digest we know an image that the registry had
            parsed = images.parse(name)
            if parsed.path == path or len({*found.values(), parsed.path}) > MOST_SOURCES:
                continue
            try:
                manifest = image_store.manifest(self._root, row["digest"])
            except MiniDockerError:
                continue  # a listing tells of it
            for layer in manifest["layers"]:
                if layer["digest"] in wanted:
                    found.setdefault(layer["digest"], parsed.path)
        return found


class _Crew:
    """Threads that send blobs, the first error of which is raised."""

    def __init__(
        self, pusher: Pusher, session: Session, rows: list[Descriptor], sources: dict[str, str]
    ) -> None:
        self._pusher = pusher
        self._session = session
        self._rows = rows
        self._sources = sources
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        count = max(min(pusher._endpoints.uploads, len(rows)), 0)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._rows = []

    def wait(self) -> None:
        """Wait until all is sent, or something has failed."""
        for thread in self._threads:
            while thread.is_alive() and not self._errors:
                thread.join(0.2)
        if self._errors:
            raise self._errors[0]

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._rows or self._errors:
                    return
                row = self._rows.pop(0)
            digest = row["digest"]
            try:
                self._pusher.send(self._session, row, self._sources.get(digest, ""), short(digest))
            except BaseException as error:  # wait() raises it
                self._errors.append(error)
                return
