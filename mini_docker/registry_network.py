"""The network around a registry: proxies, names of hosts, and what a failure was.

HTTP_PROXY, HTTPS_PROXY and NO_PROXY name the proxies, in capitals or not, as for Docker.
"""

from __future__ import annotations

import os
import time
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

import urllib3


def host(url: str) -> str:
    """Return HOST or HOST:PORT of *url*, as the directories of certificates are named."""
    return urlsplit(url).netloc.rpartition("@")[2]


def asked_to_wait(text: str) -> float:
    """Return the seconds that *text* asks for, a Retry-After: a number or a date; 0 if none."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def proxy(key: tuple[str, str | None, int | None]) -> str:
    """Return the proxy for an origin, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY; "" for none.

    No proxy is asked for what lies on this machine, as Docker has it.
    """
    scheme, name, port = key
    words = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    found = next((os.environ[word] for word in words if os.environ.get(word)), "")
    if not found or not name or name == "localhost" or name.startswith("127.") or name == "::1":
        return ""
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # Linux has it

    if proxy_bypass_environment(f"{name}:{port}"):
        return ""
    return found if "://" in found else f"http://{found}"


def proxy_login(proxy: str) -> dict[str, str]:
    """Return the headers that log in at *proxy*, by what its URL says."""
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=login))


def reason(error: Exception) -> str:
    """Return what the system or the library says, without its addresses and class names."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "nobody knows an address for this name"
    if isinstance(error, urllib3.exceptions.IncompleteRead):
        return "the connection was closed too early"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    return " ".join(str(error.args[-1] if error.args else error).split())[:200]


def tls(url: str, error: Exception) -> str:
    """Return why TLS with the host of *url* came to nothing, and what to do."""
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text.lower():
        return (
            f"{host(url)} does not speak TLS: if it may be used without, name it under "
            "insecure-registries in daemon.json"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = text.partition("CERTIFICATE_VERIFY_FAILED]")[2].rpartition(" (_ssl")[0].strip()
        return (
            f"cannot trust {host(url)}: {why or text:.200}; the certificate of its authority "
            f"belongs into /etc/mini-docker/certs.d/{host(url)}/ca.crt"
        )
    return f"cannot speak TLS with {host(url)}: {text:.200}"
