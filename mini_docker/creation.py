"""Create a container: its name, its directory, its bundle; and nothing, if anything fails.

The record container.json is written last. Without it a directory is nobody's
container, and the next command that needs the name, or `system check --repair`,
takes it away.
"""

from __future__ import annotations

import os

from mini_docker import (
    cgroups_tree,
    container_process,
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
from mini_docker.errors import ConfigError, Conflict, reason
from mini_docker.store import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.store import Store

HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
JOINED = ("PidMode", "IpcMode", "NetworkMode", "UTSMode")  # that may say "container:NAME"
STATE = {
    **{"Status": "created", "Pid": 0, "ExitCode": 0, "Error": "", "OOMKilled": False},
    **{"StartedAt": timestamps.NEVER, "FinishedAt": timestamps.NEVER},
}


def create(
    store: Store, record: dict[str, Any], layers: list[str]
) -> tuple[containers.Container, Lock]:
    """Create the container that *record* asks for, over *layers*; return it and its lock.

    *record* has Config, HostConfig, Path, Args, Name ("" for a random one) and the
    image's fields; Id and Created are filled in. The caller holds the lock for as long
    as it looks after the container.
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
        tree = cgroups_tree.present() if not swap.locked("cgroups") else None
        version = tree.version if tree else "v2"
        document = settings.bundle(record, layers, store, version, maps)
        settings_users.place(document, tree.base if tree else "")
        _write_files(directory, record)
        _write_filter(directory, record, document, store.root)
        records.write(f"{directory}/config.json", document)
        records.write(f"{directory}/state.json", STATE)
        records.write(f"{directory}/container.json", record)
    except BaseException:
        discard(store, id, record["Name"])
        raise
    it = containers.Container(store, id)
    events.container(it, "create")
    return it, life


def rejoin(it: containers.Container) -> None:
    """Let the config.json of *it* name the namespaces of other containers as they are now.

    They were those of a process when the container was made: that may have ended since, and
    another one bear its number. Raises what settings.bundle() would raise today, and Conflict
    if it would be a container of another kind.
    """
    record, store, host = it.record, it.store, it.record["HostConfig"]
    joined = [key for key in JOINED if host.get(key, "").startswith("container:")]
    if not joined:
        return
    document = it.config()
    linux, kinds = document["linux"], spec.kinds(document)
    rows = settings.namespaces(host, store, "v2" if "cgroup" in kinds else "v1")
    maps = settings_users.choose(record, [], store)
    if maps:
        rows.append({"type": "user", "path": maps["path"]})
    if {row["type"] for row in rows} != {row["type"] for row in linux["namespaces"]}:
        raise Conflict(
            f"cannot start container {it.name()}: the container whose namespaces it shares is "
            "in another user namespace than when it was created; create it anew"
        )
    linux["namespaces"] = rows
    for row in document["mounts"]:
        if row["destination"] == "/dev/shm" and "IpcMode" in joined:
            pid = settings.running_pid(store, host["IpcMode"].removeprefix("container:"))
            row["source"] = f"/proc/{pid}/root/dev/shm"
    records.write(f"{store.directory(it.id)}/config.json", document)


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
        with open(f"{directory}/{container_process.FILTER}", "xb") as file:
            file.write(program)


def _read_host(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(records.LIMIT)
    except FileNotFoundError:
        return ""
