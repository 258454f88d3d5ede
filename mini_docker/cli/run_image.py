"""The image that ``run`` starts from: found, and held until the container is there."""

from __future__ import annotations

from mini_docker import image_lookup, image_store, swap
from mini_docker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.image_lookup import Image
    from mini_docker.store import Lock, Store

OURS = ("busybox", "hello-world", "debian")  # what can be made on the spot


def hold(store: Store, reference: str) -> tuple[Image, Lock]:
    """Return the image that *reference* names, and a lock: while it is held, the image stays.

    NotFound, in the words of `docker run`, and with what to do, if it is not here.
    """
    lock = image_store.reading(store.root)
    lock.acquire()
    try:
        image = image_lookup.find(store.root, reference)
        if len(image.manifest["layers"]) > 1:
            swap.require("layers", "images", what="run an image of more than one layer")
        return image, lock
    except NotFound as error:
        lock.release()
        raise _missing(error) from None
    except BaseException:
        lock.release()
        raise


def _missing(error: NotFound) -> NotFound:
    name = str(error).removeprefix("No such image: ")
    repository = name.partition(":")[0]
    remedy = f": make it with 'mini-docker image bootstrap {repository}'"
    hint = remedy if repository in OURS else ""
    return NotFound(f"Unable to find image '{name}' locally{hint}")
