"""The configuration file: what holds for every container unless its command line says otherwise.

    /etc/mini-docker/daemon.json      $MINI_DOCKER_CONFIG names another one

The name and the keys are those of Docker's daemon, although there is no daemon here: each
command reads the file. An ordinary user's lies in $XDG_CONFIG_HOME/mini-docker, or in
~/.config/mini-docker. Most machines have none. dockerd(8), "Daemon configuration file".
"""

from __future__ import annotations

import os

from mini_docker import records
from mini_docker.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SYSTEM = "/etc/mini-docker/daemon.json"
KEYS = {
    "log-driver": str,
    "log-opts": dict,
    "userns-remap": str,
    "registry-mirrors": list,
    "insecure-registries": list,
    "max-concurrent-downloads": int,
    "max-concurrent-uploads": int,
}


def path() -> str:
    """Return the path of the file, whether it is there or not."""
    return os.getenv("MINI_DOCKER_CONFIG", "") or SYSTEM


def read() -> dict[str, Any]:
    """Return what the file says; {} if there is none.

    ConfigError, naming the file, if it is no JSON object, has a key that no option of ours
    has, or a value of a wrong type.
    """
    file = path()
    try:
        found = records.read(file)
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"cannot use the configuration file {file}: it is not a JSON object")
    if unknown := [key for key in found if key not in KEYS]:
        raise ConfigError(
            f"cannot use the configuration file {file}: the following directives don't match "
            f"any configuration option: {', '.join(unknown)}"
        )
    records.demand(found, {key: KEYS[key] for key in found}, file)
    return found
