"""Build: an image out of a Dockerfile and a context.

    build(request, view) -> image id

Request is what was asked for, View who is told of it. The stages that the target needs are
worked off (builder_stages.py), those that do not wait for each other side by side; the view
hears of them one after the other all the same, in the order of the Dockerfile.
"""

from __future__ import annotations

import os
import threading
import time

from mini_docker import (
    builder,
    builder_scope,
    builder_stages,
    events,
    image_new,
    images,
    leftovers,
)
from mini_docker.builder_ground import EPOCH, Job
from mini_docker.builder_log import Turns
from mini_docker.builder_log import View as View
from mini_docker.builder_select import Cancelled
from mini_docker.builder_steps import StepError, Worker
from mini_docker.errors import MiniDockerError, NotFound, UsageError
from mini_docker.image_transfer import Transfer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.builder_stages import Plan, Stage
    from mini_docker.store import Store


GRACE = 5.0  # seconds that steps get to end when the build is given up
OFTEN = 1.0  # seconds between two looks at whether the build is still wanted


class BuildError(MiniDockerError):
    """A step has failed; *image* is the last one that was made before it, or ""."""

    exit_code = 1

    def __init__(self, message: str, line: int = 0, end: int = 0, image: str = "") -> None:
        super().__init__(message)
        self.line = line  # of the Dockerfile, the first one is 1; 0 for none
        self.end = end
        self.image = image  # an id: `mini-docker run -it ID sh` looks around in it
        self.code = 0  # the exit code of the command of a RUN, 0 for another failure


class Request:
    """What a build is asked for. The defaults ask for nothing special."""

    def __init__(self, store: Store, text: str) -> None:
        self.store = store
        self.text = text  # of the Dockerfile
        self.name = "Dockerfile"  # as errors name it
        self.context = ""  # the absolute path of a directory; "" for none
        self.ignore: list[str] = []  # patterns, as builder.read_ignore() returns them
        self.build_args: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.target = ""
        self.tags: list[str] = []  # as they were written; they are checked before all else
        self.no_cache = False
        self.pull = False  # ask the registry for each base
        self.cache_from: list[str] = []  # references of images
        self.network = "default"  # or none, host
        self.secrets: dict[str, bytes] = {}  # by id
        self.host: dict[str, Any] = {}  # limits of RUN, in HostConfig's words: Memory, ShmSize, ...
        self.platform = ""
        self.epoch: int | None = None  # SOURCE_DATE_EPOCH: nothing in the image is younger
        # Bring an image of (reference, platform) into the store, or raise.
        self.fetch: Callable[[str, str], None] = _refuse
        # Raise what a signal has raised before, if that has been lost.
        self.wanted: Callable[[], None] = lambda: None


def build(request: Request, view: View) -> str:
    """Build what *request* asks for; return the image's id ("sha256:...").

    BuildError for a step that fails, with the place in the Dockerfile; UsageError for what
    cannot be asked for. KeyboardInterrupt ends the running commands; like any other end it
    leaves no container, no mount and no half image.
    """
    names = image_new.names(request.tags)
    plan = builder_stages.plan(builder.parse(request.text), request)
    leftovers.sweep(request.store)
    before = os.umask(0o022)  # for all threads at once: what is made has the mode that it says
    try:
        id = _build(request, view, plan, names)
    finally:
        os.umask(before)
    _warn(request, plan, view)
    view.built(id)
    for name in names:
        short = images.parse(name).familiar()
        events.image(request.store.root, "tag", id, short)
        view.tagged(short)
    return id


def _build(request: Request, view: View, plan: Plan, names: list[str]) -> str:
    with Transfer(request.store.root) as transfer:
        job = Job(request, plan, transfer)
        try:
            for reference in request.cache_from:
                _use(job, reference, view)
            _Work(job, view).run()
            last = job.done[plan.target]
            if not last.id:
                raise UsageError("No image was generated. Is your Dockerfile empty?")
            last.tag(names)
            return last.id
        finally:
            job.stop.close()


class _Work:
    """The stages of a job, worked off by as many threads as there are processors."""

    def __init__(self, job: Job, view: View) -> None:
        self._job = job
        self._turns = Turns(view, [stage.number for stage in job.plan.stages])
        self._waiting = list(job.plan.stages)
        self._own = threading.Condition()
        self._failure: tuple[int, BaseException] | None = None
        self._busy = 0
        # Free when there is nothing more to wait for. A Ctrl-C can raise anywhere in the main
        # thread: so that waits for this alone, and holds no lock that the others need.
        self._over = threading.Lock()
        self._over.acquire()

    def run(self) -> None:
        """Work off all stages; raise what the first one that fails has raised."""
        count = min(len(self._waiting), os.cpu_count() or 1)
        threads: list[threading.Thread] = []
        try:
            for _ in range(count):
                threads.append(threading.Thread(target=self._take_turns, daemon=True))
                threads[-1].start()
            while not self._over.acquire(timeout=OFTEN):
                self._job.request.wanted()
        finally:
            self._end(threads)
        if self._failure is not None:
            number, error = self._failure
            self._turns.show(number)
            if isinstance(error, StepError):
                raise _told(error) from error.cause
            raise error

    def _end(self, threads: list[threading.Thread]) -> None:
        """See to it that whoever is at work ends it; one that cannot is left behind."""
        with self._own:
            if self._failure is not None or self._waiting or self._busy:
                self._job.stop.now()  # it ends the commands in the containers
            self._waiting.clear()
            self._own.notify_all()
        self._turns.give_up()
        # Somebody who has pressed Ctrl-C does not wait for a slow registry.
        give_up = time.monotonic() + GRACE
        for thread in threads:
            if thread.is_alive():
                last = max(0.0, give_up - time.monotonic()) if self._job.stop.set else None
                thread.join(last)

    def _take_turns(self) -> None:
        while (stage := self._next()) is not None:
            try:
                ground = Worker(self._job, stage, self._turns.of(stage.number)).work()
            except BaseException as error:
                with self._own:
                    if self._failure is None and not isinstance(error, Cancelled):
                        self._failure = stage.number, error
                    self._busy -= 1
                    self._tell()
                return
            with self._own:
                self._job.done[stage.number] = ground
                self._busy -= 1
                self._own.notify_all()
            self._turns.finish(stage.number)
        with self._own:
            if not self._busy:
                self._tell()

    def _tell(self) -> None:
        """Let the main thread go on."""
        if self._over.locked():
            self._over.release()

    def _next(self) -> Stage | None:
        """Wait for a stage whose needs are met; None when there is nothing left to do."""
        with self._own:
            while self._waiting and self._failure is None:
                for stage in self._waiting:
                    if stage.needs <= self._job.done.keys():
                        self._waiting.remove(stage)
                        self._busy += 1
                        return stage
                self._own.wait()
            return None


def _told(error: StepError) -> BuildError:
    """Return the error of a build for that of a step."""
    found = BuildError(str(error), error.it.line, error.it.end, error.image)
    # One that could not be started has none: then docker's exit code is 1.
    found.code = int(getattr(error.cause, "code", 0))
    return found


def _use(job: Job, reference: str, view: View) -> None:
    """Let *reference* serve as a cache; one that cannot be had makes the build slower, no more."""
    try:
        try:
            job.cache.use(reference)
        except NotFound:
            job.request.fetch(reference, job.request.platform)
            job.cache.use(reference)
    except MiniDockerError as error:
        view.warning(f"--cache-from {reference}: {error}")


def _warn(request: Request, plan: Plan, view: View) -> None:
    """Say which --build-arg nobody has asked for."""
    known = plan.used | builder_scope.PREDEFINED | {EPOCH}
    unused = [name for name in request.build_args if name not in known]
    if unused:
        view.warning(f"One or more build-args [{' '.join(unused)}] were not consumed")


def _refuse(reference: str, _platform: str) -> None:
    raise NotFound(f"No such image: {reference}")
