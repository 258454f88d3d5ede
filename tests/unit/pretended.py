"""A container that is only a record: what looks at no more than that can be tested with it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from mini_docker.containers import Container
from mini_docker.store import Store

ID = "a" * 64


class Pretended(Container):
    """A container whose Config has the given fields; there is nothing of it on disk."""

    def __init__(self, store: Store | None = None, **config: Any) -> None:
        self.store = store or Store("/nonexistent")
        self.id = ID
        self.record = {"Id": ID, "Name": "pretended", "Config": config, "HostConfig": {}}
        self.state = {"Status": "running", "Pid": 1}

    def change(self) -> Any:
        return nullcontext()

    def reload(self) -> None:
        pass

    def update(self, **fields: Any) -> None:
        self.state.update(fields)
