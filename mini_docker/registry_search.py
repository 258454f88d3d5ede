"""Search: which images an index knows.

Docker Hub answers GET /v1/search?q=TERM, which is older than the distribution protocol. A
registry of one's own has no such thing; there, the names in its catalog are looked through.
"""

from __future__ import annotations

from mini_docker import registry_challenges, registry_endpoints
from mini_docker.errors import ConnectionCut, RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.registry import Session
    from mini_docker.registry_endpoints import Endpoints

HUB_INDEX = "https://index.docker.io"
LIMIT = 4 * 2**20  # bytes of an answer
PAGES = 100  # of a catalog
FIELDS: dict[str, Any] = {
    "name": "",
    "description": "",
    "star_count": 0,
    "is_official": False,
    "is_automated": False,
}


def search(endpoints: Endpoints, domain: str, term: str, most: int) -> list[dict[str, Any]]:
    """Return at most *most* rows for what *term* finds at *domain*, each with FIELDS.

    RegistryError if the registry has neither a search nor a catalog for us.
    """
    hub = domain == registry_endpoints.HUB
    try:
        base = HUB_INDEX if hub else ""
        session = endpoints.session(domain, "", ["registry:catalog:*"], base)
        from urllib.parse import urlencode

        query = urlencode({"q": term, "n": most})
        reply = session.request("GET", f"/v1/search?{query}")
        if reply.status == 200:
            found = registry_challenges.document(reply.whole(LIMIT), f"the answer of {domain}")
            rows = found.get("results") or []
            return [_row(it) for it in rows if isinstance(it, dict)][:most]
        if hub:
            raise registry_challenges.refusal(reply, f"a search for {term}")
        reply.close()
        names = [name for name in catalog(session) if term.lower() in name.lower()]
    except ConnectionCut as error:
        raise registry_endpoints.offline(domain, error) from None
    return [{**FIELDS, "name": f"{domain}/{name}"} for name in names][:most]


def _row(found: dict[str, Any]) -> dict[str, Any]:
    """Return the FIELDS of *found*; one of a wrong type says nothing."""
    row = {}
    for key, nothing in FIELDS.items():
        value = found.get(key, nothing)
        row[key] = value if type(value) is type(nothing) else nothing
    return row


def catalog(session: Session) -> list[str]:
    """Return the names of all repositories, page by page."""
    where, names = "/v2/_catalog?n=1000", []
    for _ in range(PAGES):
        reply = session.request("GET", where)
        if reply.status != 200:
            why = registry_challenges.refusal(reply, "its catalog")
            raise RegistryError(f"{session.base} has no search: {why}")
        page = registry_challenges.document(reply.whole(LIMIT), "the catalog")
        rows = page.get("repositories") or []
        names += [row for row in rows if isinstance(row, str)] if isinstance(rows, list) else []
        where = registry_challenges.following(reply.headers.get("Link", ""))
        if not where:
            break
    return names
