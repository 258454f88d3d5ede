"""mini-docker registry serve: a small registry of one's own."""

from __future__ import annotations

import os
import sys

from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

    from mini_docker.cli.options import Values
    from mini_docker.registry_serve_auth import Users
    from mini_docker.store import Store

LIMIT = 64 * 1024  # bytes of a password
COMMAND = Command(
    "registry serve",
    "Serve a small registry: pull, push, tags, catalog",
    "mini-docker registry serve [OPTIONS]",
    (
        Flag("addr", "", "string", default="127.0.0.1:5000", help="Address to listen on"),
        Flag("htpasswd", "", "string", help="Admit the users in this file (htpasswd -B)"),
        Flag("password-stdin", "", help="Take the password of --user from stdin"),
        Flag("read-only", "", help="Let nobody push"),
        Flag("root", "", "string", help="Keep its content here (default: ROOT/registry)"),
        Flag("tls-cert", "", "string", help="Certificate, PEM, with the chain above it"),
        Flag("tls-key", "", "string", help="Key of the certificate, PEM"),
        Flag("user", "", "string", help="Admit this user"),
    ),
    maximum=0,
)


def execute(values: Values, store: Store) -> int:
    """Serve until SIGINT or SIGTERM."""
    import signal
    import threading

    from mini_docker import packages

    packages.reach()
    from mini_docker import registry_serve, registry_serve_store

    address, users, context = _address(values.addr), _users(values), _context(values)
    storage = registry_serve_store.Storage(values.root or f"{store.root}/registry")
    try:
        server = registry_serve.Server(address, storage, users, context, values.read_only)
    except OSError as error:
        raise ConfigError(f"cannot listen on {values.addr}: {reason(error)}") from error
    host, port = str(server.server_address[0]), server.server_address[1]
    scheme = "https" if context else "http"
    print(f"serving {storage.root} on {scheme}://{host}:{port}", flush=True)
    if not host.startswith("127.") and (users.anybody or not context):
        print(
            "WARNING! Others can reach this registry without a password, or read the password: "
            "--htpasswd, --tls-cert and --tls-key help.",
            file=sys.stderr,
        )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stop.wait()
        server.shutdown()
    return 0


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535:
        raise UsageError(f"invalid address {text!r:.100}: want HOST:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)


def _users(values: Values) -> Users:
    from mini_docker import registry_serve_auth

    if values.htpasswd and values.user:
        raise UsageError("--htpasswd and --user are mutually exclusive")
    if values.htpasswd:
        return registry_serve_auth.read(values.htpasswd)
    if not values.user:
        return registry_serve_auth.Users({})
    if not values.password_stdin:
        raise UsageError("--user needs --password-stdin: others can read a command line")
    password = sys.stdin.buffer.read(LIMIT).decode().rstrip("\r\n")
    if not password:
        raise UsageError("password required")
    return registry_serve_auth.Users({}, (values.user, password))


def _context(values: Values) -> ssl.SSLContext | None:
    if not values.tls_cert and not values.tls_key:
        return None
    if not values.tls_cert or not values.tls_key:
        raise UsageError("--tls-cert and --tls-key belong together")
    import ssl

    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        made.load_cert_chain(os.path.realpath(values.tls_cert), os.path.realpath(values.tls_key))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot use {values.tls_cert} and its key: {error}") from None
    return made
