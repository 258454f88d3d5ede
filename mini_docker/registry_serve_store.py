"""What our small registry keeps: blobs once, and for each repository what it has.

    DIR/blobs/sha256/HEX                content, for all repositories
    DIR/repositories/NAME/_blobs/HEX      empty: this repository has the blob
    DIR/repositories/NAME/_manifests/HEX  the media type of a manifest, whose bytes are a blob
    DIR/repositories/NAME/_tags/TAG       the digest of a manifest
    DIR/uploads/ID                        a blob that comes in (registry_serve_uploads.py)

Names come from strangers. None becomes a path before the grammar of references has let it
pass; that grammar knows neither ".." nor a word that begins with "_".
"""

from __future__ import annotations

import hashlib
import os

from mini_docker import image_store, images_grammar, records
from mini_docker.errors import ConfigError, MiniDockerError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIMIT = image_store.DOCUMENT_LIMIT
REFERENCES = 1000  # blobs that one manifest may name


class Refusal(MiniDockerError):
    """An error for a client: a status, a code of the specification, and a reason."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Storage:
    """The content of one registry, in the directory *root*."""

    def __init__(self, root: str) -> None:
        self.root = root
        try:
            for place in ("blobs/sha256", "repositories", "uploads"):
                os.makedirs(f"{root}/{place}", 0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make a registry in {root}: {reason(error)}") from error

    def blob(self, name: str, digest: str) -> str:
        """Return the path of a blob of the repository *name*; Refusal if it has none such."""
        if not self.has(name, digest):
            raise Refusal(404, "BLOB_UNKNOWN", f"{name} has no blob {digest:.100}")
        return self.path(digest)

    def has(self, name: str, digest: str) -> bool:
        """Say whether the repository *name* has the blob *digest*."""
        return os.path.exists(f"{self.folder(name)}/_blobs/{checked(digest)}")

    def path(self, digest: str) -> str:
        """Return where the blob *digest* lies, or would."""
        return f"{self.root}/blobs/sha256/{checked(digest)}"

    def folder(self, name: str) -> str:
        """Return the directory of the repository *name*; Refusal if that is no name."""
        if not name or len(name) > 255 or not images_grammar.is_path(name):
            raise Refusal(400, "NAME_INVALID", f"invalid repository name {name!r:.100}")
        return f"{self.root}/repositories/{name}"

    def link(self, name: str, digest: str) -> None:
        """Give the blob *digest*, which is here, to the repository *name*."""
        folder = f"{self.folder(name)}/_blobs"
        os.makedirs(folder, 0o700, exist_ok=True)
        with open(f"{folder}/{checked(digest)}", "wb"):
            pass

    def put_blob(self, name: str, digest: str, data: bytes) -> None:
        """Keep *data*, whose digest is *digest*, for the repository *name*."""
        if not os.path.exists(self.path(digest)):
            self._put(self.path(digest), data)
        self.link(name, digest)

    def manifest(self, name: str, wanted: str) -> tuple[str, str, str]:
        """Return path, digest and media type of the manifest *wanted*, a tag or a digest."""
        digest = wanted
        if ":" not in wanted:
            tag = _read(f"{self.folder(name)}/_tags/{_tag(wanted)}")
            digest = tag or f"sha256:{'0' * 64}"
        media_type = _read(f"{self.folder(name)}/_manifests/{checked(digest)}")
        if not media_type:
            raise Refusal(404, "MANIFEST_UNKNOWN", f"{name} has no manifest {wanted:.100}")
        return self.path(digest), digest, media_type

    def put_manifest(self, name: str, wanted: str, media_type: str, data: bytes) -> str:
        """Keep the manifest *data* as *wanted*, a tag or its digest; return its digest.

        Refusal if it is none, or names what the repository does not have.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if ":" in wanted:
            if f"sha256:{checked(wanted)}" != digest:
                raise Refusal(400, "DIGEST_INVALID", f"its digest is {digest}")
        else:
            _tag(wanted)
        media_type = self._check(name, media_type, data)
        self.put_blob(name, digest, data)
        folder = self.folder(name)
        for place in ("_manifests", "_tags"):
            os.makedirs(f"{folder}/{place}", 0o700, exist_ok=True)
        self._put(f"{folder}/_manifests/{digest[7:]}", media_type.encode())
        if ":" not in wanted:
            self._put(f"{folder}/_tags/{wanted}", digest.encode())
        return digest

    def _put(self, path: str, data: bytes) -> None:
        """Put *data* at *path* in one step; what a killed registry leaves lies in uploads."""
        making = f"{self.root}/uploads/{os.urandom(16).hex()}"
        try:
            with open(making, "wb") as file:
                file.write(data)
            os.rename(making, path)
        except OSError:
            if os.path.exists(making):
                os.unlink(making)
            raise

    def _check(self, name: str, media_type: str, data: bytes) -> str:
        """Return the type of the manifest *data*; Refusal if something that it names is missing."""
        try:
            found = records.parse(data.decode())
        except ValueError:
            raise Refusal(400, "MANIFEST_INVALID", "the manifest is not JSON") from None
        if not isinstance(found, dict):
            raise Refusal(400, "MANIFEST_INVALID", "the manifest is no object")
        said = found.get("mediaType", media_type)
        known = (*image_store.MANIFEST_TYPES, *image_store.INDEX_TYPES)
        if said not in known or media_type not in (said, ""):
            raise Refusal(400, "MANIFEST_INVALID", f"no manifest of the type {media_type!r:.100}")
        index = said in image_store.INDEX_TYPES
        for digest in _named(found, index):
            place = "_manifests" if index else "_blobs"
            if not os.path.exists(f"{self.folder(name)}/{place}/{digest[7:]}"):
                raise Refusal(404, "MANIFEST_BLOB_UNKNOWN", f"{name} does not have {digest}")
        return str(said)

    def tags(self, name: str) -> list[str]:
        """Return the tags of the repository *name*, sorted; Refusal if there is none such."""
        folder = self.folder(name)
        if not os.path.isdir(f"{folder}/_manifests"):
            raise Refusal(404, "NAME_UNKNOWN", f"no repository {name}")
        return sorted(it for it in os.listdir(f"{folder}/_tags") if images_grammar.is_tag(it))

    def repositories(self) -> list[str]:
        """Return the names of all repositories that have a manifest, sorted."""
        top, found = f"{self.root}/repositories", []
        for above, folders, _ in os.walk(top):
            if "_manifests" in folders:
                found.append(os.path.relpath(above, top))
            folders[:] = [it for it in folders if not it.startswith("_")]
        return sorted(found)


def checked(digest: str) -> str:
    """Return the digits of a sha256 *digest*; Refusal for anything else."""
    try:
        return image_store.checked(digest)[7:]
    except ConfigError as error:
        raise Refusal(400, "DIGEST_INVALID", str(error)) from None


def _tag(text: str) -> str:
    if not images_grammar.is_tag(text):
        raise Refusal(400, "TAG_INVALID", f"invalid tag {text!r:.100}")
    return text


def _named(found: dict[str, Any], index: bool) -> list[str]:
    """Return the digests that a manifest or an index names; those that lie elsewhere not."""
    rows = found.get("manifests") if index else found.get("layers")
    if not isinstance(rows, list) or len(rows) > REFERENCES:
        raise Refusal(400, "MANIFEST_INVALID", f"no list, or more than {REFERENCES} entries")
    rows = rows if index else [found.get("config"), *rows]
    if not all(isinstance(row, dict) for row in rows):
        raise Refusal(400, "MANIFEST_INVALID", "an entry is no object")
    return [f"sha256:{checked(row.get('digest', ''))}" for row in rows if not row.get("urls")]


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(1000)
    except (FileNotFoundError, NotADirectoryError):
        return ""
