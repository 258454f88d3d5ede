"""Registries: images fetched from a server that need not be trusted, and handed to one.

The distribution protocol is HTTP with a handful of paths below /v2/NAME/, NAME being a
repository such as library/busybox:

    GET    manifests/TAG or DIGEST     a manifest, or an index of manifests, one a platform
    GET    blobs/DIGEST                a config or a layer; with Range, a part of it
    HEAD   blobs/DIGEST                whether it is there
    POST   blobs/uploads/              begin an upload: 202, and where it goes (Location)
    PUT    LOCATION?digest=DIGEST      the whole blob: 201
    PUT    manifests/TAG               the manifest, last: all that it names must be there

A registry answers 401 to a stranger, with a challenge that names a token server; who has
logged in gets a token there, anybody else perhaps one that lets him pull. Everything is
asked for by its digest, and what comes is hashed: then it does not matter who sent it.

registry_http.py speaks HTTP (redirects, retries, TLS), registry_challenges.py reads a 401;
registry_pull.py and registry_push.py move whole images with what stands here.

Chapter: chapters/10-registry.md
Lab:     labs/10_registry/
Source:  the OCI's distribution-spec, spec.md; distribution's docs/spec/auth/token.md
"""

from __future__ import annotations

import hashlib
import math
import time
from urllib.parse import urlencode, urljoin

from mini_docker import registry_challenges
from mini_docker.errors import ConnectionCut, RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, BinaryIO

    from mini_docker.image_store import Descriptor
    from mini_docker.registry_credentials import Login
    from mini_docker.registry_http import Http, Response

    Platform = tuple[str, str, Sequence[str]]  # os, architecture, variants that it can run

PIECE = 2**18  # bytes of a blob to read at a time
TRIES = 5  # cuts in a row of one blob, with less than a PIECE between them, and we give up
TOKEN_LIFE = 60  # seconds, at least; also if the answer does not say


class Session:
    """One repository: *header* goes with a request until time.monotonic() is *expires*."""

    def __init__(
        self, http: Http, base: str, name: str, scopes: Sequence[str], login: Login | None = None
    ) -> None:
        self.http = http
        self.base = base  # "https://registry-1.docker.io"
        self.name = name  # the repository, "library/busybox"
        self.scopes = scopes  # ["repository:library/busybox:pull"]
        self.login = login
        self.header = ""
        self.expires = 0.0

    def request(
        self,
        method: str,
        where: str,
        headers: dict[str, str] | None = None,
        body: bytes | BinaryIO = b"",
    ) -> Response:
        """Send one request and return the answer, whatever it is; a 401 is answered once.

        *where* is a path below /v2/NAME/, or a whole URL as a Location gives it.
        """
        url = urljoin(f"{self.base}/v2/{self.name}/", where)
        for again in (False, True):
            sent = dict(headers or {})
            if self.owns(url) and time.monotonic() < self.expires:
                sent["Authorization"] = self.header
            reply = self.http.request(method, url, sent, body)
            if reply.status != 401 or again or not self.owns(reply.url):
                break
            reply.close()
            authorize(self, reply.headers.get("WWW-Authenticate", ""))
        return reply

    def owns(self, url: str) -> bool:
        """Say whether *url* is the registry's own: no other host gets a header, or gives a 401."""
        return registry_challenges.origin(url) == registry_challenges.origin(self.base)


def authorize(session: Session, challenge: str) -> None:
    """Set session.header and session.expires to answer *challenge*, a WWW-Authenticate.

    registry_challenges.parse(challenge) makes pairs of it, such as
    ("bearer", {"realm": "https://auth.example/token", "service": "registry"}), and
    answer the first of these that is possible:

    - bearer, with a realm. Ask the token server: registry_challenges.ask_token(session,
      realm, fields), with fields a list of pairs, ("service", ...) if the challenge has one,
      and ("scope", ...) for each of session.scopes, of which a mount needs two. Its answer, an
      object, has the token as "token" or as "access_token": the header is "Bearer TOKEN". It is
      good for "expires_in" seconds from now, TOKEN_LIFE if that is less, or no whole number.
    - basic, with a session.login: the header is its basic(), which never expires (math.inf).

    RegistryError, naming the registry and the challenge, if none is possible ("try
    'mini-docker login'" helps). RegistryError too if the answer has no token that is a text;
    and, with nothing sent and no later challenge tried, if a bearer's realm is not https while
    session.base is: the password would be there for all to read.
    """
    for scheme, fields in registry_challenges.parse(challenge):
        realm = fields.get("realm", "")
        if scheme == "basic" and session.login:
            session.header, session.expires = session.login.basic(), math.inf
            return
        if scheme == "bearer" and realm:
            if session.base.startswith("https:") and not realm.startswith("https:"):
                raise RegistryError(f"{session.base} sends us to {realm!r:.200}: no https")
            asked = [("service", fields["service"])] if "service" in fields else []
            asked += [("scope", scope) for scope in session.scopes]
            found = registry_challenges.ask_token(session, realm, asked)
            token = found.get("token") or found.get("access_token")
            if not isinstance(token, str):
                raise RegistryError(f"{session.base}: no token came from {realm!r:.200}")
            life = found.get("expires_in")
            life = max(life, TOKEN_LIFE) if isinstance(life, int) else TOKEN_LIFE
            session.header, session.expires = f"Bearer {token}", time.monotonic() + life
            return
    raise RegistryError(
        f"{session.base} does not let us in: {challenge!r:.200} (try 'mini-docker login')"
    )


def choose(index: dict[str, Any], platform: Platform) -> Descriptor:
    """Return the descriptor in *index*, a list of manifests, that serves *platform* best.

    *platform* is (os, architecture, variants): variants are those that the machine can run,
    the best first, such as ("v7", "v6", "v5", ""). A row of index["manifests"] says what it
    is for in its "platform", an object with "os", "architecture" and perhaps "variant"; a row
    without a variant has the variant "". Of the rows with our os and architecture take the
    one whose variant comes first in variants, and of two such the upper one. A row that is no
    object, or whose platform is none, is for nobody.

    RegistryError, "no matching manifest for OS/ARCHITECTURE in the manifest list entries", if
    no row serves. image-index.md, "platform".
    """
    os, architecture, variants = platform
    found = []
    for row in index["manifests"]:
        offered = row.get("platform") if isinstance(row, dict) else None
        if not isinstance(offered, dict) or offered.get("variant", "") not in variants:
            continue
        if (offered.get("os"), offered.get("architecture")) == (os, architecture):
            found.append((variants.index(offered.get("variant", "")), row))
    if not found:
        what = f"{os}/{architecture}"
        raise RegistryError(f"no matching manifest for {what} in the manifest list entries")
    best: Descriptor = min(found, key=lambda pair: pair[0])[1]
    return best


def fetch(session: Session, kind: str, row: Descriptor) -> Iterator[bytes]:
    """Yield the content that the descriptor *row* promises, piece by piece, and prove it.

    open_at(session, kind, row, COUNT) asks for it from byte COUNT on, 0 at first. Read
    PIECE bytes at a time, and row["size"] altogether, whatever more there may be; hash what
    you yield. If in the end the digest of all is not row["digest"], raise RegistryError,
    naming it: until then nobody may use what came.

    A connection can be cut: open_at() or read() raises ConnectionCut, or the content ends
    too early. Wait with session.http.pause(CUTS), ask for the rest, yield no byte twice. Raise
    ConnectionCut, naming the digest, after TRIES cuts in a row; a cut begins a new row if it
    came PIECE bytes or more after the one before (the first: after byte 0).
    """
    digest, size, proof = row["digest"], row["size"], hashlib.sha256()
    count = cuts = last = 0
    while count < size:
        why = "it ended there"
        try:
            with open_at(session, kind, row, count) as reply:
                while piece := reply.read(min(PIECE, size - count)):
                    proof.update(piece)
                    count += len(piece)
                    yield piece
        except ConnectionCut as error:
            why = str(error)
        if count < size:
            cuts = 1 if count - last >= PIECE else cuts + 1
            if cuts == TRIES:
                raise ConnectionCut(f"{digest} was cut at {count} of {size} bytes: {why}")
            last = count
            session.http.pause(cuts)
    if f"sha256:{proof.hexdigest()}" != digest:
        raise RegistryError(f"{session.base} lies: what it gave is not {digest}")


def open_at(session: Session, kind: str, row: Descriptor, count: int) -> Response:
    """Return an answer whose read() gives the content of *row* from byte *count* on.

    GET KIND/DIGEST, *kind* being "blobs" or "manifests", with row["mediaType"] as Accept and,
    unless *count* is 0, "bytes=COUNT-" as Range. The answer to that is 206 and the rest; or
    200 and all from the beginning: then read and forget what we have. RFC 9110, "Range".
    """
    asked = {"Accept": row["mediaType"], **({"Range": f"bytes={count}-"} if count else {})}
    reply = session.request("GET", f"{kind}/{row['digest']}", asked)
    if reply.status not in ((200, 206) if count else (200,)):
        raise registry_challenges.refusal(reply, f"{session.name}@{row['digest']}")
    while reply.status == 200 and count:
        count -= len(reply.read(min(count, PIECE)) or bytes(count))
    return reply


def push_blob(session: Session, row: Descriptor, file: BinaryIO, source: str = "") -> str:
    """See to it that the registry has the blob *row*, which *file* holds; say how it got it.

    HEAD blobs/DIGEST, where DIGEST is row["digest"]: 200 means that it is there, and the
    answer is "Layer already exists". Any other but 404 is refused.

    Then POST blobs/uploads/ begins an upload. If there is a *source*, another repository of
    this registry that has the blob, add the query mount=DIGEST&from=SOURCE: 201 means that the
    registry has linked it, and the answer is "Mounted from SOURCE". 202 means, with a source
    or without, that it waits for the content at the URL in the header Location, on any host.

    PUT the file there, all of it (request() rewinds it), with digest=DIGEST added to the query
    that Location may have already, Content-Type application/octet-stream, and the size in
    Content-Length. 201: the registry has hashed it too, and the answer is "Pushed".

    For any other status, or no Location, raise registry_challenges.refusal(reply, ...).
    Source: distribution-spec, "Pushing blobs".
    """
    digest, what = row["digest"], f"{session.name}@{row['digest']}"
    with session.request("HEAD", f"blobs/{digest}") as reply:
        if reply.status == 200:
            return "Layer already exists"
        if reply.status != 404:
            raise registry_challenges.refusal(reply, what)
    query = f"?{urlencode({'mount': digest, 'from': source})}" if source else ""
    with session.request("POST", f"blobs/uploads/{query}") as reply:
        if reply.status == 201 and source:
            return f"Mounted from {source}"
        where = reply.headers.get("Location", "")
        if reply.status != 202 or not where:
            raise registry_challenges.refusal(reply, what)
    where += f"{'&' if '?' in where else '?'}{urlencode({'digest': digest})}"
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(row["size"])}
    with session.request("PUT", where, headers, file) as reply:
        if reply.status != 201:
            raise registry_challenges.refusal(reply, what)
    return "Pushed"
