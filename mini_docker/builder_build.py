"""Build: an image out of a Dockerfile and a context.

    build(request, view) -> image id

Request is what was asked for, View who is told of it. The stages that the target needs are
worked off (builder_stages.py), those that do not wait for each other side by side; the view
hears of them one after the other all the same, in the order of the Dockerfile.
"""

from __future__ import annotations

from mini_docker.errors import MiniDockerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mini_docker.store import Store


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


class View:
    """Who is told of a build; this one is told in vain. Calls come one at a time."""

    def step(self, number: int, total: int, text: str) -> None:
        """Step *number* of *total* begins: *text* is the instruction as it is written."""

    def cached(self) -> None:
        """The step is not run: it was before, on the same ground."""

    def running(self, container: str) -> None:
        """The command of a RUN begins in the container of this id."""

    def output(self, stream: int, data: bytes) -> None:
        """The command wrote *data* to *stream*, 1 or 2."""

    def removed(self, container: str) -> None:
        """The container of the step is gone."""

    def image(self, id: str) -> None:
        """The step is done: this is the image after it ("sha256:...")."""

    def warning(self, text: str) -> None:
        """Something is worth a word, and no reason to stop."""

    def built(self, id: str) -> None:
        """All is done, and the image has this id."""

    def tagged(self, name: str) -> None:
        """The image has got the *name*, as short as Docker shows it."""


def build(request: Request, view: View) -> str:
    """Build what *request* asks for; return the image's id ("sha256:...").

    BuildError for a step that fails, with the place in the Dockerfile; UsageError for what
    cannot be asked for. KeyboardInterrupt ends the running commands; like any other end it
    leaves no container, no mount and no half image.
    """
    raise NotImplementedError("the builder is being written")


def _refuse(reference: str, _platform: str) -> None:
    from mini_docker.errors import NotFound

    raise NotFound(f"No such image: {reference}")
