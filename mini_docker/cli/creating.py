"""Create the container that the flags of ``run`` and ``create`` describe."""

from __future__ import annotations

import os

from mini_docker import creation, processes, swap
from mini_docker.cli import run_image
from mini_docker.cli.run_settings import record
from mini_docker.errors import ConfigError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker import containers
    from mini_docker.cli.options import Values
    from mini_docker.store import Lock, Store


def make(values: Values, store: Store, start: bool = True) -> tuple[containers.Container, Lock]:
    """Create the container; its image stays while that is under way.

    Return it, and the lock to hold for as long as the caller looks after it; *start* is
    what comes next, see creation.create().
    """
    if not values.rootfs:
        swap.require("rootfs", what="run IMAGE")
    elif os.path.realpath(values.rootfs) != "/":
        swap.require("rootfs", what="run --rootfs DIRECTORY other than /")
    store.prepare()
    image, held = None, None
    if not values.rootfs:
        image, held = run_image.hold(store, values)
    try:
        _check_name(values.name)
        wanted = record(values, image)
        wanted["Name"] = values.name.removeprefix("/")  # as inspect shows it
        seal(wanted["HostConfig"])
        # A signal that comes from here on waits for the container, and is passed on to it.
        processes.block()
        return _create(store, wanted, image.layers() if image else [], start)
    finally:
        if held:
            held.release()


def seal(host: dict[str, Any]) -> None:
    """Start anew from a program file that the container cannot write, if it could try."""
    if host.get("Init") or host.get("PidMode"):
        from mini_docker import sealed

        if sealed.seen_by_init(host):
            sealed.ensure()


def _check_name(name: str) -> None:
    if name:
        from mini_docker import names

        names.check(name.removeprefix("/"))


def _create(
    store: Store, wanted: dict[str, Any], layers: list[str], start: bool
) -> tuple[containers.Container, Lock]:
    """Create the container and write its id to --cidfile: there are both, or there is neither."""
    path = wanted["HostConfig"]["ContainerIDFile"]
    if not path:
        return creation.create(store, wanted, layers, start)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o644)
    except OSError as error:
        raise ConfigError(f"cannot write the container ID to {path}: {reason(error)}") from error
    try:
        it, life = creation.create(store, wanted, layers, start)
        os.write(descriptor, it.id.encode())
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)
    return it, life
