"""A download for a build: a context, a Dockerfile, or what ADD names by its URL.

It goes through the HTTP of registries (registry_http.py): proxies, retries, redirects that
never lead from https to http. An address of a registry's needs a certificate or an exception;
here the user has written http:// or https://, and that is what is spoken.
"""

from __future__ import annotations

from mini_docker import packages
from mini_docker.errors import ConfigError, RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from mini_docker.registry_http import Response

PAUSE = 0.5  # seconds before the second try


def is_url(text: str) -> bool:
    """Say whether *text* is the address of something to download."""
    return text.lower().startswith(("http://", "https://"))


def fetch(url: str, headers: dict[str, str] | None = None) -> Response:
    """Return what the server sends for *url*: its headers, and a body with read(size).

    The caller uses it in a with statement. ConfigError, with the reason, for a server that
    cannot be reached, and for an answer other than 200.
    """
    packages.reach()
    from mini_docker import registry_http

    client = registry_http.Http(_context, lambda _host: False, PAUSE)
    try:
        reply = client.request("GET", url, headers or {}, b"")
    except RegistryError as error:
        raise ConfigError(f"cannot download {url:.300}: {error}") from None
    if reply.status != 200:
        reply.close()
        raise ConfigError(f"cannot download {url:.300}: {_answer(reply.status)}")
    return reply


def _context(_host: str) -> ssl.SSLContext:
    import ssl

    return ssl.create_default_context()


def _answer(status: int) -> str:
    import http

    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"the server answers {status} {phrase}".rstrip()
