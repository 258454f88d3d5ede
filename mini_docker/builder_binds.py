"""The mounts of a RUN, made ready: what of the host a row of config.json shows."""

from __future__ import annotations

import os

from mini_docker import (
    builder_cache_mounts,
    builder_mounts,
    builder_places,
    builder_select,
    builder_volumes,
    builder_walk,
)
from mini_docker.builder_copy import Copier, Manner
from mini_docker.builder_select import Root
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from typing import Any

    from mini_docker.builder_commands import Run
    from mini_docker.builder_ground import Job
    from mini_docker.builder_volumes import Volume

PIPES = "/dev/pipes"  # where a here-document that begins with #! is a file


class Mounter:
    """Makes rows of config.json of the volumes of a RUN; what is opened lives with *stack*."""

    def __init__(
        self, job: Job, run: Run, stack: ExitStack, show: Callable[[str, ExitStack], Root]
    ) -> None:
        self._job = job
        self._run = run
        self._stack = stack
        self._show = show
        self._scratch = ""
        self.environment: list[str] = []

    def digest(self) -> str:
        """Return a digest of the files that are bound, "" if none are."""
        bound = [volume for volume in self._run.volumes if volume.kind == "bind"]
        found = builder_walk.Digest()
        for volume in bound:
            root = self._root(volume)
            found.add(root, builder_select.one(root, volume.get("source") or "."))
        return found.text() if bound else ""

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, in the order of the flags."""
        kinds = {"bind": self._bind, "cache": self._cache, "secret": self._secret}
        rows = []
        for volume in self._run.volumes:
            if volume.kind == "tmpfs":
                rows.append(builder_volumes.tmpfs(volume))
            elif row := kinds[volume.kind](volume):
                rows.append(row)
        if self._run.script:
            rows.append(self._pipes())
        return rows

    def _root(self, volume: Volume) -> Root:
        if name := volume.get("from"):
            return self._show(name, self._stack)
        return self._stack.enter_context(self._job.context("--mount=type=bind"))

    def place(self, name: str) -> str:
        """Return an empty directory that is gone when the step is done."""
        if not self._scratch:
            self._scratch = self._stack.enter_context(builder_places.Place(self._job.root)).path
        path = f"{self._scratch}/{len(os.listdir(self._scratch))}{name}"
        os.mkdir(path, 0o755)
        return path

    def _bind(self, volume: Volume) -> dict[str, Any] | None:
        root = self._root(volume)
        source = builder_select.one(root, volume.get("source") or ".")
        writes = volume.on("readwrite") or volume.get("readonly") == "false"
        if not writes and root.ignore is None:
            found = root.open(source.path)
            try:
                return builder_volumes.bind(volume, os.readlink(f"/proc/self/fd/{found}"))
            finally:
                os.close(found)
        # A copy: what is ignored is not in it, and what is written is lost with it.
        place = self.place("bind")
        Copier(root, place, Manner()).copy(source, "/")
        path = place if source.directory else f"{place}/{source.name}"
        row = builder_volumes.bind(volume, path)
        row["options"] = [word for word in row["options"] if not (writes and word in ("ro", "rro"))]
        return row

    def _cache(self, volume: Volume) -> dict[str, Any] | None:
        id = volume.get("id") or volume.target
        path, held = builder_cache_mounts.mount(
            self._job.root, id, volume.get("sharing") or "shared"
        )
        self._stack.callback(held.release)
        if not os.listdir(path):
            os.chmod(path, volume.number("mode", 0o755, 8) & 0o7777)
            os.chown(path, volume.number("uid", 0), volume.number("gid", 0))
            if volume.get("from"):
                root = self._root(volume)
                source = builder_select.one(root, volume.get("source") or ".")
                Copier(root, path, Manner()).copy(source, "/")
        row = builder_volumes.bind(volume, path)
        if not volume.on("readonly"):
            row["options"] = ["rbind"]
        return row

    def _secret(self, volume: Volume) -> dict[str, Any] | None:
        id = volume.fields["id"]
        content = self._job.request.secrets.get(id)
        if content is None:
            if volume.on("required"):
                raise UsageError(f"secret {id}: not found: give it with --secret id={id}")
            return None
        if name := volume.get("env"):
            self.environment.append(f"{name}={content.decode(errors='surrogateescape')}")
        if not volume.target:
            return None
        folder = self.place("secret")
        self._stack.enter_context(builder_mounts.memory(folder))
        with open(f"{folder}/secret", "xb") as file:
            file.write(content)
            os.fchown(file.fileno(), volume.number("uid", 0), volume.number("gid", 0))
            os.fchmod(file.fileno(), volume.number("mode", 0o400, 8) & 0o777)
        return builder_volumes.bind(volume, f"{folder}/secret")

    def _pipes(self) -> dict[str, Any]:
        folder = self.place("pipes")
        with open(f"{folder}/{os.path.basename(self._run.argv[-1])}", "x") as file:
            file.write(self._run.script)
            os.fchmod(file.fileno(), 0o755)
        return {
            "destination": PIPES,
            "type": "bind",
            "source": folder,
            "options": ["rbind", "ro", "rro"],
        }
