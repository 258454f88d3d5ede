"""mini-docker login: a name and a password for a registry, tried and kept."""

from __future__ import annotations

import sys

from mini_docker.cli.options import Command, Flag
from mini_docker.errors import MiniDockerError, RegistryError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.registry_credentials import Login
    from mini_docker.store import Store

HUB = "docker.io"
LIMIT = 64 * 1024  # bytes of a password
COMMAND = Command(
    "login",
    "Log in to a registry",
    "mini-docker login [OPTIONS] [SERVER]",
    (
        Flag("password", "p", "string", help="Password"),
        Flag("password-stdin", "", help="Take the password from stdin"),
        Flag("username", "u", "string", help="Username"),
    ),
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Ask the registry whether it takes the password, and keep it if so."""
    from mini_docker import packages

    packages.reach()
    from mini_docker import registry_credentials

    domain = server(values.arguments)
    known = "username" not in values.given and "password" not in values.given
    login = registry_credentials.find(domain) if known and not values.password_stdin else None
    if login and (login.user or login.identity):
        print("Authenticating with existing credentials...", flush=True)
        try:
            return _enter(domain, login)
        except MiniDockerError as error:
            from mini_docker.registry_progress import plain

            print(plain(f"Login did not succeed, error: {error}"), file=sys.stderr)
    login = _ask(values, login.user if login else "", domain)
    return _enter(domain, login)


def server(words: list[str]) -> str:
    """Return the host that a login is for; a whole URL, as older texts have it, will do."""
    text = words[0] if words else HUB
    name = text.removeprefix("https://").removeprefix("http://").partition("/")[0]
    if not name:
        raise UsageError(f"invalid server address {text!r:.200}")
    return HUB if name in (f"index.{HUB}", f"registry-1.{HUB}") else name


def _enter(domain: str, login: Login) -> int:
    from mini_docker import registry_challenges, registry_credentials, registry_endpoints
    from mini_docker.errors import ConnectionCut

    endpoints = registry_endpoints.Endpoints()
    try:
        session = endpoints.session(domain, "", [])
        session.login = login
        reply = session.request("GET", "/v2/")
    except ConnectionCut as error:
        raise registry_endpoints.offline(domain, error) from None
    if reply.status == 401:
        raise RegistryError(f"{domain}: unauthorized: incorrect username or password")
    if reply.status != 200:
        raise registry_challenges.refusal(reply, f"a login at {domain}")
    reply.close()
    if file := registry_credentials.save(domain, login):
        print(
            f"WARNING! Your password will be stored unencrypted in {file}.\n"
            "Configure a credential helper to remove this warning. See\n"
            "https://docs.docker.com/engine/reference/commandline/login/#credentials-store\n",
            file=sys.stderr,
        )
    print("Login Succeeded")
    return 0


def _ask(values: Values, user: str, domain: str) -> Login:
    """Return who is to log in, by the flags, stdin or a conversation."""
    from mini_docker.registry_credentials import Login

    name, password = values.username, values.password
    if password and values.password_stdin:
        raise UsageError("--password and --password-stdin are mutually exclusive")
    if password:
        warning = "WARNING! Using --password via the CLI is insecure. Use --password-stdin."
        print(warning, file=sys.stderr)
    if values.password_stdin and not name:
        raise UsageError("Must provide --username with --password-stdin")
    if values.password_stdin:
        password = sys.stdin.buffer.read(LIMIT).decode(errors="surrogateescape").rstrip("\r\n")
    elif not (name and password):
        name, password = _converse(name, user, password, domain)
    if not password:
        raise UsageError("password required")
    if ":" in name:
        raise UsageError("a username has no colon")
    return Login(name, password)


def _converse(name: str, user: str, password: str, domain: str) -> tuple[str, str]:
    import getpass

    if not sys.stdin.isatty():
        raise UsageError("Cannot perform an interactive login from a non TTY device")
    if not name:
        if domain == HUB:
            print("Login with your Docker ID to push and pull images from Docker Hub.")
        name = input(f"Username ({user}): " if user else "Username: ").strip() or user
        if not name:
            raise UsageError("username is a required field")
    return name, password or getpass.getpass("Password: ")
