"""mini-docker push: images to a registry."""

from __future__ import annotations

import sys

from mini_docker import events, image_lookup, image_store, images
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_docker.cli.options import Values
    from mini_docker.images import Reference
    from mini_docker.store import Store

COMMAND = Command(
    "push",
    "Upload an image to a registry",
    "mini-docker push [OPTIONS] NAME[:TAG]",
    (
        Flag("all-tags", "a", help="Push all tags of an image to the repository"),
        Flag("disable-content-trust", "", default=True, help="Skip image signing"),
        Flag("quiet", "q", help="Suppress verbose output"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Push one image, or all that have a tag in the repository."""
    reference = image_lookup.parse(values.arguments[0])
    if not values.disable_content_trust:
        raise UsageError("content trust is not there: Docker's signatures were given up in 2025")
    if reference.digest:
        raise UsageError("cannot push a digest reference")
    if values.all_tags and reference.tag:
        raise UsageError("tag can't be used with --all-tags/-a")
    store.prepare()
    found = _tagged(store, reference) if values.all_tags else [_one(store, values, reference)]
    from mini_docker import packages

    packages.reach()
    from mini_docker import registry_endpoints, registry_progress, registry_push

    progress = registry_progress.Progress(None if values.quiet else sys.stdout)
    repository = f"{reference.domain}/{reference.path}"
    progress.say(f"The push refers to repository [{repository}]")
    registry_push.Pusher(store.root, registry_endpoints.Endpoints(), progress).push(found)
    for it in found:
        events.image(store.root, "push", it.familiar(), it.repository())
    if values.quiet:
        print(found[0] if len(found) == 1 else repository)
    return 0


def _one(store: Store, values: Values, reference: Reference) -> Reference:
    if not reference.tag:
        if not values.quiet:
            print("Using default tag: latest", flush=True)
        reference = images.parse(reference.full())
    if image_store.locate(store.root, str(reference)) is None:
        name = images.parse(f"{reference.domain}/{reference.path}")
        raise NotFound(f"An image does not exist locally with the tag: {name.familiar()}")
    return reference


def _tagged(store: Store, reference: Reference) -> list[Reference]:
    """Return all names with a tag that the store has in the repository."""
    names = [image_store.name_of(row) for row in image_store.entries(store.root)]
    mine = [name for name in names if name.startswith(f"{reference}:") and "@" not in name]
    if not mine:
        raise NotFound(f"An image does not exist locally with the tag: {reference.familiar()}")
    return [images.parse(name) for name in sorted(mine)]
