"""Which user namespace a container gets, and what config.json has to say about it.

    --userns=host       none: its root is the host's
    ""                  what the configuration file says: userns-remap, or none
    --userns=auto       one with a range of ids that no other container has
    container:NAME      as another's pid, ipc or network is used: that container's

choose() decides, apply() tells config.json. An ordinary user's containers all live in the one
user namespace that the engine itself is in (rootless.py), and get none of their own.
"""

from __future__ import annotations

import os

from mini_docker import configuration, records, spec, swap
from mini_docker.errors import ConfigError, Conflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_docker.store import Store

WHOLE = "0 0 4294967295"  # the map of the first user namespace. user_namespaces(7)
TTY_GROUP = "gid=5"  # of a terminal: only where there is a group 5

_confined: bool | None = None


def confined() -> bool:
    """Say whether the engine itself is in a user namespace; found out once in a process."""
    global _confined
    if _confined is None:
        with open("/proc/self/uid_map") as file:
            _confined = file.readline().split() != WHOLE.split()
    return _confined


def choose(record: dict[str, Any], layers: list[str], store: Store) -> dict[str, Any] | None:
    """Return the maps of a container to be made, "uid" and "gid"; None: no namespace.

    The rows are OCI's LinuxIDMapping. {"path": ...} stands for a namespace to be joined.
    The caller holds the store's lock until note() has written it down. Raises ConfigError
    and Conflict, in Docker's words where it has them.
    """
    host = record["HostConfig"]
    mode = host.get("UsernsMode", "")
    remap = "" if mode else configuration.read().get("userns-remap", "")
    automatic = mode == "auto" or mode.startswith("auto:")
    if not remap and not automatic:
        return _shared(store, host) if not mode else None
    if confined():
        raise ConfigError(
            f"cannot use {'--userns=' + mode if mode else 'userns-remap'}: it takes the host's "
            "root; an ordinary user's containers are in one user namespace already"
        )
    swap.require("namespaces", "rootfs", "users", what=f"a user namespace ({mode or remap})")
    _refuse(host)
    if _partners(host):
        return _joined(store, host, mode)
    from mini_docker import users_ranges

    if remap:
        uids, gids = users_ranges.remapped(remap)
    else:
        from mini_docker import users_pool

        size = int(mode.partition("size=")[2] or users_pool.need(record, layers))
        uids, gids = (users_pool.take(store, kind, size) for kind in ("uid", "gid"))
    return {
        kind: [{"containerID": r.inside, "hostID": r.outside, "size": r.size} for r in ranges]
        for kind, ranges in (("uid", uids), ("gid", gids))
    }


def note(directory: str, maps: dict[str, Any] | None) -> None:
    """Write down in the container's *directory* which ranges it has, if it has any."""
    if maps:
        from mini_docker.users_pool import RECORD

        records.write(f"{directory}/{RECORD}", maps)


def apply(document: dict[str, Any], host: dict[str, Any], maps: dict[str, Any] | None) -> None:
    """Add to *document* what choose() has chosen, and adapt its mounts to that."""
    linux = document["linux"]
    if maps is None:
        if confined():
            _adapt(document, host)
        return
    row = {"type": "user"}
    if "path" in maps:
        row["path"] = maps["path"]
    else:
        linux["uidMappings"], linux["gidMappings"] = maps["uid"], maps["gid"]
        if all(row["containerID"] + row["size"] <= 5 for row in maps["gid"]):
            _without_tty_group(document)
    linux["namespaces"].append(row)


def _refuse(host: dict[str, Any]) -> None:
    """Refuse what the host's root alone can give. moby, daemon_unix.go."""
    if host.get("Privileged"):
        raise ConfigError(
            "privileged mode is incompatible with user namespaces.  You must run the container "
            "in the host namespace when running privileged mode"
        )
    if host.get("NetworkMode") == "host":
        raise ConfigError(
            "cannot share the host's network namespace when user namespaces are enabled"
        )
    if host.get("PidMode") == "host":
        raise ConfigError("cannot share the host PID namespace when user namespaces are enabled")


def _partners(host: dict[str, Any]) -> list[str]:
    """Return the containers whose namespaces *host* wants to share."""
    modes = (host.get(key, "") for key in ("PidMode", "IpcMode", "NetworkMode"))
    return [m.removeprefix("container:") for m in modes if m.startswith("container:")]


def _shared(store: Store, host: dict[str, Any]) -> dict[str, Any] | None:
    """Return the namespace of the container to share with, for one that would have none."""
    return (
        _joined(store, host, "") if _partners(host) and _namespaces(store, host) != [""] else None
    )


def _joined(store: Store, host: dict[str, Any], mode: str) -> dict[str, Any]:
    """Return the user namespace that all partners are in: their other ones belong to it."""
    if mode:
        raise Conflict(f"conflicting options: --userns={mode} and another container's namespaces")
    paths = _namespaces(store, host)
    if len(paths) > 1:
        raise Conflict(
            f"cannot share the namespaces of {', '.join(_partners(host))}: these containers are "
            "in different user namespaces"
        )
    if not paths[0]:
        raise Conflict(
            f"cannot share the namespaces of {_partners(host)[0]}: it is in the host's user "
            "namespace (--userns=host)"
        )
    _refuse(host)
    return {"path": paths[0], "uid": [], "gid": []}


def _namespaces(store: Store, host: dict[str, Any]) -> list[str]:
    """Return the user namespaces of the partners, "" for the host's, each once."""
    from mini_docker import containers

    found = set()
    for name in _partners(host):
        it = containers.Container(store, store.find(name))  # load() may want the store's lock
        path = f"/proc/{it.pid()}/ns/user" if spec.mapped(it.config()) else ""
        try:
            found.add((os.readlink(path) if path else "", path))
        except OSError:
            raise ConfigError(
                f"cannot join the namespace of a non running container: {name}"
            ) from None
    return sorted(dict(found).values())


def _adapt(document: dict[str, Any], host: dict[str, Any]) -> None:
    """Leave out of *document* what an engine that is in a user namespace itself cannot do."""
    with open("/proc/self/gid_map") as file:
        rows = [[int(word) for word in line.split()] for line in file]
    if not any(inside <= 5 < inside + size for inside, _, size in rows):
        _without_tty_group(document)
    kinds = {row["type"] for row in document["linux"]["namespaces"] if not row.get("path")}
    foreign = {"/sys"} if host.get("NetworkMode", "") == "host" else set()
    foreign |= {"/proc"} if "pid" not in kinds and host.get("PidMode", "") == "host" else set()
    for row in document["mounts"]:
        if row["destination"] in foreign:
            # A new mount of it is for the owner of the namespace that it shows.
            words = ["rbind", "nosuid", "noexec", "nodev"]
            words += ["ro", "rro"] if "ro" in row["options"] else []
            row.update(type="bind", source=row["destination"], options=words)
        elif row["type"] == "overlay":
            row["options"] = [*row["options"], "userxattr"]
    # The host's devices are out of reach already: no node made in here opens one.
    document["linux"]["resources"].pop("devices", None)


def place(document: dict[str, Any], base: str | None) -> None:
    """Let the container's control group be below *base*; None: it gets none, nor limits.

    Each limit that is left out is a warning, as Docker has it.
    """
    if base == "":
        return  # the whole tree is ours
    import sys

    from mini_docker import cgroups_limits

    linux = document["linux"]
    if base is not None:
        linux["cgroupsPath"] = base + linux["cgroupsPath"]
        return
    linux["cgroupsPath"] = ""
    names = [name for name, _ in cgroups_limits.files_v2(linux["resources"], bfq=False)]
    if "memory.max" in names:  # which brings a limit of swap along
        names.remove("memory.swap.max")
    for name in names:
        print(f"WARNING: {cgroups_limits.discarded(name)}", file=sys.stderr)
    linux["resources"] = {}


def _without_tty_group(document: dict[str, Any]) -> None:
    for row in document["mounts"]:
        if row["type"] == "devpts":
            row["options"] = [word for word in row["options"] if word != TTY_GROUP]
