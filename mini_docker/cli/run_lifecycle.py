"""The flags of ``run`` about a container's life: restart, stop and health."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.cli.options import Values


def config(values: Values) -> dict[str, Any]:
    """Return the fields of Config: StopSignal, StopTimeout, Healthcheck."""
    found: dict[str, Any] = {"StopSignal": values.stop_signal}
    if "stop-timeout" in values.given:
        found["StopTimeout"] = values.stop_timeout
    return found


def restart_policy(values: Values) -> dict[str, Any]:
    """Return HostConfig.RestartPolicy."""
    name, _, count = values.restart.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}
