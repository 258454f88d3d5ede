"""What a registry says when it says no: challenges, and the errors in a body.

    WWW-Authenticate: Bearer realm="https://auth.example/token",service="example"
    {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}

RFC 9110, "Challenge and Response"; distribution-spec, "Error Codes".
"""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from mini_docker import records
from mini_docker.errors import RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.registry import Session
    from mini_docker.registry_http import Response

WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}"
PART = re.compile(rf'({WORD})(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({WORD})(?=[ \t,]|$)))?')
LIMIT = 16 * 1024  # characters of a challenge to look at
TOKEN_LIMIT = 2**20  # bytes of a token server's answer
TOKEN_MOST = 86400  # seconds
SHOWN = 300  # characters of a reason
UNAUTHORIZED, DENIED, MISSING, TOO_MANY = 401, 403, 404, 429


def parse(text: str) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges in *text*, the value of WWW-Authenticate: schemes, parameters.

    Names are in lower case, quotes and backslashes gone. What breaks the grammar is passed
    over: a challenge of which nothing is left to answer is one that we cannot answer.

    >>> parse('Basic realm="a, b", Bearer realm="https://x/t",service=y')
    [('basic', {'realm': 'a, b'}), ('bearer', {'realm': 'https://x/t', 'service': 'y'})]
    """
    found: list[tuple[str, dict[str, str]]] = []
    for name, quoted, plain in PART.findall(text[:LIMIT]):
        if quoted or plain:
            if found:
                found[-1][1].setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
        else:
            found.append((name.lower(), {}))
    return found


def ask_token(session: Session, realm: str, fields: list[tuple[str, str]]) -> dict[str, Any]:
    """Ask the token server at *realm*, as the session's login if it has one; return its answer."""
    headers, login = {}, session.login
    if login and login.identity:  # what an earlier login got in exchange for a password
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        reply = session.http.request("POST", realm, headers, login.refresh(fields))
    else:
        if login:
            headers["Authorization"] = login.basic()
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(fields)}"
        reply = session.http.request("GET", url, headers, b"")
    if reply.status != 200:
        raise refusal(reply, f"a token for {session.name}")
    found = document(reply.whole(TOKEN_LIMIT), f"the answer of {realm!r:.200}")
    if isinstance(found.get("expires_in"), int):  # one of 400 digits is more than a float holds
        found["expires_in"] = min(found["expires_in"], TOKEN_MOST)
    return found


def refusal(reply: Response, what: str) -> RegistryError:
    """Return an error for *what* was asked: the registry's own reasons, or the status's."""
    status = reply.status
    reason = " ".join(reasons(reply.start()).split())[:SHOWN]
    if status in (UNAUTHORIZED, DENIED):
        reason = f"{reason or 'access denied'} (it may not exist, or need 'mini-docker login')"
    elif status == MISSING:
        reason = reason or "not found"
    elif status == TOO_MANY:
        reason = reason or "too many requests: wait, or log in"
    return RegistryError(f"the registry refuses {what}: {reason or f'status {status}'}")


def reasons(body: bytes) -> str:
    """Return the messages of the errors in *body*, "code: message, ...", or ""."""
    try:
        found = records.parse(body.decode("utf-8", "replace"))
    except ValueError:
        return ""
    rows = found.get("errors") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        detail = found.get("details") if isinstance(found, dict) else None
        return detail if isinstance(detail, str) else ""  # a token server's
    lines = []
    for row in rows[:3]:
        if isinstance(row, dict):
            code = str(row.get("code") or "unknown").lower().replace("_", " ")
            lines.append(f"{code}: {row.get('message') or ''}".rstrip(": "))
    return ", ".join(lines)


def document(data: bytes, what: str) -> dict[str, Any]:
    """Return the JSON object in *data*; RegistryError, with *what* it is, if it is none."""
    try:
        found = records.parse(data.decode())
    except ValueError as error:
        raise RegistryError(f"{what} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise RegistryError(f"{what} is not a JSON object")
    return found


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of *url*: who gets to see a request."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def following(link: str) -> str:
    """Return where the next page of a list is, out of the header Link; "" if there is none.

    >>> following('</v2/_catalog?last=b&n=2>; rel="next"')
    '/v2/_catalog?last=b&n=2'
    """
    found = re.match(r'\s*<([^<>]{1,2000})>\s*;\s*rel="?next"?', link[:LIMIT])
    return found[1] if found else ""
