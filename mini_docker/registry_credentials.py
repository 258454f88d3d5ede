"""Who we are at a registry: names and passwords, in the file and the format of Docker.

    DIRECTORY/config.json, mode 600
      {"auths": {"HOST": {"auth": base64 of "USER:PASSWORD"}},
       "credsStore": "NAME", "credHelpers": {"HOST": "NAME"}}

DIRECTORY is $DOCKER_CONFIG, or else ~/.mini-docker. What is not found there is looked up in
~/.docker, which is only read: a `docker login` serves us, and ours leaves Docker's file alone.
base64 hides nothing. A helper, the program docker-credential-NAME, keeps what it is given
in a key ring. docker-login(1); github.com/docker/docker-credential-helpers.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from urllib.parse import urlencode

from mini_docker import records
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"  # under which everybody files Docker Hub
IDENTITY = "<token>"  # a helper's user, where the secret is an identity token
HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HELPER_TIME = 60  # seconds: it may ask somebody to unlock a key ring
MISSING = "credentials not found in native keychain"


class Login:
    """A user and a password; or an identity token, which a login got instead of one."""

    __slots__ = ("identity", "password", "user")

    def __init__(self, user: str, password: str, identity: str = "") -> None:
        self.user = user
        self.password = password
        self.identity = identity

    def basic(self) -> str:
        """Return what the header Authorization says: RFC 7617."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    def refresh(self, fields: list[tuple[str, str]]) -> bytes:
        """Return the form that asks a token server for a token by the identity token."""
        scopes = " ".join(value for name, value in fields if name == "scope")
        rest = [pair for pair in fields if pair[0] != "scope"]
        grant = [("grant_type", "refresh_token"), ("refresh_token", self.identity)]
        form = [*grant, ("client_id", "mini-docker"), *rest, ("scope", scopes)]
        return urlencode(form).encode()


def path() -> str:
    """Return the file to which a login is written."""
    folder = os.environ.get("DOCKER_CONFIG", "") or os.path.expanduser("~/.mini-docker")
    return f"{folder}/config.json"


def key(domain: str) -> str:
    """Return the name under which the registry *domain* is filed."""
    return HUB_KEY if domain in (HUB, f"index.{HUB}", f"registry-1.{HUB}") else domain


def find(domain: str) -> Login | None:
    """Return the login for the registry *domain*, or None.

    ConfigError, naming file or helper, if one makes no sense, or fails.
    """
    files = [path()]
    if not os.environ.get("DOCKER_CONFIG"):
        files.append(os.path.expanduser("~/.docker/config.json"))
    for file in files:
        if found := _find(file, _read(file), key(domain)):
            return found
    return None


def save(domain: str, login: Login) -> str:
    """File *login* for the registry *domain*; return the file, or "" if a helper keeps it."""
    file, name = path(), key(domain)
    config = _read(file)
    entry: dict[str, str] = {}
    if helper := _helper(file, config, name):
        given = {"ServerURL": name, "Username": login.user, "Secret": login.password}
        _ask(helper, "store", records.dump(given))
    else:
        entry["auth"] = base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
    config.setdefault("auths", {})[name] = entry
    _write(file, config)
    return "" if helper else file


def erase(domain: str) -> bool:
    """Forget the login for the registry *domain*; say whether there was one in our file."""
    file, name = path(), key(domain)
    config = _read(file)
    auths = config.get("auths") or {}
    names = [it for it in auths if it == name or _host(it) == _host(name)]
    helper = _helper(file, config, name)
    if helper and _ask(helper, "get", name):
        _ask(helper, "erase", name)
        names = names or [name]
    for it in names:
        auths.pop(it, None)
    if names:
        _write(file, config)
    return bool(names)


def _find(file: str, config: dict[str, Any], name: str) -> Login | None:
    if helper := _helper(file, config, name):
        found = _ask(helper, "get", name)
        if not found:
            return None
        user, secret = str(found.get("Username", "")), str(found.get("Secret", ""))
        return Login("", "", secret) if user == IDENTITY else Login(user, secret)
    auths = config.get("auths") or {}
    near = [it for it in auths if _host(it) == _host(name)]
    entry = auths.get(name) or next((auths[it] for it in near), None)
    if not entry:
        return None
    if not isinstance(entry, dict):
        raise ConfigError(f"cannot use {file}: auths of {name} is no object")
    return _decode(entry, f"cannot use {file}: auths of {name}")


def _decode(entry: dict[str, Any], what: str) -> Login | None:
    """Return the login in an *entry* of auths, or None if a helper had it."""
    try:
        text = base64.b64decode(str(entry.get("auth") or "").strip("\0"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ConfigError(f"{what} has an auth that is not base64") from None
    user, colon, password = text.partition(":")
    identity = str(entry.get("identitytoken") or "")
    if text and not colon:
        raise ConfigError(f"{what} has an auth that is not of the form USER:PASSWORD")
    return Login(user, password.strip("\0"), identity) if text or identity else None


def _host(name: str) -> str:
    """Return the host of an entry: older tools wrote https://HOST/v1/."""
    return name.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _helper(file: str, config: dict[str, Any], name: str) -> str:
    """Return the helper that keeps the login for *name*, or ""."""
    helpers = config.get("credHelpers") or {}
    found = helpers.get(name) if isinstance(helpers, dict) else None
    found = found or config.get("credsStore") or ""
    if found and (not isinstance(found, str) or not HELPER.fullmatch(found)):
        raise ConfigError(f"cannot use {file}: {found!r:.100} is not the name of a helper")
    return str(found)


def _ask(helper: str, action: str, text: str) -> dict[str, Any] | None:
    """Let the helper do get, store or erase; return its answer to get, None if it has none."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, action], input=text.encode(), capture_output=True, timeout=HELPER_TIME
        )
        out = done.stdout[: records.LIMIT].decode(errors="replace").strip()
        if done.returncode:
            if out == MISSING:
                return None
            raise ConfigError(f"{program} {action} failed: {out or done.stderr.decode()!r:.200}")
        found = records.parse(out) if action == "get" else {}
    except FileNotFoundError:
        raise ConfigError(f"cannot find {program}, which keeps the passwords") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{program} {action} took more than {HELPER_TIME} s") from None
    except OSError as error:
        raise ConfigError(f"cannot run {program}: {reason(error)}") from error
    except ValueError as error:
        raise ConfigError(f"{program} {action} gave no JSON: {error}") from None
    return found if isinstance(found, dict) else None


def _read(file: str) -> dict[str, Any]:
    try:
        found = records.read(file)
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("auths") or {}, dict):
        raise ConfigError(f"cannot use {file}: it is not a file of Docker's client")
    return found


def _write(file: str, config: dict[str, Any]) -> None:
    """Replace *file*, mode 600, where a link leads if it is one."""
    file = os.path.realpath(file)
    try:
        os.makedirs(os.path.dirname(file), 0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {os.path.dirname(file)}: {reason(error)}") from error
    records.write_text(file, records.dump(config, "\t") + "\n", 0o600)
