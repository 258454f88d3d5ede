"""Images that a build begins with, or takes files from: found, or brought here."""

from __future__ import annotations

from mini_docker import builder_cache, builder_mounts, image_lookup, image_store
from mini_docker.builder_cache import Hit
from mini_docker.builder_ground import hold
from mini_docker.builder_select import Root
from mini_docker.builder_stages import SCRATCH
from mini_docker.builder_state import State
from mini_docker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import ExitStack

    from mini_docker.builder_ground import Job


class Bases:
    """The images that stages of *job* ask for."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._root = job.root

    def image(self, reference: str, platform: str) -> image_lookup.Image:
        """Return the image *reference*, brought here if it is missing or has to be asked for."""
        request = self._job.request
        if request.pull and not _is_id(reference):
            request.fetch(reference, platform)
            return self._here(reference, platform)
        try:
            return self._here(reference, platform)
        except NotFound:
            if _is_id(reference):
                raise
            request.fetch(reference, platform)
        return self._here(reference, platform)

    def _here(self, reference: str, platform: str) -> image_lookup.Image:
        with image_store.reading(self._root):
            image = image_lookup.find(self._root, reference)
        if platform:
            from mini_docker import registry_platforms

            wanted = registry_platforms.parse(platform)
            if not registry_platforms.fits(image.document, wanted):
                raise NotFound(
                    f"image with reference {reference} was found but does not match the "
                    f"specified platform: wanted {registry_platforms.name(wanted)}"
                )
        return image

    def find(self, name: str) -> Hit:
        """Return the image of the stage or image *name*; its id is "" for scratch."""
        number = int(name) if name.isdecimal() else self._job.plan.find(name)
        if number in self._job.done:
            ground = self._job.done[number]
            return Hit(ground.id, ground.manifest)
        if name == SCRATCH:
            return Hit("", "")
        image = self.image(name, self._job.request.platform)
        return Hit(image.id, image.descriptor["digest"])

    def show(self, name: str, stack: ExitStack) -> Root:
        """Return the files of a stage or image, to be read."""
        job, hit = self._job, self.find(name)
        state = builder_cache.load(self._root, hit) if hit.id else State(self._root)
        hold(state, job.transfer)
        if len(state.chain) > 1:
            job.isolate()
        path = stack.enter_context(builder_mounts.view(job.transfer, state.lowers()))
        return stack.enter_context(Root(path, foreign=True, alive=job.alive))


def _is_id(reference: str) -> bool:
    return reference.startswith("sha256:") or len(reference) == 64
