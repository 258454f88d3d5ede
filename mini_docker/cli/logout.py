"""mini-docker logout: forget a login."""

from __future__ import annotations

from mini_docker.cli.login import HUB, server
from mini_docker.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.store import Store

COMMAND = Command("logout", "Log out from a registry", "mini-docker logout [SERVER]", (), maximum=1)


def execute(values: Values, store: Store) -> int:
    """Take the login for the registry out of our file, or out of its helper."""
    from mini_docker import registry_credentials

    domain = server(values.arguments)
    key = registry_credentials.HUB_KEY if domain == HUB else domain
    if registry_credentials.erase(domain):
        print(f"Removing login credentials for {key}")
    else:
        print(f"Not logged in to {key}")
    if registry_credentials.find(domain):
        print("Existing credentials remain in ~/.docker/config.json: they are Docker's")
    return 0
