"""The network that a container is in, as `ps` shows it and filters by it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.containers import Container


def network(it: Container) -> str:
    """Return the name of its network; "" if it shares another container's."""
    mode = str(it.record["HostConfig"].get("NetworkMode", "none"))
    return "" if mode.startswith("container:") else mode
