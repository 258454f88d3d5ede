"""State on disk: what there is, as small files that a reader can cat.

    ROOT/                       /var/lib/mini-docker, --root, $MINI_DOCKER_ROOT
      lock                      held while a name is given or a container made or removed
      names/NAME -> ID          a link: made in one step, or refused because it is there
      containers/ID/
        container.json          what was asked for: it exists once the container does
        config.json, rootfs/    the OCI bundle
        state.json              what has become of it
        lock                    held by the process that looks after the container
        change                  held while somebody changes state.json
    RUN/ID.json                 what the kernel holds now: pid, start time, boot

RUN is /run/mini-docker, or ROOT/run for a root of one's own. A lock is flock(2):
the kernel lets it go when its holder dies, however it dies.
"""

from __future__ import annotations

import os

from mini_docker import records
from mini_docker.errors import ConfigError, Conflict, NotFound, reason
from mini_docker.locks import Lock as Lock
from mini_docker.locks import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_ROOT = "/var/lib/mini-docker"
DEFAULT_RUN = "/run/mini-docker"


class Store:
    """The state below one root."""

    __slots__ = ("root", "run")

    def __init__(self, root: str = "") -> None:
        given = root or os.getenv("MINI_DOCKER_ROOT", "") or DEFAULT_ROOT
        self.root = os.path.realpath(given)  # one place, one RUN, whatever link leads there
        self.run = DEFAULT_RUN if self.root == DEFAULT_ROOT else f"{self.root}/run"

    def prepare(self) -> None:
        """Make the directories of the store; ConfigError, naming the one that cannot be."""
        for path in (f"{self.root}/names", f"{self.root}/containers", self.run):
            try:
                if not os.path.isdir(path):
                    os.makedirs(path, 0o700, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"cannot make {path}: {refusal(error, self.root)}") from error

    def directory(self, id: str) -> str:
        """Return the directory of container *id*."""
        return f"{self.root}/containers/{id}"

    def ids(self) -> list[str]:
        """Return the ids of all containers, in no order."""
        try:
            names = os.listdir(f"{self.root}/containers")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"cannot list the containers: {refusal(error, self.root)}") from error
        return [name for name in names if len(name) == 64]

    def lock(self) -> Lock:
        """Return the store's lock; use it in a with statement."""
        return Lock(f"{self.root}/lock")

    def find(self, reference: str) -> str:
        """Return the id of the container that *reference* names: name, id, or prefix of one id.

        A name wins over an id, and a whole id over a prefix, as Docker has it. NotFound or
        Conflict, in Docker's words, if there is no such container or more than one.
        """
        name = reference.removeprefix("/")
        owner = self.owner(name)
        if owner and os.path.exists(f"{self.directory(owner)}/container.json"):
            return owner
        matches = [id for id in self.ids() if name and id.startswith(name)]
        whole = [id for id in matches if os.path.exists(f"{self.directory(id)}/container.json")]
        if len(whole) > 1:
            raise Conflict(f"multiple IDs found with provided prefix: {reference}")
        if not whole:
            raise NotFound(f"No such container: {reference}")
        return whole[0]

    def owner(self, name: str) -> str:
        """Return the id that has *name*, or ""."""
        if not name or "/" in name:
            return ""
        try:
            return os.readlink(f"{self.root}/names/{name}")
        except OSError:
            return ""

    def name_of(self, id: str) -> str:
        """Return the name that leads to *id*, or "": for a container whose record is broken."""
        names = os.listdir(f"{self.root}/names")
        return next((name for name in names if self.owner(name) == id), "")

    def claim(self, name: str, id: str) -> None:
        """Give *name* to *id*; the caller holds the store's lock. Conflict if it is in use.

        A link to a container that was never finished, or is gone, or is called something
        else, is a leftover of a killed engine: it is replaced.
        """
        link = f"{self.root}/names/{name}"
        owner = self.owner(name)
        if owner not in ("", id) and self.alive(owner) and self.called(owner) in ("", name):
            raise Conflict(
                f'Conflict. The container name "/{name}" is already in use by container "{owner}". '
                "You have to remove (or rename) that container to be able to reuse that name."
            )
        try:
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(id, link)
        except OSError as error:
            raise ConfigError(f"cannot claim the name {name}: {reason(error)}") from error

    def release(self, name: str, id: str) -> None:
        """Take *name* away from *id*, if it still has it."""
        if self.owner(name) == id:
            os.unlink(f"{self.root}/names/{name}")

    def alive(self, id: str) -> bool:
        """Say whether container *id* exists, or is being made by a living process."""
        directory = self.directory(id)
        if os.path.exists(f"{directory}/container.json"):
            return True
        if os.path.isdir(directory) and Lock(f"{directory}/lock").held():
            return True
        # Its maker writes the record before it lets go: it may have done both since we looked.
        return os.path.exists(f"{directory}/container.json")

    def called(self, id: str) -> str:
        """Return the name in container.json of *id*, or "" if there is none that can be read."""
        try:
            return str(self.record(id).get("Name", ""))
        except (NotFound, ConfigError):
            return ""

    def record(self, id: str) -> dict[str, Any]:
        """Return container.json of *id*; NotFound if it is gone."""
        return self._read(id, "container.json")

    def config(self, id: str) -> dict[str, Any]:
        """Return config.json of *id*; NotFound if it is gone."""
        return self._read(id, "config.json")

    def state(self, id: str) -> dict[str, Any]:
        """Return state.json of *id*; NotFound if it is gone."""
        return self._read(id, "state.json")

    def write_state(self, id: str, state: dict[str, Any]) -> None:
        """Replace state.json of *id*, be the disk full."""
        records.write_anyhow(f"{self.directory(id)}/state.json", state)

    def _read(self, id: str, name: str) -> dict[str, Any]:
        path = f"{self.directory(id)}/{name}"
        try:
            found = records.read(path)
        except FileNotFoundError:
            raise NotFound(f"No such container: {id[:12]} ({path} is missing)") from None
        if not isinstance(found, dict):
            raise ConfigError(f"cannot use {path}: it is not a JSON object")
        return found
