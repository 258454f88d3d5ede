"""A container in a store, made by its three files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mini_docker.containers import Container
from mini_docker.store import Store

ID = "a" * 64
NEVER = "0001-01-01T00:00:00Z"
RECORD = {
    **{"Name": "web", "Created": "", "Path": "sleep", "Args": [], "Config": {}, "HostConfig": {}},
}
STATE = {
    **{"Status": "created", "Pid": 0, "ExitCode": 0, "Error": ""},
    **{"StartedAt": NEVER, "FinishedAt": NEVER},
}
CONFIG = {
    **{"process": {}, "root": {"path": "rootfs"}, "mounts": []},
    "linux": {"namespaces": [], "resources": {}, "maskedPaths": [], "readonlyPaths": []},
}


def container(root: Path, **state: Any) -> Container:
    """Return a container of the store at *root*, created, or as *state* says."""
    store = Store(str(root))
    store.prepare()
    folder = Path(store.directory(ID))
    folder.mkdir()
    for name, value in (("container", RECORD), ("state", {**STATE, **state}), ("config", CONFIG)):
        (folder / f"{name}.json").write_text(json.dumps(value))
    return Container(store, ID)
