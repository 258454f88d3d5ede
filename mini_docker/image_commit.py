"""Commit: what a container has changed becomes a layer, on top of those of its image."""

from __future__ import annotations

import contextlib
import os

from mini_docker import (
    container_layers,
    containers,
    events,
    image_changes,
    image_new,
    image_transfer,
    images,
    operations_pause,
)
from mini_docker.errors import MiniDockerError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mini_docker.containers import Container


class Commit:
    """What is asked for: the names of the new image, and what it says of itself."""

    def __init__(self, reference: str = "", author: str = "", comment: str = "") -> None:
        self.names = image_new.names([reference])
        self.author = author
        self.comment = comment
        self.changes: list[str] = []  # lines of a Dockerfile
        self.pause = True  # a running container, while its files are read


def commit(it: Container, asked: Commit) -> str:
    """Make an image of the container *it* as it is now; return the image's id."""
    base = image_new.base_of(it.store.root, str(it.record.get("Image", "")))
    config = _config(it, base.config if base else {}, asked.changes)
    if it.status() == "removing":
        raise StateError(f"cannot commit container {it.name()}: it is being removed")
    with container_layers.Layers(it) as layers, image_transfer.Transfer(it.store.root) as transfer:
        with held(it) if asked.pause else contextlib.nullcontext():
            added = image_new.pack(transfer, layers)
        stack = image_new.child(transfer, base, added)
        step: dict[str, Any] = {"created_by": " ".join(it.record["Config"].get("Cmd") or [])}
        if asked.comment:
            step["comment"] = asked.comment
        if not added:
            step["empty_layer"] = True
        document = image_new.described(base.document if base else {}, config, step, asked.author)
        parent = base.id if base else ""
        id = image_new.register(transfer, stack, document, asked.names, parent)
    named = {
        "imageID": id,
        "imageRef": "".join(images.parse(name).familiar() for name in asked.names),
        "comment": asked.comment,
    }
    events.container(it, "commit", **named)
    return id


def _config(it: Container, base: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the container's config, with *changes*, as an image has it."""
    own = {key: value for key, value in it.record["Config"].items() if value}
    kept = {key: value for key, value in base.items() if key in image_new.FIELDS}
    for key in ("Entrypoint", "Cmd", "Env", "OnBuild"):
        kept.pop(key, None)  # the container's are whole; triggers were for one build
    return image_changes.apply({**kept, **own}, changes)


@contextlib.contextmanager
def held(it: Container) -> Iterator[None]:
    """Pause a running container meanwhile.

    A child of ours lets it run on, also if we are killed: it waits for the end of a pipe
    that only we hold open. One that is paused already stays so.
    """
    if it.status() != "running":
        yield
        return
    end, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _let_go(it, end)
    os.close(end)
    try:
        operations_pause.pause(it)
        yield
    finally:
        os.close(ours)
        os.waitpid(pid, 0)


def _let_go(it: Container, end: int) -> None:
    """In the child: wait until the parent is done or dead, then let the container run on."""
    try:
        os.setsid()  # a Ctrl-C at the terminal is for the parent
        os.read(end, 1)
        again = containers.load(it.store, it.id)
        if again.status() == "paused":
            operations_pause.unpause(again)
    except MiniDockerError as error:
        os.write(2, f"mini-docker: {error}\n".encode())
    finally:
        os._exit(0)
