"""mini-docker import: an image out of an archive of files."""

from __future__ import annotations

import contextlib

from mini_docker.cli.options import Command, Flag
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from mini_docker.cli.options import Values
    from mini_docker.store import Store

PATIENCE = 30.0  # seconds without a byte from a server
COMMAND = Command(
    "import",
    "Import the contents from a tarball to create a filesystem image",
    "mini-docker import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
    (
        Flag("change", "c", "list", help="Apply Dockerfile instruction to the created image"),
        Flag("message", "m", "string", help="Set commit message for imported image"),
        Flag("platform", "", "string", help="Set platform if server is multi-platform capable"),
    ),
    minimum=1,
    maximum=2,
)


def execute(values: Values, store: Store) -> int:
    """Make the image and print its id."""
    from mini_docker import image_import

    source, *name = values.arguments
    asked = image_import.Import("".join(name), values.message, values.platform)
    asked.comment = asked.comment or f"Imported from {source}"
    asked.changes = values.change
    store.prepare()
    with _open(source) as stream:
        print(image_import.import_(store.root, stream, asked))
    return 0


@contextlib.contextmanager
def _open(source: str) -> Iterator[BinaryIO]:
    """Open what *source* names: a file, a URL, or "-", our own input."""
    if source == "-":
        # Not sys.stdin: a thread that waits for it would hold up the end of an interrupted import.
        with open(0, "rb", buffering=0, closefd=False) as file:
            yield file
        return
    if source.startswith(("http://", "https://")):
        with _download(source) as response:
            yield response
        return
    try:
        file = open(source, "rb", buffering=0)  # noqa: SIM115  closed below
    except OSError as error:
        raise ConfigError(f"open {source}: {reason(error).lower()}") from error
    with file:
        yield file


def _download(url: str) -> BinaryIO:
    import http.client
    import urllib.error
    import urllib.request

    try:
        return urllib.request.urlopen(url, timeout=PATIENCE)  # type: ignore[no-any-return]
    except urllib.error.HTTPError as error:
        why = f"{error.code} {error.reason}"
        raise ConfigError(f"cannot download {url}: the server answers {why}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        why = (isinstance(cause, OSError) and cause.strerror) or str(cause)
        raise ConfigError(f"cannot download {url}: {why}") from error
