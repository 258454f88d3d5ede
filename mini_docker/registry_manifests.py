"""Manifests and lists of tags, as a registry gives them: hostile until they are checked.

image-spec: manifest.md, image-index.md; distribution-spec, "Pulling manifests", "Listing tags".
"""

from __future__ import annotations

import hashlib

from mini_docker import image_store, registry_challenges
from mini_docker.errors import RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.image_store import Descriptor
    from mini_docker.images import Reference
    from mini_docker.registry import Session

LIMIT = image_store.DOCUMENT_LIMIT
ACCEPT = (*image_store.MANIFEST_TYPES, *image_store.INDEX_TYPES)
OLD = "application/vnd.docker.distribution.manifest.v1"  # +json, +prettyjws
MANY = 10_000  # tags of one repository
PAGES = 1000  # of a list of them


class Found:
    """A manifest or an index: its bytes, what they say, their type and digest."""

    __slots__ = ("data", "digest", "document", "media_type")

    def __init__(self, data: bytes, media_type: str, what: str) -> None:
        self.data = data
        self.digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.document = registry_challenges.document(data, f"the manifest of {what}")
        said = self.document.get("mediaType") or media_type.partition(";")[0].strip()
        if "manifests" in self.document and said not in image_store.INDEX_TYPES:
            said = image_store.INDEX_TYPE
        self.media_type = str(said)
        if self.document.get("schemaVersion") == 1 or self.media_type.startswith(OLD):
            raise RegistryError(
                f"{what} has a manifest of schema 1, which names no config: push it again with "
                "a newer docker"
            )
        if self.media_type not in ACCEPT:
            raise RegistryError(f"{what} has a manifest of the type {said!r:.100}: no image")


def first(session: Session, reference: Reference) -> Found:
    """Return the manifest or index that *reference* stands for at the registry.

    RegistryError if it is another one than the digest in *reference* asks for.
    """
    wanted = reference.digest or reference.tag
    what = f"{session.name}{'@' if reference.digest else ':'}{wanted}"
    reply = session.request("GET", f"manifests/{wanted}", {"Accept": ", ".join(ACCEPT)})
    if reply.status != 200:
        raise registry_challenges.refusal(reply, what)
    found = Found(reply.whole(LIMIT), reply.headers.get("Content-Type", ""), what)
    for promised in (reference.digest, reply.headers.get("Docker-Content-Digest", "")):
        if promised and promised != found.digest:
            raise RegistryError(
                f"{session.base} lies: it gave {found.digest} as the manifest {promised!r:.100}"
            )
    return found


def check(row: Any, limit: int = 2**50) -> Descriptor:
    """Return the descriptor *row* if it has a digest, a size of *limit* or less, and a type."""
    good = isinstance(row, dict) and isinstance(row.get("size"), int)
    if not good or not isinstance(row.get("mediaType"), str) or not 0 <= row["size"] <= limit:
        raise RegistryError(f"the registry names something without a size or type: {row!r:.200}")
    image_store.checked(row.get("digest"))
    found: Descriptor = row
    return found


def tags(session: Session) -> list[str]:
    """Return all tags of the session's repository, page by page as the registry gives them."""
    found: list[str] = []
    where = "tags/list"
    asked: set[str] = set()
    while where and where not in asked and len(asked) < PAGES:
        asked.add(where)
        reply = session.request("GET", where)
        if reply.status != 200:
            raise registry_challenges.refusal(reply, session.name)
        page = registry_challenges.document(reply.whole(LIMIT), f"the tags of {session.name}")
        rows = page.get("tags") or []
        if not isinstance(rows, list) or len(found) + len(rows) > MANY:
            raise RegistryError(f"{session.name} has no list of tags, or more than {MANY}")
        found += [str(row) for row in rows]
        where = registry_challenges.following(reply.headers.get("Link", "")) if rows else ""
    return found
