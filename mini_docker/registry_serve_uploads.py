"""Blobs on their way into our small registry: whole, in pieces, or abandoned.

An upload lives in memory, with the hash of what has come, and in DIR/uploads, with its
bytes. It ends by its digest being right, by DELETE, or by LIFE without a byte; a registry that
starts anew knows none of those before.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time

from mini_docker.registry_serve_store import Refusal, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_docker.registry_serve_store import Storage

LIFE = 1800.0  # seconds
MOST = 512  # uploads at a time
LARGEST = 2**36  # bytes of a blob


class Upload:
    """One blob that comes in, for the repository *name*."""

    def __init__(self, storage: Storage, name: str) -> None:
        self.id = os.urandom(16).hex()
        self.name = name
        self.path = f"{storage.root}/uploads/{self.id}"
        self.count = 0  # bytes
        self.touched = time.monotonic()
        self.busy = threading.Lock()
        self._hash = hashlib.sha256()
        self._file = open(self.path, "wb", buffering=0)  # noqa: SIM115  close() closes it

    def add(self, pieces: Iterator[bytes]) -> None:
        """Append what comes."""
        for piece in pieces:
            self.touched = time.monotonic()
            self.count += len(piece)
            if self.count > LARGEST:
                raise Refusal(413, "SIZE_INVALID", f"a blob has at most {LARGEST} bytes")
            self._hash.update(piece)
            view = memoryview(piece)
            while view:
                view = view[self._file.write(view) :]

    def digest(self) -> str:
        """Return the digest of what has come."""
        return f"sha256:{self._hash.hexdigest()}"

    def close(self) -> None:
        """Forget the upload, and what it wrote unless that has moved."""
        self._file.close()
        if os.path.exists(self.path):
            os.unlink(self.path)


class Uploads:
    """The uploads under way."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._all: dict[str, Upload] = {}
        for name in os.listdir(f"{storage.root}/uploads"):
            os.unlink(f"{storage.root}/uploads/{name}")

    def begin(self, name: str) -> Upload:
        """Begin an upload for the repository *name*; those without life go."""
        self._storage.folder(name)
        with self._lock:
            for upload in list(self._all.values()):
                if time.monotonic() - upload.touched > LIFE and upload.busy.acquire(False):
                    self._all.pop(upload.id).close()
            if len(self._all) >= MOST:
                raise Refusal(429, "TOOMANYREQUESTS", f"{MOST} uploads are under way")
            upload = Upload(self._storage, name)
            self._all[upload.id] = upload
        return upload

    def find(self, name: str, id: str) -> Upload:
        """Return the upload *id* of the repository *name*; Refusal if there is none such."""
        upload = self._all.get(id)
        if upload is None or upload.name != name:
            raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", f"no such upload: {id:.100}")
        return upload

    def add(self, upload: Upload, pieces: Iterator[bytes], start: int | None = None) -> None:
        """Append *pieces*, which begin at byte *start* of the blob if that is known."""
        if not upload.busy.acquire(False):
            raise Refusal(416, "BLOB_UPLOAD_INVALID", "somebody else writes to this upload")
        try:
            if start is None or start == upload.count:
                upload.add(pieces)
                return
        except ConnectionError:
            raise  # what came is kept: the client may go on
        except (OSError, Refusal):
            self.drop(upload)
            raise
        finally:
            upload.busy.release()
        raise Refusal(416, "BLOB_UPLOAD_INVALID", f"the next byte is {upload.count}")

    def finish(self, upload: Upload, digest: str) -> None:
        """Give the blob to its repository if it is what *digest* says; the upload ends."""
        with upload.busy:
            try:
                if f"sha256:{checked(digest)}" != upload.digest():
                    raise Refusal(400, "DIGEST_INVALID", f"its digest is {upload.digest()}")
                os.rename(upload.path, self._storage.path(digest))
                self._storage.link(upload.name, digest)
            finally:
                self.drop(upload)

    def drop(self, upload: Upload) -> None:
        """Forget an upload."""
        with self._lock:
            self._all.pop(upload.id, None)
        upload.close()

    def close(self) -> None:
        """Forget all uploads."""
        for upload in list(self._all.values()):
            self.drop(upload)
