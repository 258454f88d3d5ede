"""A second pull: one question to a registry on this machine, in place of a library for HTTP.

Most pulls find that nothing has changed, and what takes time then is to import what the others
need: 80 ms for HTTP, TLS and all their modules, where the question itself takes 3.

    HEAD /v2/NAME/manifests/TAG  ->  200, Docker-Content-Digest: sha256:...

If that is the digest of what the tag stands for here, and nothing of it is missing, the pull is
over. For any other answer, and for none, the ordinary way is gone (registry_pull.py): only
that one knows TLS, passwords, proxies and indexes, and only that one reports errors. No
secret is sent. On this machine plain HTTP is allowed to everybody, and proxies are not asked.

distribution-spec, "Checking if content exists in the registry"; RFC 9112, "Message Format".
"""

from __future__ import annotations

import _socket
import time

from mini_docker import image_lookup, image_store
from mini_docker.errors import MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.images import Reference

ACCEPT = ", ".join((*image_store.MANIFEST_TYPES, *image_store.INDEX_TYPES))
ANSWER = 2**14  # bytes of an answer's headers
TIMEOUT = 5.0  # seconds for one step of the network, and for the headers
PORT = 80


def digest(root: str, reference: Reference) -> str:
    """Return the digest of *reference* if its registry says that it is as it is here, else ""."""
    if not reference.tag or reference.digest or not _is_here(reference.domain):
        return ""
    name = reference.full()
    row = image_store.locate(root, name)
    if row is None:
        return ""
    found = str(row["digest"])
    known = image_store.locate(root, f"{reference.domain}/{reference.path}@{found}")
    if known is None or known["digest"] != found:
        return ""  # of an index, or not from a registry
    try:
        image_lookup.find(root, name)
    except MiniDockerError:
        return ""
    return found if _ask(reference) == found else ""


def _is_here(domain: str) -> bool:
    """Say whether *domain* is on this machine, by an address of version 4 or by its name."""
    host = domain.partition(":")[0]
    words = host.split(".")
    numeric = len(words) == 4 and all(word.isascii() and word.isdigit() for word in words)
    return host == "localhost" or (numeric and words[0] == "127")


def _ask(reference: Reference) -> str:
    """Return the digest that the registry has for *reference*; "" unless it says so plainly."""
    host, _, port = reference.domain.partition(":")
    request = (
        f"HEAD /v2/{reference.path}/manifests/{reference.tag} HTTP/1.1\r\n"
        f"Host: {reference.domain}\r\nAccept: {ACCEPT}\r\nConnection: close\r\n\r\n"
    )
    try:
        link = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            link.settimeout(TIMEOUT)
            link.connect(("127.0.0.1" if host == "localhost" else host, int(port or PORT)))
            link.sendall(request.encode())
            return _said(_headers(link))
        finally:
            link.close()
    except (OSError, OverflowError):  # whatever it is, the ordinary way meets it and reports it
        return ""


def _headers(link: _socket.socket) -> list[bytes]:
    """Return the lines of an answer up to the empty one; none if they do not end."""
    data, end = b"", time.monotonic() + TIMEOUT
    while b"\r\n\r\n" not in data:
        piece = link.recv(ANSWER)
        data += piece
        if not piece or len(data) > ANSWER or time.monotonic() > end:
            return []
    return data.partition(b"\r\n\r\n")[0].split(b"\r\n")


def _said(lines: list[bytes]) -> str:
    status = lines[0].split(b" ")[:2] if lines else []
    if len(status) != 2 or not status[0].startswith(b"HTTP/1.") or status[1] != b"200":
        return ""
    for line in lines[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == b"docker-content-digest":
            return value.strip().decode("latin-1")
    return ""
