"""mini-docker pull: images from a registry."""

from __future__ import annotations

import sys

from mini_docker import events, image_lookup, images
from mini_docker.cli.options import Command, Flag
from mini_docker.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from mini_docker.cli.options import Values
    from mini_docker.images import Reference
    from mini_docker.store import Store

COMMAND = Command(
    "pull",
    "Download an image from a registry",
    "mini-docker pull [OPTIONS] NAME[:TAG|@DIGEST]",
    (
        Flag("all-tags", "a", help="Download all tagged images in the repository"),
        Flag("disable-content-trust", "", default=True, help="Skip image verification"),
        Flag("platform", "", "string", help="Set platform if server is multi-platform capable"),
        Flag("quiet", "q", help="Suppress verbose output"),
    ),
    minimum=1,
    maximum=1,
)


def execute(values: Values, store: Store) -> int:
    """Pull one image, or all of a repository; print where it came from."""
    reference = image_lookup.parse(values.arguments[0])
    if not values.disable_content_trust:
        raise UsageError("content trust is not there: Docker's signatures were given up in 2025")
    store.prepare()
    if not values.all_tags:
        if not reference.tag and not reference.digest:
            if not values.quiet:
                print("Using default tag: latest", flush=True)
            reference = images.parse(reference.full())
        pull(store, [reference], values.platform, None if values.quiet else sys.stdout)
        print(reference)
        return 0
    if reference.tag or reference.digest:
        raise UsageError("tag can't be used with --all-tags/-a")
    from mini_docker import packages

    packages.reach()
    from mini_docker import registry_endpoints, registry_manifests

    session = registry_endpoints.Endpoints().session(
        reference.domain, reference.path, [f"repository:{reference.path}:pull"]
    )
    tags = [images.parse(f"{reference}:{tag}") for tag in registry_manifests.tags(session)]
    pull(store, tags, values.platform, None if values.quiet else sys.stdout)
    print(reference)
    return 0


def pull(store: Store, references: list[Reference], platform: str, out: TextIO | None) -> None:
    """Pull *references*, each with a tag or a digest, and tell *out* of it."""
    from mini_docker import registry_unchanged

    if len(references) == 1 and not platform:
        it = references[0]
        if digest := registry_unchanged.digest(store.root, it):
            if out:
                out.write(f"{it.tag}: Pulling from {it.path}\nDigest: {digest}\n")
                out.write(f"Status: Image is up to date for {it.familiar()}\n")
            events.image(store.root, "pull", it.familiar(), it.repository())
            return
    from mini_docker import packages

    packages.reach()
    from mini_docker import registry_endpoints, registry_progress, registry_pull

    progress = registry_progress.Progress(out)
    puller = registry_pull.Puller(store.root, registry_endpoints.Endpoints(), progress, platform)
    for reference in references:
        found = puller.pull(reference)
        name = reference.familiar()
        events.image(store.root, "pull", name, reference.repository())
        progress.say(f"Digest: {found.digest}")
        done = "Downloaded newer image for" if found.new else "Image is up to date for"
        progress.say(f"Status: {done} {name}")
