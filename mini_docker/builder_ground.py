"""Where a stage stands: the image so far, its config, and how a step changes both.

A step first asks the cache by its key. If that knows the image to which the step led before,
the image's documents need not be read: its id is enough for the next key, and what the step
does to the config is known. Only a step that is carried out loads what it stands on.
"""

from __future__ import annotations

import threading

from mini_docker import builder, builder_cache, builder_commit, builder_mounts, image_store
from mini_docker.builder_cache import Cache, Hit
from mini_docker.builder_commit import Step
from mini_docker.builder_run import Stop
from mini_docker.builder_select import Cancelled, Root
from mini_docker.builder_state import State
from mini_docker.errors import ConfigError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.builder_build import Request
    from mini_docker.builder_log import Log
    from mini_docker.builder_stages import Plan
    from mini_docker.image_transfer import Transfer

    Layer = tuple[dict[str, Any], str] | None

EPOCH = "SOURCE_DATE_EPOCH"


class Job:
    """What all stages of a build have in common."""

    def __init__(self, request: Request, plan: Plan, transfer: Transfer) -> None:
        self.request = request
        self.plan = plan
        self.transfer = transfer
        self.root = request.store.root
        self.cache = Cache(self.root)
        self.stop = Stop()
        self.ignore = builder.Ignore(request.ignore) if request.ignore else None
        self.done: dict[int, Ground] = {}  # stages, by number
        self._mounts = threading.local()

    def context(self, needed_for: str) -> Root:
        """Return the context, to be opened; NotFound, with what it is *needed_for*, without one."""
        if not self.request.context:
            raise NotFound(f"{needed_for}: there is no build context to take it from")
        return Root(self.request.context, self.ignore, alive=self.alive)

    def alive(self) -> None:
        """Raise Cancelled if the build has been given up."""
        if self.stop.set:
            raise Cancelled

    def isolate(self) -> None:
        """See to it that this thread mounts in a namespace of its own."""
        if not getattr(self._mounts, "own", False):
            builder_mounts.isolate()
            self._mounts.own = True


class Ground:
    """The image that a stage has come to."""

    def __init__(self, job: Job, log: Log) -> None:
        self._job = job
        self._log = log
        self._state: State | None = State(job.root)
        self._hit = Hit("", "")
        self.parent = ""  # the id of the image before it
        self._missed = False  # a step has been carried out: the cache knows none after it
        self.config: dict[str, Any] = {}
        self.author = ""

    @property
    def id(self) -> str:
        """Return the id of the image, "" before there is one."""
        return self._hit.id

    @property
    def manifest(self) -> str:
        """Return the digest of its manifest."""
        return self._hit.manifest

    def stand_on(self, state: State, config: dict[str, Any]) -> None:
        """Begin on an image that is in the store, with *config*."""
        self._state, self._hit = state, Hit(state.id, state.manifest)
        self.config = config

    def follow(self, other: Ground) -> None:
        """Begin where another stage has ended."""
        self._state, self._hit = other._state, other._hit
        self.parent, self.config, self.author = other.parent, other.config, other.author

    def state(self) -> State:
        """Return the image's documents; none of it is removed from now on."""
        if self._state is None:
            self._state = builder_cache.load(self._job.root, self._hit)
            hold(self._state, self._job.transfer)
        return self._state

    def key(self, text: str, arguments: dict[str, str], content: str = "") -> str:
        """Return the key of a step on this ground."""
        epoch = self._job.request.epoch
        if epoch is not None:
            arguments = {**arguments, EPOCH: str(epoch)}
        return builder.key(self._hit.id or "scratch", text, arguments, content)

    def move(
        self,
        key: str,
        note: str,
        config: dict[str, Any],
        work: Callable[[], Layer] | None = None,
    ) -> None:
        """Go on to the image of the step *key*: from the cache, or by doing its *work*.

        *note* is what the history says of it, *config* the config after it, and *work* makes
        its layer.
        """
        job = self._job
        job.alive()
        if not (job.request.no_cache or self._missed) and self._reuse(key, config):
            self._log.cached()
        else:
            self._missed = True
            before = self.state()
            step = Step(config, note, key)
            step.layer = work() if work else None
            step.author = self.author
            if job.request.epoch is not None:
                step.created = builder_commit.moment(job.request.epoch)
            self._arrive(builder_commit.register(job.transfer, before, step))
            job.cache.put(key, self.state())
        self.config = config
        self._log.image(self.id)

    def _reuse(self, key: str, config: dict[str, Any]) -> bool:
        """Go on to what the cache has for *key*; say whether it has anything."""
        job = self._job
        if hit := job.cache.find(key):
            self.parent, self._hit, self._state = self.id, hit, None
            return True
        if job.cache.knows(key):
            revived = job.cache.revive(job.transfer, key, self.state(), config)
            if revived:
                self._arrive(revived)
                job.cache.put(key, revived)
                return True
        return False

    def _arrive(self, state: State) -> None:
        self.parent = self.id
        self._state, self._hit = state, Hit(state.id, state.manifest)

    def tag(self, names: list[str]) -> None:
        """Give the image its *names*, whole references; at least it is in the index."""
        with open(image_store.blob_path(self._job.root, self.manifest), "rb") as file:
            data = file.read(image_store.DOCUMENT_LIMIT)
        self.state()
        self._job.transfer.register(data, _type(data), names, self.parent)


def hold(state: State, transfer: Transfer) -> None:
    """See to it that nothing of *state* is removed meanwhile; ConfigError if something is gone."""
    if state.id and not state.hold(transfer):
        raise ConfigError(
            f"the image {state.id} is not complete any more: build again, with --no-cache if "
            "that does not help"
        )


def _type(data: bytes) -> str:
    from mini_docker import records

    found = records.parse(data.decode())
    return str(found.get("mediaType") or image_store.MANIFEST_TYPE)
