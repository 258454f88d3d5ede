"""Create a container: its name, its directory, its bundle; and nothing, if anything fails.

The record container.json is written last. Without it a directory is nobody's
container, and the next command that needs the name, or `system check --repair`,
takes it away.
"""

from __future__ import annotations

import os

from mini_docker import (
    cgroups_present,
    containers,
    events,
    leftovers,
    records,
    seccomp_cache,
    settings,
    settings_users,
    spec,
    swap,
    timestamps,
    trees,
)
from mini_docker.errors import ConfigError, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.store import Store

HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
STATE = {
    **{"Status": "created", "Pid": 0, "ExitCode": 0, "Error": "", "OOMKilled": False},
    **{"StartedAt": timestamps.NEVER, "FinishedAt": timestamps.NEVER},
}


def create(
    store: Store, record: dict[str, Any], layers: list[str], start: bool = False
) -> tuple[containers.Container, Lock]:
    """Create the container that *record* asks for, over *layers*; return it and its lock.

    *record* has Config, HostConfig, Path, Args, Name ("" for a random one) and the
    image's fields; Id and Created are filled in. The caller holds the lock for as long
    as it looks after the container. With *start* it is written down that this is what comes
    next: whoever finds the container and no such caller, will see to it.
    """
    from mini_docker import names

    id = os.urandom(32).hex()
    record = {"Id": id, "Created": timestamps.now(), **record}
    if not record["Config"].get("Hostname"):
        # On the host's network a container bears the host's name, as Docker has it.
        shared = record["HostConfig"].get("NetworkMode") == "host"
        record["Config"]["Hostname"] = os.uname().nodename if shared else id[:12]
    directory = store.directory(id)
    leftovers.sweep(store)
    with store.lock():
        if not record["Name"]:
            record["Name"] = names.random_name(store.owner)
        maps = settings_users.choose(record, layers, store)
        life = _make_directory(directory)
        try:
            store.claim(record["Name"], id)  # after the directory: leftovers.py says why
            settings_users.note(directory, maps)
        except BaseException:
            trees.remove(directory)
            raise
    try:
        _write(store, record, layers, maps, start)
    except BaseException:
        containers.forget(store, id)
        discard(store, id, record["Name"])
        raise
    it = containers.Container(store, id)
    events.container(it, "create")
    return it, life


def _write(
    store: Store,
    record: dict[str, Any],
    layers: list[str],
    maps: dict[str, Any] | None,
    start: bool,
) -> None:
    """Write all files of the container: container.json, with which it exists, last."""
    directory = store.directory(record["Id"])
    tree = cgroups_present.present() if not swap.locked("cgroups") else None
    version = tree.version if tree else "v2"
    document = settings.bundle(record, layers, store, version, maps)
    settings_users.place(document, tree.base if tree else "")
    _write_files(directory, record)
    _write_filter(directory, record, document, store.root)
    records.write(f"{directory}/config.json", document)
    records.write(f"{directory}/state.json", STATE)
    if start or record.get("Build"):
        # Of a build, or with --rm, it is removed when its caller is no more, whether it was
        # ever started or not: so this is there before the container is.
        containers.note(store, record["Id"], 0)
    records.write(f"{directory}/container.json", record)


def discard(store: Store, id: str, name: str) -> None:
    """Take away a container that was not finished."""
    with store.lock():
        store.release(name, id)
    trees.remove(store.directory(id))


def _make_directory(directory: str) -> Lock:
    """Make the container's directory and take its lock, while the store's lock is held."""
    try:
        os.mkdir(directory, 0o710)
        for name in ("rootfs", "upper", "work", "shm"):
            os.mkdir(f"{directory}/{name}", 0o755)
    except OSError as error:
        raise ConfigError(f"cannot make {directory}: {reason(error)}") from error
    life = Lock(f"{directory}/lock")
    life.acquire()
    return life


def _write_files(directory: str, record: dict[str, Any]) -> None:
    """Write the container's own hostname, hosts and resolv.conf."""
    name = record["Config"]["Hostname"]
    resolv = ""
    if record["HostConfig"].get("NetworkMode") == "host":
        resolv = _read_host("/etc/resolv.conf")
    records.write_text(f"{directory}/hostname", f"{name}\n", 0o644)
    hosts = f"{HOSTS}127.0.1.1\t{name}\n"
    if record["HostConfig"].get("NetworkMode") == "host":
        hosts = _read_host("/etc/hosts")
    records.write_text(f"{directory}/hosts", hosts, 0o644)
    records.write_text(f"{directory}/resolv.conf", resolv, 0o644)


def _write_filter(
    directory: str, record: dict[str, Any], document: dict[str, Any], root: str
) -> None:
    """Add the seccomp profile to config.json, and write what it compiles to beside it."""
    process, host = document["process"], record["HostConfig"]
    names = process["capabilities"]["bounding"] if "capabilities" in process else ()
    options, privileged = host.get("SecurityOpt", []), bool(host.get("Privileged"))
    profile, program = seccomp_cache.prepare(root, options, names, privileged)
    if profile and program:
        document["linux"]["seccomp"] = profile
        with open(f"{directory}/{spec.FILTER}", "xb") as file:
            file.write(program)


def _read_host(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(records.LIMIT)
    except FileNotFoundError:
        return ""
