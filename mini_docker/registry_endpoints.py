"""Where a registry is, and how it may be spoken to: mirrors, insecure registries, certificates.

    daemon.json                 "registry-mirrors": ["https://mirror.example"]   of docker.io
                                "insecure-registries": ["10.0.0.0/8", "reg.example:5000"]
    certs.d/HOST[:PORT]/        ca.crt (any *.crt): authorities beside the system's own
                                client.cert and client.key: what we show of ourselves

certs.d is looked for in /etc/mini-docker and then in /etc/docker: the first that has a
directory for the host counts. An insecure registry may have a certificate that nobody
vouches for, or none: then plain HTTP will do. What is on this machine, 127.0.0.0/8, is
always one. dockerd(8), "Insecure registries"; docs.docker.com, "Verify repository client".
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl

from mini_docker import (
    configuration,
    registry,
    registry_credentials,
    registry_http,
    registry_network,
)
from mini_docker.errors import ConfigError, ConnectionCut, RegistryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

HUB = "docker.io"
HUB_BASE = "https://registry-1.docker.io"
CERTIFICATES = ("/etc/mini-docker/certs.d", "/etc/docker/certs.d")
LOOPBACK = ("127.0.0.0/8", "::1/128")
PAUSE = 0.5  # seconds before the second try
OFFLINE = (
    "; without a way to the internet make an image with 'mini-docker image bootstrap', or pull "
    "from a registry near you ('mini-docker registry serve'; registry-mirrors in daemon.json)"
)


class Endpoints:
    """The registries that one command speaks to, by the rules of daemon.json."""

    def __init__(self) -> None:
        config = configuration.read()
        self._mirrors = _texts(config, "registry-mirrors")
        self._insecure = _texts(config, "insecure-registries")
        self._known: dict[str, bool] = {}
        self.downloads = int(config.get("max-concurrent-downloads", 3))
        self.uploads = int(config.get("max-concurrent-uploads", 5))
        self.http = registry_http.Http(self.context, self.insecure, PAUSE)

    def insecure(self, host: str) -> bool:
        """Say whether *host*, with a port or without, may lack a certificate that we trust."""
        if host not in self._known:
            name = host.rpartition(":")[0] if _has_port(host) else host
            words = [it for it in self._insecure if "/" not in it]
            self._known[host] = host in words or name in words or self._inside(name.strip("[]"))
        return self._known[host]

    def _inside(self, name: str) -> bool:
        """Say whether one of the addresses of *name* is in a range of insecure registries."""
        ranges = [*LOOPBACK, *(it for it in self._insecure if "/" in it)]
        try:
            networks = [ipaddress.ip_network(it, strict=False) for it in ranges]
        except ValueError as error:
            raise ConfigError(f"cannot use insecure-registries: {error}") from None
        try:
            found = {row[4][0] for row in socket.getaddrinfo(name, None)}
        except (OSError, UnicodeError):
            return False  # whoever connects is told
        addresses = [ipaddress.ip_address(str(it).partition("%")[0]) for it in found]
        return any(address in network for address in addresses for network in networks)

    def context(self, host: str) -> ssl.SSLContext:
        """Return the TLS to use with *host*: whom to trust, and what to show of ourselves."""
        made = ssl.create_default_context()
        folder = next((f"{it}/{host}" for it in CERTIFICATES if os.path.isdir(f"{it}/{host}")), "")
        try:
            for file in sorted(os.listdir(folder)) if folder else ():
                if file.endswith(".crt"):
                    made.load_verify_locations(f"{folder}/{file}")
                elif file.endswith(".cert"):
                    secret = f"{folder}/{file.removesuffix('.cert')}.key"
                    made.load_cert_chain(f"{folder}/{file}", secret)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"cannot use the certificates in {folder}: {error}") from None
        if self.insecure(host):
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made

    def session(
        self, domain: str, name: str, scopes: Sequence[str], base: str = ""
    ) -> registry.Session:
        """Return a session at the repository *name* of the registry *domain*."""
        login = registry_credentials.find(domain)
        where = base or self.base(domain)
        return registry.Session(self.http, where, name, scopes, login)

    def mirrors(self, name: str, scopes: Sequence[str]) -> list[registry.Session]:
        """Return sessions at the mirrors of docker.io."""
        return [
            self.session(registry_network.host(it), name, scopes, it.rstrip("/"))
            for it in self._mirrors
        ]

    def base(self, domain: str) -> str:
        """Return the URL of the registry *domain*: plain HTTP where TLS fails, and may.

        RegistryError, in one line with what to do, if it cannot be reached.
        """
        if domain == HUB:
            return HUB_BASE
        if not self.insecure(domain):
            return f"https://{domain}"
        try:
            self.http.request("GET", f"https://{domain}/v2/", {}, b"").close()
        except RegistryError as error:
            try:
                self.http.request("GET", f"http://{domain}/v2/", {}, b"").close()
            except ConnectionCut as plain:
                if str(plain) == str(error):
                    raise
                raise ConnectionCut(f"{plain} (nor with TLS: {error})") from None
            return f"http://{domain}"
        return f"https://{domain}"


def offline(domain: str, error: ConnectionCut) -> RegistryError:
    """Return *error* with what a user can do who cannot reach *domain*."""
    return RegistryError(f"{error}{OFFLINE}") if domain == HUB else error


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def _texts(config: dict[str, Any], key: str) -> list[str]:
    found = config.get(key, [])
    if not all(isinstance(it, str) for it in found):
        raise ConfigError(f"cannot use {configuration.path()}: {key} must be a list of texts")
    if key == "registry-mirrors":
        for it in found:
            if not it.startswith(("http://", "https://")):
                raise ConfigError(
                    f"invalid mirror: {it!r:.200} must begin with http:// or https://"
                )
    return list(found)
