"""HTTP as registries need it: redirects that give nothing away, retries, bounded answers.

The library is urllib3: it keeps connections, knows proxies and TLS contexts of our own, and
hands a body out as it comes, which is what a layer of a gigabyte needs. requests and httpx
bring more (cookies, sessions, decoding), all of it to be turned off here. Its import costs
50 ms: it is done when a registry is spoken to, never by a `run` whose image is there.

A redirect to another host goes there without the header Authorization, and never from https
to http. 429 and 5xx are tried again, as long as the registry says, within WAIT_MOST. Timeouts
are for one step of the network: a transfer may take as long as it goes on.
"""

from __future__ import annotations

import threading
import time
from urllib.parse import urljoin

import urllib3

from mini_docker import registry_challenges
from mini_docker.errors import ConnectionCut, RegistryError
from mini_docker.registry_network import asked_to_wait, host, proxy, proxy_login, reason, tls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping
    from typing import BinaryIO, Self

CONNECT, READ = 15.0, 60.0  # seconds
ANSWER = 300.0  # seconds that a registry may think about a blob that it got
ATTEMPTS = 4  # of one request
WAIT_MOST = 60.0  # seconds to wait because a registry asks for it
REDIRECTS = 5
SPARE = 2**16  # bytes of a body that nobody wants, read so that the connection can go on
DOCUMENT_TIME = 120.0  # seconds that a document may take to come
TRY_AGAIN = (429, 500, 502, 503, 504)
MOVED = (301, 302, 303, 307, 308)
AGENT = "mini-docker/0.1"


class Response:
    """An answer: *status*, *headers*, the *url* that gave it, and a body to read."""

    __slots__ = ("_raw", "headers", "status", "url")

    def __init__(self, raw: urllib3.BaseHTTPResponse, url: str) -> None:
        self._raw = raw
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        """Return *size* bytes of the body, fewer only at its end; ConnectionCut if it breaks."""
        try:
            return self._raw.read(size, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionCut(f"{host(self.url)} broke off: {reason(error)}") from None

    def whole(self, limit: int) -> bytes:
        """Return the body, and close; RegistryError if it has more than *limit* bytes."""
        parts, count, end = [], 0, time.monotonic() + DOCUMENT_TIME
        with self:
            while piece := self._some(limit + 1 - count):
                parts.append(piece)
                count += len(piece)
                if count > limit:
                    raise RegistryError(f"{host(self.url)} sends more than {limit} bytes")
                if time.monotonic() > end:
                    raise ConnectionCut(f"{host(self.url)} takes longer than {DOCUMENT_TIME:g} s")
        return b"".join(parts)

    def _some(self, size: int) -> bytes:
        try:
            return self._raw.read1(size, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionCut(f"{host(self.url)} broke off: {reason(error)}") from None

    def start(self) -> bytes:
        """Return the first bytes of the body, and close: the reasons of a refusal."""
        with self:
            try:
                return self._some(SPARE)
            except ConnectionCut:
                return b""  # the status says enough

    def close(self) -> None:
        """Let the connection go: for the next request if little is left to read of this one."""
        left = getattr(self._raw, "length_remaining", None)
        try:
            if left is not None and left <= SPARE:
                self._raw.read(decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError):
            pass  # nobody wanted it
        self._raw.close()


class Http:
    """HTTP to a registry, and to the hosts to which it sends us. Threads may share one."""

    def __init__(
        self, context: Callable[[str], ssl.SSLContext], plain: Callable[[str], bool], unit: float
    ) -> None:
        """*context* gives the TLS for HOST:PORT; *plain* says whether it may do without.

        *unit* are the seconds of the first pause.
        """
        self._context = context
        self._plain = plain
        self._unit = unit
        self._pools: dict[tuple[str, str | None, int | None], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def pause(self, count: int) -> None:
        """Wait before another try: twice as long each time."""
        time.sleep(min(self._unit * 2 ** (count - 1), 8.0))

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO
    ) -> Response:
        """Send a request; return what comes of it in the end, whatever its status.

        ConnectionCut if nothing comes, or the content of a file was sent in vain;
        RegistryError if TLS is refused, or a redirect leads where we do not go.
        """
        for attempt in range(1, ATTEMPTS + 1):
            reply = self._follow(method, url, headers, body)
            if reply.status not in TRY_AGAIN:
                return reply
            if not isinstance(body, bytes):  # an upload has an end of its own: begin it anew
                raise ConnectionCut(str(registry_challenges.refusal(reply, "an upload")))
            if (
                attempt == ATTEMPTS
                or (asked := asked_to_wait(reply.headers.get("Retry-After", ""))) > WAIT_MOST
            ):
                return reply
            reply.close()
            if asked:
                time.sleep(asked)
            else:
                self.pause(attempt)
        raise AssertionError("not reached")

    def _follow(
        self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO
    ) -> Response:
        """Send a request, and go where a redirect leads."""
        for _ in range(REDIRECTS + 1):
            reply = self._send(method, url, headers, body)
            where = reply.headers.get("Location", "")
            if reply.status not in MOVED or method not in ("GET", "HEAD") or not where:
                return reply
            reply.close()
            before, url = url, urljoin(url, where)
            here, there = registry_challenges.origin(before), registry_challenges.origin(url)
            if there[0] not in ("http", "https") or (
                here[0] == "https" and there[0] == "http" and not self._plain(host(url))
            ):
                raise RegistryError(f"{host(before)} sends us to {url!r:.200}: no https")
            if here != there:
                headers = {key: it for key, it in headers.items() if key != "Authorization"}
        raise RegistryError(f"{host(url)} sends us in circles: {REDIRECTS} redirects and no end")

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | BinaryIO
    ) -> Response:
        if not isinstance(body, bytes):
            body.seek(0)
        sent = {"User-Agent": AGENT, "Accept-Encoding": "identity", **headers}
        timeout = urllib3.Timeout(CONNECT, READ if isinstance(body, bytes) else ANSWER)
        try:
            raw = self._pool(url).urlopen(
                method,
                url,
                headers=sent,
                body=body or None,
                timeout=timeout,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except urllib3.exceptions.SSLError as error:
            raise RegistryError(tls(url, error)) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionCut(f"cannot reach {host(url)}: {reason(error)}") from None
        except (ValueError, UnicodeError) as error:
            raise RegistryError(f"cannot use the address {url!r:.200}: {error}") from None
        return Response(raw, url)

    def _pool(self, url: str) -> urllib3.PoolManager:
        """Return the connections to the host of *url*; each host has TLS of its own."""
        key = registry_challenges.origin(url)
        with self._lock:
            if key not in self._pools:
                context = self._context(host(url)) if key[0] == "https" else None
                self._pools[key] = _manager(proxy(key), context)
            return self._pools[key]


def _manager(through: str, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    size, block = 8, 2**18  # connections to keep, bytes of a body to send at a time
    if not through:
        return urllib3.PoolManager(maxsize=size, blocksize=block, ssl_context=context)
    return urllib3.ProxyManager(
        through,
        proxy_headers=proxy_login(through),
        maxsize=size,
        blocksize=block,
        ssl_context=context,
    )
