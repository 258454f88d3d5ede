"""The image that ``run`` starts from: found or pulled, and held until the container is there."""

from __future__ import annotations

import sys

from mini_docker import image_lookup, image_store, swap
from mini_docker.errors import MiniDockerError, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.image_lookup import Image
    from mini_docker.store import Lock, Store

OURS = ("busybox", "hello-world", "debian")  # what can be made on the spot
ALWAYS, MISSING, NEVER = "always", "missing", "never"


def hold(store: Store, values: Values) -> tuple[Image, Lock]:
    """Return the image that the command line names, and a lock: while it is held, it stays.

    What is not here, or not of the platform that was asked for, is pulled first; --pull has
    the last word. NotFound, in the words of `docker run`, and with what to do, if that may
    not be; the pull's own error if it fails.
    """
    policy, reference = values.pull or MISSING, values.arguments[0]
    if policy not in (ALWAYS, MISSING, NEVER):
        raise UsageError(
            f"invalid pull option: '{policy}': must be one of \"{ALWAYS}\", "
            f'"{MISSING}" or "{NEVER}"'
        )
    if policy == ALWAYS:
        _pull(store, values, "")
    try:
        return _here(store, reference, values.platform)
    except NotFound as error:
        if policy == NEVER or _is_id(reference):
            raise _missing(error) from None
        _pull(store, values, str(error).removeprefix("No such image: "))
    return _here(store, reference, values.platform)


def _here(store: Store, reference: str, platform: str) -> tuple[Image, Lock]:
    """Return the image in the store, held; NotFound if there is none that will do."""
    lock = image_store.reading(store.root)
    lock.acquire()
    try:
        image = image_lookup.find(store.root, reference)
        if platform:
            _check(image, reference, platform)
        if len(image.manifest["layers"]) > 1:
            swap.require("layers", what="run an image of more than one layer")
        return image, lock
    except BaseException:
        lock.release()
        raise


def _check(image: Image, reference: str, platform: str) -> None:
    from mini_docker import registry_platforms

    wanted = registry_platforms.parse(platform)
    if not registry_platforms.fits(image.document, wanted):
        actual = f"{image.document.get('os')}/{image.document.get('architecture')}"
        raise NotFound(
            f"image with reference {reference} was found but does not match the specified "
            f"platform: wanted {registry_platforms.name(wanted)}, actual: {actual}"
        )


def _pull(store: Store, values: Values, missing: str) -> None:
    """Pull what the command line names, and tell of it on stderr: stdout is the container's."""
    from mini_docker import images
    from mini_docker.cli import pull

    if missing and not missing.startswith("image with"):
        missing = f"Unable to find image '{missing}' locally"
    reference = image_lookup.parse(values.arguments[0])
    out = None if values.quiet else sys.stderr
    if missing and out:
        print(missing, file=out, flush=True)
    try:
        swap.require("registry", what="pull IMAGE")
        pull.pull(store, [images.parse(reference.full())], values.platform, out)
    except MiniDockerError as error:
        hint = _hint(reference.familiar())
        if hint and "bootstrap" not in str(error):
            raise type(error)(f"{error}{hint}") from None
        raise


def _is_id(reference: str) -> bool:
    return reference.startswith("sha256:") or len(reference) == 64


def _missing(error: NotFound) -> NotFound:
    name = str(error).removeprefix("No such image: ")
    if name.startswith("image with"):
        return error
    return NotFound(f"Unable to find image '{name}' locally{_hint(name)}")


def _hint(name: str) -> str:
    repository = name.partition(":")[0]
    return (
        f": make it with 'mini-docker image bootstrap {repository}'" if repository in OURS else ""
    )
